"""How the entries about keys, origin and custody stand in canonical JSON, field by field.

A form is a table: for each field of the class, how it is written and how it is read back. A field
that an older entry lacks is read as the class's default.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from archiver.evidence.journal.canonical import (
    JSON,
    CodecError,
    Fields,
    as_fields,
    as_integer,
    as_text,
)
from archiver.model.anchors import Anchor, KeyRotate, Restore
from archiver.model.custody import Erase, Erased, Hold, Note, Release, Restrict
from archiver.model.digest import Digest, Position
from archiver.model.entries import FolderChange, FolderScan, Scan
from archiver.model.origin import Claim, KeySeen, Origin, Seal, Signature

Formed = (
    KeyRotate
    | Anchor
    | Restore
    | KeySeen
    | Origin
    | Hold
    | Restrict
    | Release
    | Note
    | Erase
    | Erased
    | Scan
    | FolderChange
)
"""The payloads that are written by a form."""


@dataclass(frozen=True, slots=True)
class Form:
    """How one value is written, and read back; reading raises CodecError."""

    write: Callable[[Any], JSON]
    read: Callable[[JSON], Any]


def _same(value: JSON) -> JSON:
    return value


def _as_bool(value: JSON) -> bool:
    if not isinstance(value, bool):
        raise CodecError("true or false expected")
    return value


def _as_digest(value: JSON) -> Digest:
    try:
        return Digest(as_text(value))
    except ValueError as error:
        raise CodecError(str(error)) from error


def utc(moment: datetime) -> str:
    """Write MOMENT, which is aware, in UTC with microseconds."""
    if moment.tzinfo is None:
        raise ValueError("a time without an offset cannot be journalled")
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _as_time(value: JSON) -> datetime:
    try:
        moment = datetime.fromisoformat(as_text(value))
    except ValueError as error:
        raise CodecError(str(error)) from error
    if moment.tzinfo is None:
        raise CodecError("a time without an offset")
    return moment


TEXT = Form(_same, as_text)
NUMBER = Form(_same, as_integer)
FLAG = Form(_same, _as_bool)
POSITION = Form(_same, lambda value: Position(as_integer(value)))
DIGEST = Form(lambda digest: digest.hex, _as_digest)
TIME = Form(utc, _as_time)


def one_of(*choices: str) -> Form:
    """Return the form of a text that is one of CHOICES."""

    def read(value: JSON) -> str:
        text = as_text(value)
        if text not in choices:
            raise CodecError(f"{text!r} is not one of {', '.join(choices)}")
        return text

    return Form(_same, read)


def maybe(form: Form) -> Form:
    """Return the form of a value that may be None."""
    return Form(
        lambda value: None if value is None else form.write(value),
        lambda value: None if value is None else form.read(value),
    )


def many(form: Form) -> Form:
    """Return the form of a tuple."""

    def read(value: JSON) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise CodecError("a list expected")
        return tuple(map(form.read, value))

    return Form(lambda values: [form.write(value) for value in values], read)


def row(*forms: Form) -> Form:
    """Return the form of a tuple of fixed length."""

    def read(value: JSON) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) != len(forms):
            raise CodecError(f"a list of {len(forms)} expected")
        return tuple(form.read(item) for form, item in zip(forms, value, strict=True))

    return Form(
        lambda values: [form.write(value) for form, value in zip(forms, values, strict=True)], read
    )


def table(kind: type, **columns: Form) -> Form:
    """Return the form of the dataclass KIND, each of its fields written as COLUMNS say."""
    names = {field.name for field in fields(kind)}
    if names != set(columns):
        raise TypeError(f"{kind.__name__} has the fields {sorted(names)}")

    def write(value: Any) -> JSON:
        return {name: form.write(getattr(value, name)) for name, form in columns.items()}

    def read(value: JSON) -> Any:
        given = as_fields(value)
        found: dict[str, Any] = {}
        for name, form in columns.items():
            if name in given:
                try:
                    found[name] = form.read(given[name])
                except CodecError as error:
                    raise CodecError(f"{name}: {error}") from error
        try:
            return kind(**found)
        except TypeError as error:  # a field without a default is missing
            raise CodecError(str(error)) from error

    return Form(write, read)


def brief(kind: type, always: Collection[str], **columns: Form) -> Form:
    """Return the form of KIND as ``table`` does, less what is at its default and not in ALWAYS.

    What was added to a class later is written so: an entry that says nothing new stays as it was.
    """
    whole = table(kind, **columns)
    usual = {field.name: field.default for field in fields(kind) if field.name not in always}

    def write(value: Any) -> JSON:
        written = as_fields(whole.write(value))
        return {
            name: said
            for name, said in written.items()
            if name not in usual or getattr(value, name) != usual[name]
        }

    return Form(write, whole.read)


_RESULT = one_of(
    "pass", "body-differs", "bad-signature", "no-key", "unusable-key", "malformed", "not-asked"
)
_SIGNATURE = table(
    Signature,
    domain=TEXT,
    selector=TEXT,
    algorithm=TEXT,
    canonicalization=TEXT,
    headers=many(TEXT),
    length=maybe(NUMBER),
    time=maybe(NUMBER),
    expiry=maybe(NUMBER),
    identity=maybe(TEXT),
    key_bits=maybe(NUMBER),
    testing=FLAG,
    result=_RESULT,
    header_result=_RESULT,
    aligned=FLAG,
    key=maybe(POSITION),
    appended=NUMBER,
    reason=TEXT,
    unsigned=maybe(many(TEXT)),
)
_SEAL = table(
    Seal,
    domain=TEXT,
    selector=TEXT,
    instance=NUMBER,
    result=_RESULT,
    chain=one_of("none", "pass", "fail"),
    claims=many(row(TEXT, TEXT, TEXT)),
    key=maybe(POSITION),
    server=TEXT,
    own=FLAG,
    message_result=_RESULT,
    header_result=_RESULT,
    verdict=one_of("pass", "fail", "not-asked"),
    key_bits=maybe(NUMBER),
    keys=many(POSITION),
    unsigned=maybe(many(TEXT)),
)
_CLAIM = table(Claim, server=TEXT, method=TEXT, result=TEXT, domain=TEXT)
_FOLDER_SCAN = brief(
    FolderScan,
    ("folder", "uidvalidity", "exists", "kept", "failed", "role"),
    folder=TEXT,
    uidvalidity=NUMBER,
    exists=NUMBER,
    kept=TEXT,
    failed=many(row(NUMBER, TEXT)),
    role=maybe(TEXT),
    looked=TEXT,
    full=FLAG,
    unkept=many(row(TEXT, TEXT)),
    near=many(row(TEXT, TEXT)),
    postponed=TEXT,
    error=TEXT,
)

_FORMS: Mapping[type, Form] = {
    KeyRotate: table(KeyRotate, previous=maybe(TEXT), key=TEXT, reason=TEXT),
    Anchor: table(
        Anchor,
        size=NUMBER,
        checkpoint=DIGEST,
        authority=TEXT,
        response=DIGEST,
        time=TIME,
        qualified=FLAG,
    ),
    Restore: table(Restore, size=NUMBER, root=DIGEST),
    KeySeen: table(KeySeen, name=TEXT, object=DIGEST, size=NUMBER, validated=FLAG),
    Origin: brief(
        Origin,
        [field.name for field in fields(Origin) if field.name != "made_from"],
        record=POSITION,
        complete=FLAG,
        signatures=many(_SIGNATURE),
        seal=maybe(_SEAL),
        claims=many(_CLAIM),
        sent=FLAG,
        from_domain=TEXT,
        internaldate=maybe(TIME),
        date=maybe(TIME),
        received=maybe(TIME),
        rules=NUMBER,
        made_from=TEXT,
    ),
    Hold: table(Hold, engagement=maybe(TEXT), records=many(POSITION)),
    Restrict: table(Restrict, record=POSITION),
    Release: table(Release, entry=maybe(POSITION), record=maybe(POSITION)),
    Note: table(Note, entry=POSITION, records=many(POSITION), words=TEXT),
    Erase: table(
        Erase, records=many(POSITION), entries=many(POSITION), leaves=many(DIGEST), basis=TEXT
    ),
    Erased: table(Erased, erase=POSITION),
    Scan: brief(
        Scan,
        ("account", "folders", "heartbeat"),
        account=TEXT,
        folders=many(_FOLDER_SCAN),
        heartbeat=FLAG,
        rules=maybe(DIGEST),
        since=maybe(TIME),
        attempts=NUMBER,
        reason=TEXT,
    ),
    FolderChange: brief(
        FolderChange,
        ("account", "folder", "change", "uidvalidity"),
        account=TEXT,
        folder=TEXT,
        change=one_of("gone", "renamed", "back"),
        uidvalidity=NUMBER,
        previous=TEXT,
    ),
}


def describe(payload: object) -> dict[str, JSON]:
    """Return the fields of PAYLOAD, one of Formed."""
    written = _FORMS[type(payload)].write(payload)
    return dict(as_fields(written))


def readers() -> Mapping[type, Callable[[Fields], Any]]:
    """Return for each class of Formed what reads it back from an entry's fields."""
    return {kind: _reader(form) for kind, form in _FORMS.items()}


def _reader(form: Form) -> Callable[[Fields], Any]:
    return lambda fields_: form.read(dict(fields_))
