"""The part of a check that goes through the journal: entries, leaves, mirror, tree."""

import io
from collections.abc import Callable, Iterator
from gettext import gettext as _
from typing import BinaryIO

from archiver.evidence.checks.entries import EntryCheck, Stored
from archiver.evidence.checks.findings import Findings
from archiver.evidence.checks.memory import Mark
from archiver.evidence.journal.database import blob, integer, text
from archiver.evidence.journal.merkle import HASH_SIZE, Tree
from archiver.evidence.store import Evidence

_STEP = 500  # entries in memory at a time, and between two signs of progress
_TYPES = {(int, str, bytes, bytes)}


class JournalCheck:
    """Checks the first SIZE entries; of those before START only the leaves."""

    def __init__(
        self,
        evidence: Evidence,
        findings: Findings,
        *,
        start: int,
        size: int,
        mark: Mark | None,
        strict: bool = False,
    ) -> None:
        """MARK says which root the tree had once; STRICT: the tables hold no wrong types."""
        self._evidence = evidence
        self._database = evidence.database
        self._findings = findings
        self._strict = strict
        self._start = start
        self._size = size
        self._mark = mark if mark and mark.size <= size else None
        self._tree = Tree()
        self.as_marked = False
        """Whether the tree is still the one of the mark, as far as that goes."""

    def check(self, progress: Callable[[int], None]) -> bytes:
        """Check all, and return the root of the stored leaves."""
        entries = EntryCheck(self._database, self._findings, start=self._start)
        with self._mirror() as mirror:
            for first, last in self._ranges():
                if last <= self._start:
                    self._check_older(first, last, mirror)
                else:
                    rows = self._rows(first, last)
                    entries.check(rows)
                    self._compare(first, last, [(row[0], row[3]) for row in rows], mirror)
                if self._mark and last == self._mark.size:
                    self.as_marked = self._tree.root().hex() == self._mark.root
                progress(first)
        entries.finish(self._size)
        if not entries.adds_up:
            self._findings.add(
                "root-differs",
                "error",
                "journal",
                _("The entries do not add up to what the journal says they add up to."),
                _("Put back the folder journal from a backup, and ask who changed it."),
            )
        return self._tree.root()

    def tell_changed(self) -> None:
        """Tell when what was checked before, and is not checked now, is not what it was."""
        if self._start and self._mark and not self.as_marked:
            self._findings.add(
                "history-differs",
                "error",
                "journal",
                _("The first {count} entries are not those that were checked on {date}.").format(
                    count=self._mark.size, date=self._mark.at[:10]
                ),
                _(
                    "Run `archiver verify` without --since; if that finds nothing, ask who changed "
                    "it."
                ),
            )

    def _mirror(self) -> BinaryIO:
        try:
            return self._evidence.mirror.path.open("rb")
        except FileNotFoundError:
            return io.BytesIO()

    def _ranges(self) -> Iterator[tuple[int, int]]:
        cuts = {self._start, self._mark.size if self._mark else 0, self._size}
        first = 0
        for cut in sorted(cut for cut in cuts if cut):
            for begin in range(first, cut, _STEP):
                yield begin, min(begin + _STEP, cut)
            first = cut

    def _rows(self, first: int, last: int) -> list[Stored]:
        found = self._database.all(
            "SELECT position, type, body, leaf FROM entry"
            " WHERE position >= ? AND position < ? ORDER BY position",
            first,
            last,
        )
        if self._strict or {tuple(map(type, row)) for row in found} <= _TYPES:
            return found  # type: ignore[return-value]
        return [
            (integer(position), text(type_), blob(body), blob(leaf))
            for position, type_, body, leaf in found
        ]

    def _check_older(self, first: int, last: int, mirror: BinaryIO) -> None:
        found = self._database.all(
            "SELECT position, leaf FROM entry WHERE position >= ? AND position < ?"
            " ORDER BY position",
            first,
            last,
        )
        leaves = [(integer(position), blob(leaf)) for position, leaf in found]
        self._findings.count("leaves", len(leaves))
        if len(leaves) < last - first:
            self._findings.add(
                "position-missing",
                "error",
                first,
                _("Between entry {first} and entry {last} some are missing.").format(
                    first=first, last=last - 1
                ),
                _("Put back the folder journal from a backup, and ask who changed it."),
            )
        self._compare(first, last, leaves, mirror)

    def _compare(
        self, first: int, last: int, leaves: list[tuple[int, bytes]], mirror: BinaryIO
    ) -> None:
        """Add LEAVES to the tree, and compare them with the mirror, as far as that goes."""
        self._tree.extend([leaf for _position, leaf in leaves])
        mirror.seek(first * HASH_SIZE)
        mirrored = mirror.read((last - first) * HASH_SIZE)
        if mirrored == b"".join([leaf for _position, leaf in leaves]):
            return
        for position, leaf in leaves:
            start = (position - first) * HASH_SIZE
            other = mirrored[start : start + HASH_SIZE]
            if len(other) == HASH_SIZE and other != leaf:
                self._findings.add(
                    "mirror-differs",
                    "error",
                    position,
                    _("journal/leaves tells another entry {position} than the journal.").format(
                        position=position
                    ),
                    _("Put back the folder journal from a backup, and ask who changed it."),
                )
