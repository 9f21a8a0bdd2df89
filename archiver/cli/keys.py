"""``key``: show the keys that sign the archive's state, and change the key."""

from gettext import gettext as _
from typing import TYPE_CHECKING

import click

from archiver.cli.context import Global, pass_global
from archiver.cli.output import SCHEMA, echo, json_option, print_json, printable, write_bytes
from archiver.errors import OperationError, UsageError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from archiver.evidence.checkpoints.history import KeyPeriod
    from archiver.evidence.checkpoints.key_check import Held
    from archiver.evidence.checkpoints.outside import KeyPlace


@click.group(
    help=_(
        "The key that signs the archive's state: show, rotate; and the newest signed state.\n\n"
        "\b\nExample:\n  archiver key show"
    )
)
def key() -> None:
    pass


@key.command(
    "show",
    help=_(
        "Show the public half of each key, as others need it to verify what was signed, with its "
        "fingerprint (SHA-256), and where the secret half is kept. The secret half itself is never "
        "shown.\n\n"
        "\b\nExample:\n  archiver key show --format json"
    ),
)
@json_option
@pass_global
def show(globals_: Global, format_: str) -> None:
    from archiver.evidence.checkpoints.history import key_history
    from archiver.evidence.checkpoints.key_check import held

    with globals_.open() as archive:
        history = key_history(archive.evidence)
        place = archive.outside.key_place()
        here: Held | None = None
        try:
            here = held([str(period.key) for period in history], archive.outside)
        except OperationError as error:
            globals_.tell(error.both)
        if format_ == "json":
            print_json(_as_json(history, place, here))
            return
        _print(history, place, here, archive.time_zone)


@key.command(
    "state",
    help=_(
        "Print the newest signed state of the archive, a few lines of text. Send it to the client "
        "or to a lawyer now and then: who holds it can show later whether the archive still "
        "continues it.\n\n"
        "\b\nExample:\n  archiver key state > state.note"
    ),
)
@pass_global
def state(globals_: Global) -> None:
    from archiver.evidence.checkpoints.history import note_of, signed_sizes

    with globals_.open() as archive:
        sizes = signed_sizes(archive.evidence)
        if not sizes:
            raise UsageError(
                _("No state of this archive has been signed yet."),
                advice=_("The next `archiver sync`, `import` or `catch-up` signs one."),
            )
        write_bytes(note_of(archive.evidence, sizes[-1]))


@key.command(
    "rotate",
    help=_(
        "Sign from now on with another key, for example when others may have read the old one. "
        "What was signed before stays valid.\n\n"
        "\b\nExample:\n  archiver key rotate --yes"
    ),
)
@click.option("--yes", is_flag=True, help=_("Do not ask."))
@pass_global
def rotate(globals_: Global, *, yes: bool) -> None:
    from archiver.evidence.checkpoints.history import key_history

    question = _("Sign with another key from now on, and destroy the secret half of this one?")
    if not yes and not globals_.agrees(question):
        return
    with globals_.open() as archive:
        archive.rotate_key()
        new = key_history(archive.evidence)[-1].key
        globals_.chat(_("The key is now {key}").format(key=new))


def _as_json(history: "tuple[KeyPeriod, ...]", place: "KeyPlace", here: "Held | None") -> object:
    return {
        "schema": SCHEMA,
        "keys": [
            {
                "key": str(period.key),
                "sha256": period.key.digest,
                "since": period.since,
                "at": period.at.isoformat(),
                "reason": period.reason,
                "current": period is history[-1],
            }
            for period in reversed(history)
        ],
        "secret": {
            "kept": place.where,
            "path": None if place.where == "keyring" else str(place.path),
            "open_to_others": place.open_to_others,
            "is": here,
        },
    }


def _print(
    history: "tuple[KeyPeriod, ...]", place: "KeyPlace", here: "Held | None", zone: "ZoneInfo"
) -> None:
    if not history:
        echo(_("No key has signed this archive yet: the next synchronisation makes one."))
        if here == "other":
            echo(printable(_kept(place, here)))
        return
    for period in reversed(history):
        since = period.at.astimezone(zone).isoformat(timespec="minutes")
        what = _("current, since {since}") if period is history[-1] else _("since {since}")
        echo(f"{period.key}\n  {what.format(since=since)} ({_reason(period.reason)})")
        echo("  " + _("fingerprint: SHA-256 {digest}").format(digest=period.key.digest))
    echo(printable(_kept(place, here)))


def _reason(reason: str) -> str:
    names = {
        "first": _("the first key"),
        "rotated": _("changed by a person"),
        "lost": _("the key before it was not on this machine"),
        "restored": _("an older copy of the archive was put back"),
    }
    return names.get(reason, printable(reason))


def _kept(place: "KeyPlace", here: "Held | None") -> str:
    where = _("this system's keyring") if place.where == "keyring" else str(place.path)
    if here == "other":
        return _(
            "The key in {where} is not one that the journal names: ask who put it there. It will "
            "not sign."
        ).format(where=where)
    if here == "former":
        return _(
            "The key in {where} signed before, and another one since: the current one is not on "
            "this machine."
        ).format(where=where)
    match place.where:
        case "keyring":
            return _("The secret half is in this system's keyring.")
        case "file":
            return _("The secret half is in {path}.").format(path=place.path)
        case "nowhere":
            return _("The secret half is not on this machine: the next signing makes another key.")


COMMANDS = {"key": key}
