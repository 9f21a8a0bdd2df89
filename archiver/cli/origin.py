"""``origin``: who signed a record, captured while the keys are still published."""

from collections.abc import Iterator
from datetime import datetime, tzinfo
from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING

import click

from archiver.cli.context import Global, pass_global
from archiver.cli.output import (
    echo,
    json_option,
    print_checked,
    print_findings,
    print_json,
    print_rows,
    report_json,
)
from archiver.cli.search import find_record
from archiver.errors import UsageError

if TYPE_CHECKING:
    from archiver.app import Archive
    from archiver.evidence.origin.capture import Captured
    from archiver.model.digest import Position
    from archiver.model.entries import Entry
    from archiver.model.findings import Report
    from archiver.model.origin import Origin, Seal, Signature

_FOUND = 3
_ALL = "all"


@click.command(
    help=_(
        "Capture who signed the records that wait for it, asking DNS for the keys; or show what "
        "was captured of one record; or verify it again without the network. ID is a record's "
        "digest or the beginning of it. Exit code 3 when --recheck finds an error.\n\n"
        "\b\nExamples:\n"
        "  archiver origin\n"
        "  archiver origin 3f9a1c\n"
        "  archiver origin --recheck all"
    )
)
@click.argument("id_", metavar="[ID|all]", required=False)
@click.option(
    "--recheck",
    is_flag=True,
    help=_("Verify again with the keys that were kept, of one record or of all."),
)
@json_option
@pass_global
def origin(globals_: Global, id_: str | None, recheck: bool, format_: str) -> int:
    if id_ == _ALL and not recheck:
        raise UsageError(
            _("`origin all` is not a record."),
            advice=_("Write `archiver origin --recheck all`, or name one record."),
        )
    with globals_.open() as archive:
        if recheck:
            return _recheck(archive, None if id_ in {None, _ALL} else id_, format_)
        if id_ is not None:
            _show(archive, find_record(archive, id_), format_)
        else:
            _capture(archive, format_)
    return 0


# --- capture -------------------------------------------------------------------------------------


def _capture(archive: "Archive", format_: str) -> None:
    captured = archive.capture_origin(insist=True)
    if captured is None:
        archive.evidence.writing()  # raises when the archive can only be read
        raise UsageError(
            _("DNS is not to be asked: --offline was given, or ARCHIVER_OFFLINE is set."),
            advice=_("Leave it out; `archiver origin --recheck all` needs no network."),
        )
    if format_ == "json":
        print_json(_captured_json(captured))
        return
    for line in _captured_lines(captured):
        echo(line)


def _captured_json(captured: "Captured") -> dict[str, object]:
    return {
        "schema": 1,
        "captured": captured.done,
        "waiting": captured.waiting,
        "unread": captured.unread,
        "names_asked": captured.asked,
        "stalled": captured.stalled,
        "dns": captured.dns,
    }


def _captured_lines(captured: "Captured") -> Iterator[str]:
    yield ngettext(
        "Captured the origin of {n} record.", "Captured the origin of {n} records.", captured.done
    ).format(n=captured.done)
    if not captured.dns:
        yield from _unasked_lines(captured.waiting - captured.unread)
    elif captured.waiting:
        yield ngettext(
            "{n} record waits for DNS; a later command asks again.",
            "{n} records wait for DNS; a later command asks again.",
            captured.waiting,
        ).format(n=captured.waiting)
    if captured.stalled:
        yield _("DNS did not answer: is this machine connected?")
    if captured.unread:
        yield ngettext(
            "{n} record could not be read; `archiver verify` tells why.",
            "{n} records could not be read; `archiver verify` tells why.",
            captured.unread,
        ).format(n=captured.unread)


def _unasked_lines(count: int) -> Iterator[str]:
    if count:
        yield ngettext(
            "{n} record is signed, but its key is not asked for: archive.toml switches DNS off.",
            "{n} records are signed, but their keys are not asked for: archive.toml switches DNS "
            "off.",
            count,
        ).format(n=count)
        yield _('To have them asked for, write dns = "system" under [origin] in archive.toml.')


# --- recheck -------------------------------------------------------------------------------------


def _recheck(archive: "Archive", id_: str | None, format_: str) -> int:
    from archiver.evidence.origin.recheck import recheck

    records = None if id_ is None else [find_record(archive, id_)]
    report = recheck(
        archive.evidence,
        records,
        progress=lambda done, total: archive.progress("verify", done, total),
    )
    _print_report(report, format_)
    return _FOUND if report.errors else 0


def _print_report(report: "Report", format_: str) -> None:
    if format_ == "json":
        print_json(report_json(report))
        return
    print_checked(report)
    print_findings(report.findings)
    if not report.findings:
        echo(_("Everything checked is as it was captured."))


# --- show ----------------------------------------------------------------------------------------


def _show(archive: "Archive", record: "Position", format_: str) -> None:
    from archiver.evidence.origin.registry import newest_origin
    from archiver.search.present import grades_json, grades_lines

    digest = archive.evidence.record(record).object
    grades = archive.grades(record)
    found = newest_origin(archive.evidence, record)
    if format_ == "json":
        print_json(
            {
                "schema": 1,
                "id": digest.hex,
                **grades_json(*grades),
                "captured": _found_json(archive, *found) if found else None,
            }
        )
        return
    rows = [(_("Record"), digest.hex), *grades_lines(*grades)]
    if found:
        rows += _found_lines(archive, *found)
    if "sent" in grades[0].reasons:
        rows.append((_("Advice"), _sent_advice()))
    print_rows(rows)


def _sent_advice() -> str:
    return _(
        "Send what matters with a blind copy (BCC) to an address of yours at another provider, and "
        "archive that account too: what arrives there is signed by your own provider."
    )


def _found_json(archive: "Archive", entry: "Entry", found: "Origin") -> dict[str, object]:
    from archiver.evidence.journal.forms import describe
    from archiver.evidence.origin.registry import asked_name, key_history

    names = sorted({name for one in found.signed if (name := asked_name(one))})
    return {
        "entry": entry.position,
        "at": entry.at.isoformat(),
        **describe(found),
        "keys": [
            {
                "name": name,
                "texts": [text.decode("utf-8", "backslashreplace") for text in key.texts],
                "first": key.first.isoformat(),
                "last": key.last.isoformat(),
                "entries": key.entries,
            }
            for name in names
            for key in key_history(archive.evidence, name)
        ],
    }


def _found_lines(archive: "Archive", entry: "Entry", found: "Origin") -> Iterator[tuple[str, str]]:
    zone = archive.time_zone
    where = _("{date} (entry {entry})").format(date=_local(entry.at, zone), entry=entry.position)
    yield _("Captured"), where
    for signature in found.signatures:
        yield _("Signature"), "; ".join(_signature_words(signature))
        yield from _key_lines(archive, signature)
    if found.seal:
        yield _("ARC seal"), "; ".join(_seal_words(found.seal))
        yield from _key_lines(archive, found.seal)
    for claim in found.claims:
        words = f"{claim.method}={claim.result} {claim.domain}".strip()
        yield _("Provider {server}").format(server=claim.server), words
    dates = (
        (_("Received by the server"), found.internaldate),
        (_("Date in the message"), found.date),
        (_("Topmost Received"), found.received),
    )
    yield from ((label, _local(date, zone)) for label, date in dates if date)


def _signature_words(signature: "Signature") -> Iterator[str]:
    from archiver.evidence.origin.words import told_uncovered

    yield _("{domain} ({selector}): {result}").format(
        domain=signature.domain, selector=signature.selector, result=_result(signature.result)
    )
    if signature.result != signature.header_result:
        yield _("the header alone: {result}").format(result=_result(signature.header_result))
    if signature.reason:
        yield _reason(signature.reason)
    if signature.header_result == "pass":
        yield from told_uncovered(signature)
    yield signature.algorithm
    if signature.key_bits:
        yield _("{n} bits").format(n=signature.key_bits)
    if signature.testing:
        yield _("a key for testing")
    if signature.appended:
        yield ngettext(
            "{n} byte of the body is not signed",
            "{n} bytes of the body are not signed",
            signature.appended,
        ).format(n=signature.appended)
    yield _("of the sender's domain") if signature.aligned else _("not of the sender's domain")


def _seal_words(seal: "Seal") -> Iterator[str]:
    from archiver.evidence.origin.words import told_uncovered

    yield _("{domain} ({selector}): {result}").format(
        domain=seal.domain, selector=seal.selector, result=_result(seal.result)
    )
    yield _("the message under it: {result}").format(result=_result(seal.message_result))
    if seal.message_result != seal.header_result:
        yield _("the header alone: {result}").format(result=_result(seal.header_result))
    if seal.header_result == "pass":
        yield from told_uncovered(seal)
    yield _("the account's own provider") if seal.own else _("somebody else's server")
    claims = (f"{method}={result} {domain}".strip() for method, result, domain in seal.claims)
    yield ", ".join(claims)


def _key_lines(archive: "Archive", signed: "Signature | Seal") -> Iterator[tuple[str, str]]:
    from archiver.evidence.origin.registry import asked_name, key_history

    if signed.key is None:
        return
    for key in key_history(archive.evidence, asked_name(signed)):
        if signed.key in key.entries:
            yield (
                _("Key"),
                _("{name}, first seen {first}, last seen {last} (entry {entry})").format(
                    name=asked_name(signed),
                    first=_local(key.first, archive.time_zone),
                    last=_local(key.last, archive.time_zone),
                    entry=signed.key,
                ),
            )


def _result(result: str) -> str:
    names = {
        "pass": _("holds"),
        "body-differs": _("the body is not as it was signed"),
        "bad-signature": _("does not hold"),
        "no-key": _("no key is published"),
        "unusable-key": _("the key cannot be used"),
        "malformed": _("not written as it should be"),
        "not-asked": _("DNS has not answered yet"),
    }
    return names.get(result, result)


def _reason(reason: str) -> str:
    names = {
        "revoked": _("it was taken back"),
        "small": _("it is too short"),
        "large": _("it is too long to be computed with"),
        "syntax": _("it is not written as it should be"),
        "kind": _("it is of another kind than the signature"),
        "hash": _("it is not for this hash"),
        "service": _("it is not for mail"),
        "identity": _("it is for another identity"),
        "too-long": _("something in it is too long"),
        "tags": _("it cannot be taken apart"),
        "fields": _("something in it is missing, or is not allowed"),
        "number": _("a number in it cannot be read"),
        "expiry": _("it ends before it begins"),
        "canonicalization": _("its canonical form is unknown"),
        "base64": _("it is not base64"),
        "from-not-signed": _("it does not sign From"),
        "name": _("DNS can have no such name"),
        "header": _("the header around it is not written as it should be"),
    }
    return names.get(reason, reason)


def _local(moment: datetime, zone: tzinfo) -> str:
    return moment.astimezone(zone).isoformat(sep=" ", timespec="minutes")


COMMANDS = {"origin": origin}
