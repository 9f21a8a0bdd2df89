"""Goes on with a check that reads objects where it was interrupted."""

import time
from collections.abc import Callable
from gettext import gettext as _
from itertools import islice

from archiver.evidence.checks.findings import Findings
from archiver.evidence.checks.memory import Memory, Progress
from archiver.evidence.checks.plan import Wish
from archiver.evidence.journal.merkle import root_of
from archiver.evidence.store import Evidence

_SAVE_EVERY = 2.0  # seconds


class Resumable:
    """What to read, and what of it is done; the folders of a check are its steps."""

    def __init__(
        self,
        memory: Memory,
        findings: Findings,
        *,
        share: float,
        seed: bytes,
        since: int,
        size: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with nothing done; SEED draws the share, SIZE and SINCE are entries."""
        self._memory = memory
        self._findings = findings
        self._share = share
        self._since = since
        self._seed = seed
        self._size = size
        self._root = ""
        self._done: set[int] = set()
        self._before: Progress | None = None
        self._objects = 0
        self._bytes = 0
        self._clock = clock
        self._saved = clock()

    def go_on(self, evidence: Evidence, tell: Callable[[str], None]) -> None:
        """Take up what the same check has done, if it was interrupted, and tell so."""
        found = self._memory.progress(share=self._share, since=self._since)
        if not self._share or found is None or not found.folders or found.size > self._size:
            return
        leaves = islice(evidence.journal.leaves(), found.size)
        if root_of(leaves).hex() != found.root:
            return
        self._before = found
        self._done = set(found.folders)
        self._seed = bytes.fromhex(found.seed)
        self._objects, self._bytes = found.objects, found.bytes
        self._findings.count("objects-read", found.objects)
        self._findings.count("bytes-read", found.bytes)
        tell(
            _(
                "Going on with the check that was interrupted on {date}: {count} objects were read "
                "by then. To begin anew, give --restart."
            ).format(date=found.at[:10], count=found.objects)
        )

    @property
    def wish(self) -> Wish:
        """What to look at, and what to read."""
        return Wish(
            share=self._share,
            seed=self._seed,
            since=self._since,
            done=frozenset(self._done),
            done_before=self._before.size if self._before else 0,
        )

    def begin(self, root: bytes) -> None:
        """Know the ROOT of the tree that is checked: from now on progress can be remembered."""
        self._root = root.hex()

    def done(self, folder: int, objects: int, size: int) -> None:
        """Count a folder without an error, and now and then remember it."""
        self._done.add(folder)
        self._objects += objects
        self._bytes += size
        if self._clock() - self._saved >= _SAVE_EVERY:
            self.save()

    def save(self) -> None:
        """Remember what is done."""
        if not (self._share and self._root and self._done):
            return
        self._saved = self._clock()
        self._memory.keep_progress(
            Progress(
                # What came meanwhile is read when the check goes on, in folders that are done too.
                size=self._before.size if self._before else self._size,
                root=self._before.root if self._before else self._root,
                at=self._memory.now(),
                share=self._share,
                since=self._since,
                seed=self._seed.hex(),
                folders=tuple(sorted(self._done)),
                objects=self._objects,
                bytes=self._bytes,
            )
        )
