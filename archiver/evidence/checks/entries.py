"""The part of a check that looks at each entry of the journal.

Entries come by blocks. What a block must look like is compared as a whole; only where that does
not add up is each entry looked at by itself, to say which one and what about it.
"""

from collections import Counter
from dataclasses import dataclass, field
from gettext import gettext as _
from gettext import ngettext
from hashlib import sha256

from archiver.evidence.checks.emptied import EmptiedCheck
from archiver.evidence.checks.findings import Findings
from archiver.evidence.checks.named import Reference, Row, lookup, references
from archiver.evidence.checks.rows import Rows
from archiver.evidence.checks.times import TimeCheck
from archiver.evidence.checks.uids import UidCheck
from archiver.evidence.checks.unkept import UnkeptCheck
from archiver.evidence.checks.usual import Usual
from archiver.evidence.journal import codec
from archiver.evidence.journal.canonical import CodecError, canonical, parse
from archiver.evidence.journal.database import Database
from archiver.model.custody import Emptied, Erase
from archiver.model.entries import Entry, Genesis, Scan, Unknown, Vanished

Stored = tuple[int, str, bytes, bytes]
"""An entry as it is stored: position, type, body, leaf."""


@dataclass(slots=True)
class _Block:
    """What the entries of one block name."""

    references: list[tuple[int, Reference]] = field(default_factory=list)
    rows: dict[str, list[tuple[int, Row]]] = field(default_factory=dict)

    def refer(self, position: int, *named: Reference) -> None:
        self.references += [(position, reference) for reference in named]

    def look_up(self, position: int, table: str, row: Row) -> None:
        self.rows.setdefault(table, []).append((position, row))


class EntryCheck:
    """Checks entries in order: bytes, form, references, and the tables that find them again."""

    def __init__(self, database: Database, findings: Findings, *, start: int = 0) -> None:
        """Begin at START: entries before it were checked another time."""
        self._database = database
        self._findings = findings
        self._start = start
        self._next = start
        self._usual = Usual()
        self._rows = Rows(database)
        self._emptied = EmptiedCheck(database, findings)
        self._times = TimeCheck(database, findings, start=start)
        self._uids = UidCheck(database, self._not_found, self._extra, start=start)
        self._unkept = UnkeptCheck(database, self._not_found)
        self._unknown: Counter[str] = Counter()
        self.adds_up = True
        """Whether every entry's bytes give the leaf that is stored."""

    def check(self, block: list[Stored]) -> None:
        """Check the entries of BLOCK, which follow those that were checked before."""
        self._findings.count("entries", len(block))
        self._check_order(block)
        named = _Block()
        types: dict[int, str] = {}
        for position, type_, body, leaf in block:
            types[position] = type_
            if type_ == "record" and position and (row := self._usual.record(body)):
                named.look_up(position, "record", row)
            elif type_ == "sighting" and position and (seen := self._usual.sighting(body)):
                target, table, row = seen
                named.refer(position, (target, ("record",)))
                named.look_up(position, table, row)
            else:
                self._check_unusual(position, type_, body, leaf, named)
                continue
            if self._usual.at < self._times.floor:
                self._times.early(position, self._usual.at)
            if sha256(b"\x00" + body).digest() != leaf:
                self._leaf_mismatch(position)
        self._check_references(named, types)
        self._check_lookups(named)

    def finish(self, size: int) -> None:
        """Check what only shows once all SIZE entries were seen."""
        self._times.finish()
        self._emptied.finish(self._start, size)
        self.adds_up = self.adds_up and self._emptied.adds_up
        self._tell_unknown()
        unexplained = Counter(self._rows.unexplained(self._start, size))
        unexplained.update(self._uids.odd())
        unexplained.update(self._unkept.unexplained(self._start, size))
        for table, count in (+unexplained).items():  # those above zero
            self._extra(
                table,
                ngettext(
                    "{count} row of the table {table} follows from no entry.",
                    "{count} rows of the table {table} follow from no entry.",
                    count,
                ).format(count=count, table=table),
            )
        self._uids.finish()
        others = self._rows.explained["uid_other"]
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

    def _tell_unknown(self) -> None:
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

    def _check_order(self, block: list[Stored]) -> None:
        for position, _type, _body, _leaf in block:
            if position != self._next:
                self.adds_up = False
                self._error(
                    "position-missing",
                    self._next,
                    _("Entries {first} to {last} are missing from the journal.").format(
                        first=self._next, last=position - 1
                    ),
                )
            self._next = position + 1

    def _check_unusual(
        self, position: int, type_: str, body: bytes, leaf: bytes, named: _Block
    ) -> None:
        """Check the form of one entry by reading it; what it names goes into NAMED."""
        entry: Entry | None = None
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
        is_stub = entry is not None and isinstance(entry.payload, Emptied)
        if not is_stub and sha256(b"\x00" + body).digest() != leaf:
            self._leaf_mismatch(position)
        if entry is None:
            return
        fields = parse(body)
        sound = self._emptied.is_stub(fields) if is_stub else _salted(fields.get("salt"))
        if not sound or canonical(fields) != body:
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
        if entry.at < self._times.floor:
            self._times.early(position, entry.at)
        self._times.learn(entry)
        self._check_payload(entry, leaf, named)

    def _check_payload(self, entry: Entry, leaf: bytes, named: _Block) -> None:
        position, payload = entry.position, entry.payload
        if isinstance(payload, Genesis) != (position == 0):
            self._error(
                "genesis-misplaced",
                position,
                _(
                    "A genesis entry stands first, and only there; entry {position} breaks it."
                ).format(position=position),
            )
        match payload:
            case Unknown():
                self._unknown[payload.type] += 1
            case Emptied():
                self._emptied.check(position, payload, leaf)
            case Erase():
                self._emptied.check_erase(position, payload)
            case Vanished() | Scan():
                self._check_uids(position, payload)
            case _:
                pass
        named.refer(position, *references(payload))
        found = lookup(payload)
        if found:
            named.look_up(position, *found)

    def _check_uids(self, position: int, payload: Vanished | Scan) -> None:
        """Check what an entry says of sets of UIDs."""
        try:
            if isinstance(payload, Vanished):
                self._uids.check(position, payload)
            else:
                self._unkept.check(position, payload)
        except ValueError as error:
            self._error(
                "entry-unreadable",
                position,
                _("Entry {position} cannot be read: {reason}.").format(
                    position=position, reason=error
                ),
            )

    def _check_references(self, named: _Block, types: dict[int, str]) -> None:
        older = {target for _position, (target, _allowed) in named.references} - types.keys()
        types = types | self._rows.types(older)
        for position, (target, allowed) in named.references:
            type_ = types.get(target)
            if target >= position or type_ is None or (allowed and type_ not in allowed):
                self._error(
                    "reference-wrong",
                    position,
                    _(
                        "Entry {position} names entry {target}, which is not a {types} before it."
                    ).format(
                        position=position, target=target, types="/".join(allowed) or _("entry")
                    ),
                )

    def _check_lookups(self, named: _Block) -> None:
        for table, rows in named.rows.items():
            for position in self._rows.missing(table, rows):
                self._not_found(position, table)

    def _not_found(self, position: int, table: str) -> None:
        self._error(
            "lookup-missing",
            position,
            _("Entry {position} is not found in the table {table}.").format(
                position=position, table=table
            ),
        )

    def _extra(self, table: str, message: str) -> None:
        self._error("lookup-extra", table, message)

    def _leaf_mismatch(self, position: int) -> None:
        self.adds_up = False
        self._error(
            "leaf-mismatch",
            position,
            _("Entry {position} is not what it was when it was written.").format(position=position),
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
