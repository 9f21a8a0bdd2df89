"""Whatever happens in whatever order: leaves stay, live records are whole, erased ones are gone."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mail import mail

from archiver.app import Archive, create_archive
from archiver.custody.erase import plan_erasure
from archiver.custody.holds import active_holds, end, place_holds
from archiver.errors import OperationError
from archiver.evidence.erasure import announce, pending
from archiver.evidence.journal.merkle import root_of
from archiver.model.digest import Digest
from archiver.model.entries import Tag
from archiver.model.incoming import Incoming
from archiver.model.sources import FileSource

NAMES = ("zugzwang", "xylophone", "jackdaw", "quixotic")
MAILS = tuple(
    mail(subject=f"About {name}", message_id=f"{name}@x.example", text=f"Only {name}{name}.\n")
    for name in NAMES
)
OPERATIONS = ("keep", "tag", "hold", "release", "erase", "announce", "reopen", "rebuild", "forget")


class World:
    """An archive, and what should be true of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.leaves: list[bytes] = []
        self.live: set[int] = set()
        self.held: set[int] = set()
        self.told: list[str] = []
        create_archive(root, time_zone="UTC", language="en", actor="person:me")
        self.archive = self._open()

    def _open(self) -> Archive:
        return Archive(self.root, tell=self.told.append, actor="person:me")

    def do(self, operation: str, number: int) -> None:
        """Do one thing to one of the mails, if it can be done."""
        known: dict[str, Callable[[int], None]] = {
            "keep": self.keep,
            "reopen": lambda _number: self.reopen(),
            "rebuild": lambda _number: self.archive.projections.rebuild(),
            "forget": lambda _number: self.archive.projections.forget(),
        }
        if operation in known:
            known[operation](number)
        elif number in self.live:
            getattr(self, operation)(number)

    def position(self, number: int) -> int:
        """Return where the record is."""
        found = self.archive.evidence.position_of(Digest.of(MAILS[number]))
        assert found is not None
        return found

    def keep(self, number: int) -> None:
        """Import a mail, which may have been erased before."""
        source = FileSource(path=f"/mail/{NAMES[number]}.eml", member=0, offset=0)
        self.archive.evidence.keep([Incoming(data=MAILS[number], source=source)])
        self.live.add(number)

    def tag(self, number: int) -> None:
        """Decide something about it."""
        record = self.archive.evidence.position_of(Digest.of(MAILS[number]))
        assert record is not None
        self.archive.evidence.append([Tag(record=record, engagement="x")], actor="person:me")

    def hold(self, number: int) -> None:
        """Expect a dispute, in words that name it."""
        record = self.archive.evidence.position_of(Digest.of(MAILS[number]))
        assert record is not None
        place_holds(
            self.archive.evidence,
            engagements=(),
            records=[record],
            reason=f"about {NAMES[number]}",
            actor="person:me",
        )
        self.held.add(number)

    def release(self, number: int) -> None:
        """End every hold on it."""
        for hold in active_holds(self.archive.evidence):
            if self.position(number) in hold.records:
                end(self.archive.evidence, hold.entry, reason="", actor="person:me")
        self.held.discard(number)

    def erase(self, number: int) -> None:
        """Erase it, or be refused."""
        self.archive.level()
        record = self.archive.evidence.position_of(Digest.of(MAILS[number]))
        assert record is not None
        try:
            plan = plan_erasure(
                self.archive.evidence,
                self.archive.catalogue,
                [record],
                with_copies=True,
                engagements=(),
            )
        except OperationError:
            assert number in self.held
            return
        assert number not in self.held
        self.archive.erase(plan, basis="asked")
        self.live.discard(number)
        self.check_gone(number)

    def announce(self, number: int) -> None:
        """Be interrupted right after the announcement, and go on in another process."""
        if number in self.held:
            return
        record = self.archive.evidence.position_of(Digest.of(MAILS[number]))
        assert record is not None
        announce(self.archive.evidence, [record], basis="asked", actor="person:me")
        self.reopen()
        assert pending(self.archive.evidence) == ()
        self.live.discard(number)
        self.check_gone(number)

    def reopen(self) -> None:
        """Close it and open it again."""
        self.archive.close()
        self.archive = self._open()

    def check_gone(self, number: int) -> None:
        """Look into every file."""
        digest = Digest.of(MAILS[number]).hex
        needles = [NAMES[number].encode(), digest.encode(), bytes.fromhex(digest), MAILS[number]]
        for path in self.root.rglob("*"):
            assert digest not in path.name
            if path.is_file():
                data = path.read_bytes()
                assert not any(needle in data for needle in needles), path

    def check(self) -> None:
        """Check what holds after every step."""
        evidence = self.archive.evidence
        leaves = list(evidence.journal.leaves())
        assert leaves[: len(self.leaves)] == self.leaves
        assert leaves == list(evidence.mirror.leaves())
        assert evidence.tree_root() == root_of(leaves)
        assert evidence.count_records() == len(self.live)
        for number in self.live:
            assert evidence.read(Digest.of(MAILS[number])) == MAILS[number]
        self.leaves = leaves

    def check_at_the_end(self) -> None:
        """Whatever was not opened meanwhile is brought level: nothing that is gone comes back."""
        self.archive.level()
        assert self.archive.catalogue.count_records() == len(self.live)
        assert self.archive.engine.count() == len(self.live)
        for number in set(range(len(MAILS))) - self.live:
            self.check_gone(number)


def run(steps: Sequence[tuple[str, int]]) -> None:
    """Do STEPS in an archive of its own."""
    with TemporaryDirectory() as folder:
        os.environ["ARCHIVER_STATE"] = f"{folder}/state"
        world = World(Path(folder) / "archive")
        try:
            for operation, number in steps:
                world.do(operation, number)
                world.check()
            world.check_at_the_end()
        finally:
            world.archive.close()


steps_ = st.lists(
    st.tuples(st.sampled_from(OPERATIONS), st.integers(0, len(MAILS) - 1)), max_size=14
).map(lambda steps: [("keep", number) for number in range(len(MAILS))] + steps)


@pytest.fixture(autouse=True)
def _state(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the environment as it was."""
    monkeypatch.setenv("ARCHIVER_STATE", os.environ["ARCHIVER_STATE"])


@settings(max_examples=6, deadline=None)
@given(steps_)
def test_any_order_of_keeping_holding_and_erasing(steps: list[tuple[str, int]]) -> None:
    """A few, at each run of the tests."""
    run(steps)


@pytest.mark.long
@settings(max_examples=150, deadline=None)
@given(steps_)
def test_any_order_many_times(steps: list[tuple[str, int]]) -> None:
    """Many."""
    run(steps)
