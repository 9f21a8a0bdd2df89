"""The part of a check that looks at each entry of the journal."""

from collections import Counter
from collections.abc import Iterator
from gettext import gettext as _
from gettext import ngettext

from archiver.evidence.checks.findings import Findings
from archiver.evidence.journal import codec
from archiver.evidence.journal.canonical import CodecError, canonical, parse
from archiver.evidence.journal.database import Value
from archiver.evidence.journal.journal import Journal, key, place
from archiver.evidence.journal.merkle import leaf_hash
from archiver.model.digest import Position
from archiver.model.entries import (
    Config,
    Entry,
    Epoch,
    Export,
    Genesis,
    Payload,
    Record,
    Sighting,
    Tag,
    Undo,
    Unknown,
    Untag,
)
from archiver.model.sources import FileSource, ImapSource

_ENTRY_COLUMN = {
    "record": "position",
    "uid": "entry",
    "uid_other": "entry",
    "file_position": "entry",
    "epoch": "entry",
    "config": "entry",
}

# table, statement that gives the entry a row comes from, its values
_Lookup = tuple[str, str, tuple[Value, ...]]


class EntryCheck:
    """Checks entries in order: bytes, form, references, and the tables that find them again."""

    def __init__(self, journal: Journal, findings: Findings) -> None:
        self._journal = journal
        self._findings = findings
        self._next = 0
        self._rows: Counter[str] = Counter()
        self._unknown: Counter[str] = Counter()

    def check(self, position: int, type_: str, body: bytes, leaf: bytes) -> bytes:
        """Check one entry and return the leaf that its bytes give."""
        self._findings.count("entries")
        if position != self._next:
            self._error(
                "position-missing",
                self._next,
                _("Entries {first} to {last} are missing from the journal.").format(
                    first=self._next, last=position - 1
                ),
            )
        self._next = position + 1
        true_leaf = leaf_hash(body)
        if true_leaf != leaf:
            self._error(
                "leaf-mismatch",
                position,
                _("Entry {position} is not what it was when it was written.").format(
                    position=position
                ),
            )
        self._check_form(position, type_, body)
        return true_leaf

    def finish(self, size: int) -> None:
        """Check what only shows once all SIZE entries were seen."""
        for type_, count in self._unknown.items():
            self._findings.add(
                "entry-unknown",
                "note",
                type_,
                ngettext(
                    "{count} entry is of the type {type}, which this version does not know.",
                    "{count} entries are of the type {type}, which this version does not know.",
                    count,
                ).format(count=count, type=type_),
                _("Install the newest version of the archiver to have them checked too."),
            )
        for table, column in _ENTRY_COLUMN.items():
            rows = self._journal.database.number(
                f"SELECT count(*) FROM {table} WHERE {column} < ?",  # noqa: S608 - constants
                size,
            )
            if rows > self._rows[table]:
                self._error(
                    "lookup-extra",
                    table,
                    ngettext(
                        "{count} row of the table {table} follows from no entry.",
                        "{count} rows of the table {table} follow from no entry.",
                        rows - self._rows[table],
                    ).format(count=rows - self._rows[table], table=table),
                )
        others = self._rows["uid_other"]
        if others:
            self._findings.add(
                "uid-reused",
                "note",
                "uid_other",
                ngettext(
                    "{count} time a server gave other bytes under a UID that it had used.",
                    "{count} times a server gave other bytes under a UID that it had used.",
                    others,
                ).format(count=others),
                _("Both are kept. RFC 3501 forbids it: tell the provider."),
            )

    def _check_form(self, position: int, type_: str, body: bytes) -> None:
        try:
            entry = codec.decode(position, body)
        except CodecError as error:
            self._error(
                "entry-unreadable",
                position,
                _("Entry {position} cannot be read: {reason}.").format(
                    position=position, reason=error
                ),
            )
            return
        fields = parse(body)
        if canonical(fields) != body or not _salted(fields.get("salt")):
            self._error(
                "entry-not-canonical",
                position,
                _("Entry {position} is not in canonical form.").format(position=position),
            )
        if codec.type_of(entry.payload) != type_:
            self._error(
                "lookup-missing",
                position,
                _("Entry {position} is filed under another type than its own.").format(
                    position=position
                ),
            )
        self._check_payload(entry)

    def _check_payload(self, entry: Entry) -> None:
        position, payload = entry.position, entry.payload
        if isinstance(payload, Genesis) != (position == 0):
            self._error(
                "genesis-misplaced",
                position,
                _(
                    "A genesis entry stands first, and only there; entry {position} breaks it."
                ).format(position=position),
            )
        if isinstance(payload, Unknown):
            self._unknown[payload.type] += 1
        for target, types in _references(payload):
            self._check_reference(position, target, types)
        lookups = tuple(_lookups(position, payload))
        found = [self._count(position, lookup) for lookup in lookups]
        if lookups and not any(found):
            self._error(
                "lookup-missing",
                position,
                _("Entry {position} is not found in the table {table}.").format(
                    position=position, table=lookups[0][0]
                ),
            )

    def _count(self, position: int, lookup: _Lookup) -> bool:
        """Tell whether LOOKUP finds a row; count it as seen if it comes from POSITION."""
        table, statement, values = lookup
        row = self._journal.database.one(statement, *values)
        if row and row[0] == position:
            self._rows[table] += 1
        return row is not None

    def _check_reference(self, position: int, target: int, types: tuple[str, ...]) -> None:
        row = None
        if target < position:
            row = self._journal.database.one("SELECT type FROM entry WHERE position = ?", target)
        if row is None or row[0] not in types:
            self._error(
                "reference-wrong",
                position,
                _(
                    "Entry {position} names entry {target}, which is not a {types} before it."
                ).format(position=position, target=target, types="/".join(types)),
            )

    def _error(self, code: str, subject: object, message: str) -> None:
        self._findings.add(
            code,
            "error",
            subject,
            message,
            _("Put back the folder journal from a backup, and ask who changed it."),
        )


def _salted(salt: object) -> bool:
    if not isinstance(salt, str):
        return False
    try:
        return len(bytes.fromhex(salt)) == codec.SALT_SIZE and salt == salt.lower()
    except ValueError:
        return False


def _references(payload: Payload) -> Iterator[tuple[Position, tuple[str, ...]]]:
    """Yield the positions that PAYLOAD names, each with the types that may stand there."""
    match payload:
        case Sighting() | Tag() | Untag():
            yield payload.record, ("record",)
        case Undo():
            yield payload.entry, ("tag", "untag")
        case Export():
            for _number, position in payload.numbers:
                yield position, ("record",)
        case _:
            pass


def _lookups(position: int, payload: Payload) -> Iterator[_Lookup]:
    """Yield where a row that follows from PAYLOAD may stand."""
    match payload:
        case Record():
            digest = bytes.fromhex(payload.object.hex)
            yield (
                "record",
                "SELECT position FROM record WHERE digest = ? AND position = ? AND size = ?",
                (digest, position, payload.size),
            )
        case Sighting(source=ImapSource() as source):
            for table in ("uid", "uid_other"):
                yield (
                    table,
                    (
                        f"SELECT entry FROM {table} WHERE account = ? AND folder = ?"  # noqa: S608 - constants
                        " AND uidvalidity = ? AND uid = ? AND record = ?"
                    ),
                    (*place(source), payload.record),
                )
        case Sighting(source=FileSource() as source):
            yield (
                "file_position",
                (
                    "SELECT entry FROM file_position"
                    " WHERE path = ? AND member = ? AND offset = ? AND record = ?"
                ),
                (*place(source), payload.record),
            )
        case Epoch():
            yield (
                "epoch",
                (
                    "SELECT entry FROM epoch"
                    " WHERE account = ? AND folder = ? AND entry = ? AND uidvalidity = ?"
                ),
                (key(payload.account), key(payload.folder), position, payload.uidvalidity),
            )
        case Config():
            digest_or_none = bytes.fromhex(payload.object.hex) if payload.object else None
            yield (
                "config",
                (
                    "SELECT entry FROM config"
                    " WHERE name = ? AND entry = ? AND digest IS ? AND size = ?"
                ),
                (key(payload.name), position, digest_or_none, payload.size),
            )
        case _:
            pass
