"""Journal entries to canonical bytes and back (docs/journal.md).

Canonical JSON: keys sorted, no white space, UTF-8, no floats (RFC 8785 for what stands here). The
bytes are stored verbatim; reading them back never needs them to be written again.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import cast

from archiver.evidence.journal import forms
from archiver.evidence.journal.canonical import (
    JSON,
    CodecError,
    Fields,
    as_fields,
    as_integer,
    as_pair,
    as_text,
    canonical,
    choice_of,
    digest_of,
    integer_of,
    list_of,
    parse,
    position_of,
    text_of,
    time_of,
)
from archiver.model.custody import Emptied
from archiver.model.digest import Position
from archiver.model.entries import (
    Config,
    Entry,
    Epoch,
    Export,
    Genesis,
    Match,
    Payload,
    Record,
    Scope,
    Sighting,
    Tag,
    Undo,
    Unknown,
    Untag,
    Vanished,
)
from archiver.model.sources import FileSource, HandSource, ImapSource, Source

VERSION = 1
SALT_SIZE = 16

_MINUTE = timedelta(minutes=1)
_utc = lru_cache(maxsize=16)(forms.utc)  # the entries of one batch have the same time


def type_of(payload: Payload) -> str:
    """Return the type that an entry saying PAYLOAD has."""
    return (
        payload.type if isinstance(payload, Unknown | Emptied) else _name_of(type(payload).__name__)
    )


@cache
def _name_of(kind: str) -> str:
    """Name a class as entries do: ``KeySeen`` is ``key-seen``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind).lower()


def encode(payload: Payload, *, at: datetime, actor: str, software: str, salt: bytes) -> bytes:
    """Return the bytes of the entry that says PAYLOAD.

    AT is aware. SALT (16 random bytes) keeps the leaf from telling anything about the entry.
    Raises ValueError on a naive time, on a number that cannot be read back, on an Unknown (what is
    not understood is not written) and on an Emptied, which ``emptied`` writes.
    """
    if len(salt) != SALT_SIZE:
        raise ValueError("a salt is 16 bytes long")
    fields = _describe(payload)
    fields |= {
        "v": VERSION,
        "type": type_of(payload),
        "salt": salt.hex(),
        "at": _utc(at),
        "actor": actor,
        "sw": software,
    }
    body = canonical(fields)
    if not isinstance(payload, Record | Sighting):
        decode(0, body)  # these may carry numbers that a server made up
    return body


def emptied(body: bytes, *, erase: Position) -> bytes:
    """Return what stays of the entry BODY once the entry at ERASE took away what it said.

    When, by whom and of which type it was stays; without its salt nothing links it to the leaf.
    """
    fields = parse(body)
    kept: dict[str, JSON] = {name: fields[name] for name in ("v", "type", "at", "actor", "sw")}
    return canonical(kept | {"erased": erase})


def decode(position: int, body: bytes) -> Entry:
    """Read an entry back; raises CodecError when BODY is not one.

    An entry of a type or version that this program does not know becomes Unknown, one that was
    emptied becomes Emptied.
    """
    fields = parse(body)
    type_ = text_of(fields, "type")
    known = integer_of(fields, "v") == VERSION
    make = _MAKERS.get(type_) if known else None
    if known and "erased" in fields:
        make = _emptied
    return Entry(
        position=Position(position),
        at=time_of(fields, "at"),
        actor=text_of(fields, "actor"),
        software=text_of(fields, "sw"),
        payload=make(fields) if make else Unknown(type=type_),
    )


def _describe(payload: Payload) -> dict[str, JSON]:  # noqa: PLR0911 - one per type
    match payload:
        case Genesis():
            return {"archive": payload.archive}
        case Record():
            return {
                "object": payload.object.hex,
                "size": payload.size,
                "kind": payload.kind,
            }
        case Sighting():
            return {
                "record": payload.record,
                "source": _describe_source(payload.source),
                "internaldate": _local(payload.internaldate) if payload.internaldate else None,
                "flags": list(payload.flags),
                "match": payload.match,
            }
        case Epoch():
            return {
                "account": payload.account,
                "folder": payload.folder,
                "uidvalidity": payload.uidvalidity,
                "previous": payload.previous,
            }
        case Vanished():
            return {
                "account": payload.account,
                "folder": payload.folder,
                "uidvalidity": payload.uidvalidity,
                "uids": payload.uids,
            }
        case Config():
            return {
                "name": payload.name,
                "object": payload.object.hex if payload.object else None,
                "size": payload.size,
            }
        case _:
            return _describe_judgement(payload)


def _describe_judgement(
    payload: Tag | Untag | Undo | Export | forms.Formed | Emptied | Unknown,
) -> dict[str, JSON]:
    match payload:
        case Tag() | Untag():
            return {
                "record": payload.record,
                "engagement": payload.engagement,
                "scope": payload.scope,
                "decision": payload.decision,
            }
        case Undo():
            return {"entry": payload.entry}
        case Export():
            return {
                "engagement": payload.engagement,
                "numbers": [[number, position] for number, position in payload.numbers],
                "manifest": payload.manifest.hex,
                "recipient": payload.recipient,
            }
        case Unknown() | Emptied():
            raise ValueError(f"an entry of the unknown type {payload.type!r} cannot be written")
        case _:
            return forms.describe(payload)


def _describe_source(source: Source) -> dict[str, JSON]:
    match source:
        case ImapSource():
            more: dict[str, JSON] = {
                "labels": list(source.labels),
                "gmail_id": source.gmail_id,
            }
            return _said(more) | {
                "kind": "imap",
                "account": source.account,
                "host": source.host,
                "certificate": source.certificate,
                "folder": source.folder,
                "uidvalidity": source.uidvalidity,
                "uid": source.uid,
            }
        case FileSource():
            more = {
                "folder": source.folder,
                "labels": list(source.labels),
                "made_from": source.made_from,
            }
            return _said(more) | {
                "kind": "file",
                "path": source.path,
                "member": source.member,
                "offset": source.offset,
            }
        case HandSource():
            return {"kind": "hand"}


def _said(members: dict[str, JSON]) -> dict[str, JSON]:
    """Leave out what says nothing: an entry of an ordinary mailbox stays as short as it was."""
    return {name: value for name, value in members.items() if value}


def _local(moment: datetime) -> str:
    """RFC 3339 with the offset as given; that knows no seconds in an offset, so those go to UTC."""
    offset = moment.utcoffset()
    if offset is None or offset % _MINUTE:
        return forms.utc(moment)
    return moment.isoformat()


def _genesis(fields: Fields) -> Payload:
    return Genesis(archive=text_of(fields, "archive"))


def _record(fields: Fields) -> Payload:
    return Record(
        object=digest_of(fields, "object"),
        size=integer_of(fields, "size"),
        kind=text_of(fields, "kind"),
    )


def _sighting(fields: Fields) -> Payload:
    return Sighting(
        record=position_of(fields, "record"),
        source=_source(as_fields(fields.get("source"))),
        internaldate=time_of(fields, "internaldate") if fields.get("internaldate") else None,
        flags=tuple(as_text(flag) for flag in list_of(fields, "flags")),
        match=cast("Match", choice_of(fields, "match", "digest", "attributes")),
    )


def _source(fields: Fields) -> Source:
    match fields.get("kind"):
        case "imap":
            return ImapSource(
                account=text_of(fields, "account"),
                host=text_of(fields, "host"),
                certificate=text_of(fields, "certificate") if fields.get("certificate") else None,
                folder=text_of(fields, "folder"),
                uidvalidity=integer_of(fields, "uidvalidity"),
                uid=integer_of(fields, "uid"),
                labels=_texts(fields, "labels"),
                gmail_id=_text(fields, "gmail_id"),
            )
        case "file":
            return FileSource(
                path=text_of(fields, "path"),
                member=integer_of(fields, "member"),
                offset=integer_of(fields, "offset"),
                folder=_text(fields, "folder"),
                labels=_texts(fields, "labels"),
                made_from=_text(fields, "made_from"),
            )
        case "hand":
            return HandSource()
        case other:
            raise CodecError(f"a source of the unknown kind {other!r}")


def _text(fields: Fields, name: str) -> str:
    """Return the text under NAME, which an entry may lack."""
    return text_of(fields, name) if name in fields else ""


def _texts(fields: Fields, name: str) -> tuple[str, ...]:
    """Return the texts under NAME, which an entry may lack."""
    return tuple(map(as_text, list_of(fields, name))) if name in fields else ()


def _epoch(fields: Fields) -> Payload:
    previous = fields.get("previous")
    return Epoch(
        account=text_of(fields, "account"),
        folder=text_of(fields, "folder"),
        uidvalidity=integer_of(fields, "uidvalidity"),
        previous=None if previous is None else integer_of(fields, "previous"),
    )


def _vanished(fields: Fields) -> Payload:
    return Vanished(
        account=text_of(fields, "account"),
        folder=text_of(fields, "folder"),
        uidvalidity=integer_of(fields, "uidvalidity"),
        uids=text_of(fields, "uids"),
    )


def _config(fields: Fields) -> Payload:
    return Config(
        name=text_of(fields, "name"),
        object=None if fields.get("object") is None else digest_of(fields, "object"),
        size=integer_of(fields, "size"),
    )


def _scope(fields: Fields) -> Scope:
    return cast("Scope", choice_of(fields, "scope", "message", "thread", "sender", "query"))


def _tag(fields: Fields) -> Payload:
    return Tag(
        record=position_of(fields, "record"),
        engagement=text_of(fields, "engagement"),
        scope=_scope(fields),
        decision=text_of(fields, "decision"),
    )


def _untag(fields: Fields) -> Payload:
    return Untag(
        record=position_of(fields, "record"),
        engagement=text_of(fields, "engagement"),
        scope=_scope(fields),
        decision=text_of(fields, "decision"),
    )


def _undo(fields: Fields) -> Payload:
    return Undo(entry=position_of(fields, "entry"))


def _export(fields: Fields) -> Payload:
    return Export(
        engagement=text_of(fields, "engagement"),
        numbers=tuple(
            (as_integer(number), Position(as_integer(position)))
            for number, position in map(as_pair, list_of(fields, "numbers"))
        ),
        manifest=digest_of(fields, "manifest"),
        recipient=_text(fields, "recipient"),
    )


def _emptied(fields: Fields) -> Payload:
    return Emptied(type=text_of(fields, "type"), erase=position_of(fields, "erased"))


_MAKERS: Mapping[str, Callable[[Fields], Payload]] = {
    "genesis": _genesis,
    "record": _record,
    "sighting": _sighting,
    "epoch": _epoch,
    "vanished": _vanished,
    "config": _config,
    "tag": _tag,
    "untag": _untag,
    "undo": _undo,
    "export": _export,
    **{_name_of(kind.__name__): read for kind, read in forms.readers().items()},
}
