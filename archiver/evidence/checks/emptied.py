"""The part of a check that looks at entries that were emptied, and at who says so.

The leaf of an emptied entry cannot be derived again. It stands all the same: the ``erase`` entry,
whose own leaf is derived, names it.
"""

from collections.abc import Iterator, Mapping
from gettext import gettext as _
from gettext import ngettext

from archiver.evidence.checks.findings import Findings
from archiver.evidence.journal import codec
from archiver.evidence.journal.canonical import CodecError, Fields
from archiver.evidence.journal.database import Database, Value, blob, integer
from archiver.model.custody import Emptied, Erase, Erased
from archiver.model.digest import Position

_OBJECT_OF = (
    "SELECT digest FROM record WHERE position = ? UNION SELECT digest FROM key_seen WHERE entry = ?"
)
_STUB = {"v", "type", "at", "actor", "sw", "erased"}


class EmptiedCheck:
    """Compares what was emptied with what ``erase`` entries announced, both ways.

    One ``erase`` entry at a time is in memory.
    """

    def __init__(self, database: Database, findings: Findings) -> None:
        self._database = database
        self._findings = findings
        self._erase: tuple[int, Mapping[int, str]] = -1, {}
        self.adds_up = True
        """Whether the leaf of every emptied entry is explained."""

    @staticmethod
    def is_stub(fields: Fields) -> bool:
        """Tell whether an emptied entry has no more to say than that it was emptied."""
        return fields.keys() == _STUB

    def check(self, position: Position, emptied: Emptied, leaf: bytes) -> None:
        """Check that an ``erase`` entry names the entry at POSITION, with exactly this LEAF."""
        if emptied.erase > position and self._named(emptied.erase).get(position) == leaf.hex():
            return
        self.adds_up = False
        self._findings.add(
            "erased-unexplained",
            "error",
            position,
            _("Entry {position} was emptied, and entry {erase} is no erasure that says so.").format(
                position=position, erase=emptied.erase
            ),
            _("Put back the folder journal from a backup, and ask who changed it."),
        )

    def check_erase(self, position: Position, erase: Erase) -> None:
        """Check that an ``erase`` entry fits together, and that it names leaves as they are."""
        leaves = [leaf.hex for leaf in erase.leaves]
        fits = list(erase.entries) == sorted(set(erase.entries))
        stored = (blob(leaf).hex() for _entry, leaf, _body in self._entries(erase))
        if not fits or leaves != list(stored):
            self._findings.add(
                "reference-wrong",
                "error",
                position,
                _("The erasure in entry {position} names entries as they are not.").format(
                    position=position
                ),
                _("Put back the folder journal from a backup, and ask who changed it."),
            )

    def finish(self, start: int, size: int) -> None:
        """Check that each erasure among the entries START to SIZE went to its end."""
        said = "SELECT position, body FROM entry WHERE type = ? AND position >= ? AND position < ?"
        ended = {
            _erase_of(blob(body)) for _at, body in self._database.all(said, "erased", start, size)
        }
        for row in self._database.all(said, "erase", start, size):
            position = integer(row[0])
            erase = _decoded(position, blob(row[1]))
            if erase is None:
                continue
            left = sum(
                not self._is_emptied(blob(body)) for _at, _leaf, body in self._entries(erase)
            )
            if left or position not in ended:
                self._unfinished(position, left)
        self._check_uids(start, size)

    @staticmethod
    def _is_emptied(body: bytes) -> bool:
        try:
            return isinstance(codec.decode(0, body).payload, Emptied)
        except CodecError:
            return False

    def _unfinished(self, position: int, left: int) -> None:
        self._findings.add(
            "erasure-unfinished",
            "warning",
            position,
            ngettext(
                "The erasure in entry {position} was not finished: {count} entry is still there.",
                "The erasure in entry {position} was not finished: {count} entries are still "
                "there.",
                left,
            ).format(position=position, count=left),
            _("The next command that writes to the archive finishes it; then check again."),
        )

    def _check_uids(self, start: int, size: int) -> None:
        """Check that only the UIDs of emptied sightings count as erased."""
        rows = self._database.all(
            " UNION ALL ".join(
                f"SELECT '{table}', t.entry, e.body FROM {table} t"  # noqa: S608 - constants
                " LEFT JOIN entry e ON e.position = t.entry"
                " WHERE t.state = 'erased' AND t.entry >= ? AND t.entry < ?"
                for table in ("uid", "presumed")
            ),
            *(start, size) * 2,
        )
        for table, entry, body in rows:
            if body is None or not self._is_emptied(blob(body)):
                self._findings.add(
                    "lookup-extra",
                    "error",
                    table,
                    _("A UID counts as erased, but entry {position}, which saw it, is not.").format(
                        position=entry
                    ),
                    _("Put back the folder journal from a backup, and ask who changed it."),
                )

    def _named(self, position: int) -> Mapping[int, str]:
        """Return the entries that the erasure at POSITION names, with their leaves."""
        if self._erase[0] != position:
            row = self._database.one("SELECT body FROM entry WHERE position = ?", position)
            erase = _decoded(position, blob(row[0])) if row else None
            named: Mapping[int, str] = {}
            if erase:
                leaves = (leaf.hex for leaf in erase.leaves)
                named = dict(zip(erase.entries, leaves, strict=False))
            self._erase = position, named
        return self._erase[1]

    def _entries(self, erase: Erase) -> Iterator[tuple[Value, ...]]:
        for entry in erase.entries:
            row = self._database.one(
                "SELECT position, leaf, body FROM entry WHERE position = ?", entry
            )
            if row:
                yield row


def announced_objects(database: Database) -> frozenset[str]:
    """Return the names of objects whose erasure was announced and is not finished."""
    ended = {
        _erase_of(blob(row[0]))
        for row in database.all("SELECT body FROM entry WHERE type = 'erased'")
    }
    names: set[str] = set()
    for row in database.all("SELECT position, body FROM entry WHERE type = 'erase'"):
        position = integer(row[0])
        erase = None if position in ended else _decoded(position, blob(row[1]))
        for entry in erase.entries if erase else ():
            found = database.one(_OBJECT_OF, entry, entry)
            if found:
                names.add(blob(found[0]).hex())
    return frozenset(names)


def _decoded(position: int, body: bytes) -> Erase | None:
    try:
        payload = codec.decode(position, body).payload
    except CodecError:
        return None
    return payload if isinstance(payload, Erase) else None


def _erase_of(body: bytes) -> Position | None:
    try:
        payload = codec.decode(0, body).payload
    except CodecError:
        return None
    return payload.erase if isinstance(payload, Erased) else None
