"""Verify again what was captured, offline: with the keys that were kept, as they were then."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, replace
from gettext import gettext as _

from archiver.errors import OperationError
from archiver.evidence.origin import registry
from archiver.evidence.origin.examine import conclude, examine
from archiver.evidence.origin.resolver import NoAnswer, NoKey
from archiver.evidence.reader import Reader
from archiver.model.custody import Emptied
from archiver.model.digest import Position
from archiver.model.entries import Entry
from archiver.model.findings import Finding, Report
from archiver.model.origin import RULES, Origin


def check_origin(
    evidence: Reader,
    records: Iterable[Position] | None = None,
    *,
    alone: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Finding, ...]:
    """Compare what the newest ``origin`` of each of RECORDS (None: all) says with its message.

    Nothing is asked of DNS and nothing is changed. A record whose bytes or entry cannot be read is
    left to the check of objects and entries, unless this check stands ALONE. Codes:
    ``origin-differs``, ``origin-older``, ``key-object-missing``, ``origin-unread``.
    """
    todo = registry.newest_entries(evidence, records)
    findings: dict[tuple[str, str], Finding] = {}
    for number, position in enumerate(todo, 1):
        for finding in _check(evidence, position, alone=alone):
            findings.setdefault((finding.code, finding.subject), finding)
        if progress:
            progress(number, len(todo))
    return tuple(findings.values())


def recheck(
    evidence: Reader,
    records: Sequence[Position] | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Do ``check_origin``, and say how many records were checked; none at all is a finding."""
    count = len(registry.newest_entries(evidence, records))
    findings = check_origin(evidence, records, alone=True, progress=progress)
    return Report(
        checked=(("origins", count),), findings=findings if count else (_nothing(), *findings)
    )


def _check(evidence: Reader, position: int, *, alone: bool) -> tuple[Finding, ...]:
    """Return what is wrong with the origin entry at POSITION; ALONE: also that it is unreadable."""
    try:
        match evidence.entry(position):
            case Entry(payload=Origin() as origin):
                return _compare(evidence, position, origin)
            case Entry(payload=Emptied()):
                return ()
            case _:
                what = _("There is no such entry.")
    except OperationError as error:
        what = error.what
    return (_unread(position, what),) if alone else ()


def _compare(evidence: Reader, position: int, origin: Origin) -> tuple[Finding, ...]:
    record = evidence.record(origin.record)
    data = evidence.read(record.object) if record.kind == "mail" else b""
    replies, broken = registry.kept_replies(evidence, origin)
    if broken:
        return tuple(map(_no_key, broken))
    absent = NoKey() if origin.complete else NoAnswer("not-asked")
    sighting = registry.first_sighting(evidence, origin.record)
    again = conclude(
        examine(
            data,
            servers=_servers(origin),
            made_from=registry.made_from(sighting) if sighting else origin.made_from,
        ),
        origin.record,
        reply_of=lambda name: replies.get(name, (absent, None))[0],
        key_of=lambda name: replies.get(name, (absent, None))[1],
        sent=origin.sent,
        internaldate=sighting.internaldate if sighting else origin.internaldate,
    )
    older = origin.rules < RULES
    if older:
        again = _as_of_then(again, origin)
    changed = [
        field.name
        for field in fields(Origin)
        if getattr(origin, field.name) != getattr(again, field.name)
    ]
    if older and changed and {"claims", "seal"} >= set(changed):  # neither is believed
        return (_older(record.object.short, position),)
    return (_differs(record.object.short, position, changed),) if changed else ()


def _as_of_then(again: Origin, origin: Origin) -> Origin:
    """Leave out of AGAIN what was not noted when ORIGIN was captured."""
    return replace(
        again,
        signatures=tuple(replace(one, unsigned=None) for one in again.signatures),
        seal=replace(again.seal, unsigned=None) if again.seal else None,
        rules=origin.rules,
    )


def _servers(origin: Origin) -> frozenset[str]:
    """Return whose word was taken: who the own provider was is the archive's setting of then."""
    servers = {claim.server for claim in origin.claims}
    if origin.seal and origin.seal.own:
        servers.add(origin.seal.server)
    return frozenset(servers)


def _differs(record: str, entry: int, changed: Sequence[str]) -> Finding:
    return Finding(
        code="origin-differs",
        level="error",
        subject=record,
        message=_(
            "What entry {entry} says of the record's origin does not follow from its bytes and the "
            "keys that were kept: {fields}."
        ).format(entry=entry, fields=", ".join(changed)),
        advice=_("Compare with a backup: the entry, the record or a key was changed."),
    )


def _older(record: str, entry: int) -> Finding:
    return Finding(
        code="origin-older",
        level="warning",
        subject=record,
        message=_(
            "Entry {entry}, by an older version, takes more for the word of the account's own "
            "provider than counts now."
        ).format(entry=entry),
        advice=_("Nothing is to be done: this word of it is not believed any more."),
    )


def _unread(entry: int, what: str) -> Finding:
    return Finding(
        code="origin-unread",
        level="error",
        subject=str(entry),
        message=_("The origin that entry {entry} holds could not be checked: {what}").format(
            entry=entry, what=what
        ),
        advice=_("Run `archiver verify`: it tells what is damaged, and what to do."),
    )


def _nothing() -> Finding:
    return Finding(
        code="nothing-checked",
        level="warning",
        subject="origin",
        message=_("No origin was captured, so there was nothing to check."),
        advice=_("Run `archiver origin` on a machine that can ask DNS."),
    )


def _no_key(position: Position) -> Finding:
    return Finding(
        code="key-object-missing",
        level="error",
        subject=str(position),
        message=_("The DNS answer that entry {position} keeps is missing or damaged.").format(
            position=position
        ),
        advice=_(
            "Put the object back from a backup: without the key nobody can verify the signatures."
        ),
    )
