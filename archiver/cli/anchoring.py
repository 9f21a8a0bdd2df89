"""``anchor`` and ``authority``: have third parties date the archive, and say whom."""

from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver.cli.context import Global, actor, pass_global
from archiver.cli.output import SCHEMA, echo, json_option, print_json, printable
from archiver.errors import ConfigurationError, OperationError, TemporaryNetworkError, UsageError

if TYPE_CHECKING:
    from datetime import tzinfo

    from archiver.app import Archive
    from archiver.care.authorities import State
    from archiver.evidence.stamps.outcome import Outcome

IN_PART = 3


@click.command(
    help=_(
        "Have every time-stamp authority date what the archive holds now: proof, by somebody else, "
        "that it existed then. Only a hash leaves this machine.\n\n"
        "\b\nExamples:\n  archiver anchor\n  archiver anchor --due"
    )
)
@click.option(
    "--due",
    is_flag=True,
    help=_("Only where the last time-stamp is a day old, or an earlier try waits for its turn."),
)
@json_option
@pass_global
def anchor(globals_: Global, due: bool, format_: str) -> int:
    from archiver.evidence.stamps.outcome import warnings_of

    with globals_.open() as archive:
        if not due:
            _require_somebody_to_ask(archive)
        outcome = archive.anchor(due=due)
        zone = archive.time_zone
    for warning in warnings_of(outcome, zone):
        globals_.tell(printable(warning))
    if format_ == "json":
        print_json(_outcome_json(outcome))
    else:
        _print_outcome(globals_, outcome, zone)
    return _code(outcome)


def _require_somebody_to_ask(archive: "Archive") -> None:
    from archiver.care.working_copies import SETTINGS

    if archive.offline:
        raise UsageError(
            _("A time-stamp cannot be asked for offline."),
            advice=_("Leave out --offline (or ARCHIVER_OFFLINE); a later sync asks by itself."),
        )
    if SETTINGS in archive.copies.invalid:
        raise archive.copies.invalid[SETTINGS]
    if not archive.copies.settings.authorities:
        raise ConfigurationError(
            _("The archive has no time-stamp authority."),
            advice=_(
                "Add one: `archiver authority add NAME --url URL --root FILE.pem`; "
                "docs/timestamps.md says how to choose."
            ),
        )


def _print_outcome(globals_: Global, outcome: "Outcome", zone: "tzinfo") -> None:
    for stamped in outcome.stamped:
        when = stamped.time.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %z")
        line = _("{authority}: time-stamped {when}, everything up to entry {last}")
        echo(line.format(authority=stamped.authority, when=when, last=stamped.size - 1))
    for name in outcome.current:
        globals_.chat(_("{authority}: nothing new since its last one").format(authority=name))
    if globals_.verbose:
        for name in outcome.later:
            globals_.tell(_("{authority}: not due yet").format(authority=name))
        if outcome.offline:
            globals_.tell(_("Offline: no time-stamp was asked for."))


def _outcome_json(outcome: "Outcome") -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "stamped": [
            {
                "authority": each.authority,
                "size": each.size,
                "time": each.time.isoformat(),
                "entry": each.position,
                "qualified": each.qualified,
            }
            for each in outcome.stamped
        ],
        "failed": [
            {
                "authority": each.authority,
                "size": each.size,
                "code": each.code,
                "reason": each.words,
                "not_before": each.until.isoformat(),
            }
            for each in outcome.failed
        ],
        "current": list(outcome.current),
        "later": list(outcome.later),
    }


def _code(outcome: "Outcome") -> int:
    """Say 0 when nobody failed, 75 when nobody could be asked, 3 for anything in between."""
    if outcome.unsigned:
        return OperationError.exit_code
    if not outcome.failed:
        return 0
    asked_in_vain = not (outcome.stamped or outcome.current)
    if asked_in_vain and all(each.temporary for each in outcome.failed):
        return TemporaryNetworkError.exit_code
    return IN_PART


@click.group(
    help=_(
        "Time-stamp authorities (RFC 3161): add, list, remove.\n\n"
        "\b\nExample:\n  archiver authority add --help"
    )
)
def authority() -> None:
    pass


@authority.command(
    "add",
    help=_(
        "Add a time-stamp authority and pin its root certificate: only stamps that lead to it "
        "count. Compare the fingerprint with the one that the authority publishes.\n\n"
        "\b\nExample:\n"
        "  archiver authority add example --url http://tsa.example.org/ --root example-root.pem"
    ),
)
@click.argument("name")
@click.option("--url", required=True, help=_("Where it answers; plain http is as good as https."))
@click.option(
    "--root",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=_("Its root certificate, PEM or DER; several in one file where it changes."),
)
@click.option(
    "--qualified",
    is_flag=True,
    help=_("It is an EU qualified trust service; each stamp must say so itself as well."),
)
@pass_global
def authority_add(globals_: Global, name: str, url: str, root: Path, qualified: bool) -> None:
    from archiver.care.authorities import add_authority
    from archiver.evidence.disk import told

    with told(root):
        data = root.read_bytes()
    with globals_.open() as archive:
        state = add_authority(
            archive.evidence, name, url=url, root=data, qualified=qualified, actor=actor()
        )
        archive.relevel()
        zone = archive.time_zone
    for line in _root_lines(state, zone):
        globals_.chat(line)
    globals_.chat(
        _("Added {name}. Compare this with what it publishes; then archiver anchor.").format(
            name=name
        )
    )


@authority.command(
    "list",
    help=_(
        "List the time-stamp authorities, their roots, and how it went with them.\n\n"
        "\b\nExample:\n  archiver authority list --format json"
    ),
)
@json_option
@pass_global
def authority_list(globals_: Global, format_: str) -> None:
    from archiver.care.authorities import states

    with globals_.open() as archive:
        found = states(archive.evidence, archive.copies.settings)
        zone = archive.time_zone
    if format_ == "json":
        print_json({"schema": SCHEMA, "authorities": [_state_json(each) for each in found]})
        return
    for each in found:
        when = each.last.astimezone(zone).strftime("%Y-%m-%d %H:%M %z") if each.last else _("never")
        kind = _("declared as qualified, ") if each.authority.qualified else ""
        echo(
            f"{each.authority.name}  {each.authority.url}  "
            + _("{kind}last time-stamp: {when}").format(kind=kind, when=when)
        )
        for line in _root_lines(each, zone):
            echo(line)
        if each.waiting:
            until = each.waiting.until.astimezone(zone).strftime("%Y-%m-%d %H:%M %z")
            echo(
                "  "
                + _("waits until {when}: {reason}").format(
                    when=until, reason=printable(each.waiting.reason)
                )
            )
    if not found:
        echo(_("No time-stamp authority yet: archiver authority add --help"))


def _root_lines(state: "State", zone: "tzinfo") -> list[str]:
    return [
        "  "
        + _("root {subject}, valid until {day}").format(
            subject=printable(root.subject), day=root.until.astimezone(zone).date()
        )
        + f"\n    SHA-256 {root.fingerprint}"
        for root in state.roots
    ]


def _state_json(state: "State") -> dict[str, object]:
    return {
        "name": state.authority.name,
        "url": state.authority.url,
        "qualified": state.authority.qualified,
        "roots": [
            {
                "subject": root.subject,
                "sha256": root.fingerprint.replace(":", "").lower(),
                "until": root.until.isoformat(),
            }
            for root in state.roots
        ],
        "last_stamp": state.last.isoformat() if state.last else None,
        "not_before": state.waiting.until.isoformat() if state.waiting else None,
        "reason": state.waiting.reason if state.waiting else None,
    }


@authority.command(
    "remove",
    help=_(
        "Remove a time-stamp authority: it is asked no more; its time-stamps stay and are still "
        "checked.\n\n\b\nExample:\n  archiver authority remove example"
    ),
)
@click.argument("name")
@click.option("--yes", is_flag=True, help=_("Do not ask."))
@pass_global
def authority_remove(globals_: Global, name: str, yes: bool) -> None:
    from archiver.care.authorities import remove_authority
    from archiver.config import find_authority

    with globals_.open() as archive:
        find_authority(archive.copies.settings, name)
        question = _("Remove the time-stamp authority {name}?").format(name=name)
        if not yes and not globals_.agrees(question):
            return
        remove_authority(archive.evidence, name, actor=actor())
        archive.relevel()
    globals_.chat(_("{name} was removed; its time-stamps stay.").format(name=name))


COMMANDS = {"anchor": anchor, "authority": authority}
