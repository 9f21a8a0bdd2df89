"""Whatever is done in whatever order, what was kept is kept, and what was erased is gone."""

import itertools
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from command import Desk, new_desk
from evidence_case import reopen
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from mail import mail
from sampling import sampled

from archiver.evidence.journal.merkle import root_of

_WORDS = ("zebra", "quokka", "walrus", "ocelot", "gibbon", "marmot", "jackal", "badger")
"""A word for each message that no other message holds."""
_number = st.integers(0, len(_WORDS) - 1)
_homes = itertools.count()


def message(number: int) -> bytes:
    """Write message NUMBER: its word stands in the subject and in the text."""
    word = _WORDS[number]
    return mail(
        subject=f"About the {word}",
        message_id=f"{number}@client.example",
        text=f"We deliver the {word} by Friday.\n",
    )


@dataclass
class Model:
    """What should be true of the archive."""

    kept: dict[int, str] = field(default_factory=dict)
    """Message to digest."""
    erased: set[int] = field(default_factory=set)
    held: dict[int, int] = field(default_factory=dict)
    """Message to the entry of its hold."""
    roots: list[tuple[int, bytes]] = field(default_factory=list)
    """The states that were seen: so many entries, and their root."""

    def copy(self) -> "Model":
        """Remember the present."""
        return Model(dict(self.kept), set(self.erased), dict(self.held), list(self.roots))


class Life(RuleBasedStateMachine):
    """The life of an archive, as its owner's commands."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp(prefix="archiver-life-"))
        os.environ["ARCHIVER_STATE"] = str(self.place / "state")
        self.desk = new_desk(self.place / "archive")
        self.desk.ok("engagement", "add", "acme", "--client", "ACME", "--domain", "client.example")
        self.model = Model()
        self.backup: tuple[Path, Model] | None = None
        self.erased_ever: set[int] = set()

    def teardown(self) -> None:
        """Remove what was made."""
        shutil.rmtree(self.place, ignore_errors=True)

    @rule(number=_number)
    def keep(self, number: int) -> None:
        """Keep a message; one that was erased would be a new record, so it is not met again."""
        if number not in self.erased_ever:
            self.desk.keep(self.place / f"in-{next(_homes)}", message(number))
            hits = self.desk.ok("search", _WORDS[number], "--format", "json").json["hits"]
            self.model.kept[number] = hits[0]["id"]

    @precondition(lambda self: self.model.kept)
    @rule(data=st.data())
    def tag(self, data: st.DataObject) -> None:
        """Tie a record to the engagement."""
        number = data.draw(st.sampled_from(sorted(self.model.kept)))
        assert self.desk("tag", "acme", self.model.kept[number]).code == 0

    @precondition(lambda self: self.model.kept)
    @rule(data=st.data())
    def hold(self, data: st.DataObject) -> None:
        """Put a record on hold."""
        number = data.draw(st.sampled_from(sorted(self.model.kept)))
        if number not in self.model.held:
            self.desk.ok("hold", self.model.kept[number], "--reason", "a dispute")
            holds = self.desk.ok("hold", "--format", "json").json["holds"]
            digest = self.model.kept[number]
            self.model.held[number] = next(
                each["entry"] for each in holds if digest in each["records"]
            )

    @precondition(lambda self: self.model.held)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        """End a hold."""
        number = data.draw(st.sampled_from(sorted(self.model.held)))
        self.desk.ok("release", self.model.held.pop(number))

    @precondition(lambda self: self.model.kept)
    @rule(data=st.data())
    def erase(self, data: st.DataObject) -> None:
        """Erase a record; a hold forbids it."""
        number = data.draw(st.sampled_from(sorted(self.model.kept)))
        said = self.desk("erase", self.model.kept[number], "--basis", "a request", "--yes")
        if number in self.model.held:
            assert said.code != 0
            assert "hold" in said.err.lower()
            return
        assert said.code == 0, said.err
        del self.model.kept[number]
        self.model.erased.add(number)
        self.erased_ever.add(number)

    @rule()
    def rebuild(self) -> None:
        """Make catalogue and index anew."""
        self.desk.ok("rebuild")

    @rule()
    def back_up(self) -> None:
        """Copy the archive, or bring an earlier copy level."""
        folder = self.backup[0] if self.backup else self.place / f"backup-{next(_homes)}"
        self.desk.ok("backup", folder)
        self.backup = folder, self.model.copy()

    @precondition(lambda self: self.backup)
    @rule()
    def restore(self) -> None:
        """Lose the archive, go on with the backup; what it does not know is told and accepted."""
        assert self.backup is not None
        folder, model = self.backup
        home = self.place / f"archive-{next(_homes)}"
        self.desk("restore", folder, home)
        lost = self.desk.root
        self.desk, self.model, self.backup = Desk(home), model, None
        older = any(
            each["code"] in ("archive-older", "archive-forked")
            for each in self.desk("verify", "--format", "json").json["findings"]
        )
        if older:
            self.desk.ok("restore", "--accept", "--yes")
        self.desk.ok("catch-up")  # a backup holds originals only
        shutil.rmtree(lost)

    @invariant()
    def nothing_is_wrong(self) -> None:
        """Check the originals, what is derived, and every state that was seen before."""
        report = self.desk.ok("verify", "--read-data=all", "--format", "json").json
        worse = [each for each in report["findings"] if each["level"] != "note"]
        assert not worse, worse
        with reopen(self.desk.root, recover=False) as evidence:
            leaves = list(evidence.journal.leaves())
            self.model.roots.append((len(leaves), evidence.tree_root()))
        for size, root in self.model.roots:
            assert root_of(leaves[:size]) == root

    @invariant()
    def the_kept_is_found(self) -> None:
        """Find every record that is there, by its word and by its bytes."""
        for number, digest in self.model.kept.items():
            assert self.desk.ok("show", digest, "--raw").raw == message(number)
        hits = self.desk.ok("search", "deliver", "--format", "json", "--limit", "99").json["hits"]
        assert {hit["id"] for hit in hits} == set(self.model.kept.values())

    @invariant()
    def the_erased_is_gone(self) -> None:
        """Look for the words of what was erased in every file of the archive."""
        words = [_WORDS[number].encode() for number in self.model.erased]
        for path in self.desk.root.rglob("*"):
            data = path.read_bytes().lower() if words and path.is_file() else b""
            assert not any(word in data for word in words), path


def _lives(examples: int, steps: int) -> type:
    """Return the test case of so many lives of so many steps."""
    case = Life.TestCase
    case.settings = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )
    return case


def test_some_lives_of_an_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few short ones, in every run."""
    monkeypatch.setenv("ARCHIVER_STATE", os.environ["ARCHIVER_STATE"])
    _lives(2, 8)().runTest()


@pytest.mark.long
def test_many_lives_of_an_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many, and longer."""
    monkeypatch.setenv("ARCHIVER_STATE", os.environ["ARCHIVER_STATE"])
    _lives(sampled(25, share=1 / 60), 15)().runTest()
