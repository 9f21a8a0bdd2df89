"""The archive's state is signed, and never one that does not continue what was signed before."""

import base64
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from evidence_case import KillingDisk, ReadOnlyDisk, RecordingDisk, create, reopen, seen
from tree_proofs import verify_consistency

from archiver.errors import OperationError, UsageError
from archiver.evidence.checkpoints.check import check_checkpoints
from archiver.evidence.checkpoints.checkpoint import Checkpoint, origin_of, parse_checkpoint
from archiver.evidence.checkpoints.history import (
    key_at,
    key_entries,
    key_history,
    note_path,
)
from archiver.evidence.checkpoints.keys import SigningKey
from archiver.evidence.checkpoints.note import open_note, sign_note
from archiver.evidence.checkpoints.outside import Outside
from archiver.evidence.checkpoints.signing import (
    RolledBackError,
    accept_restored,
    known_keys,
    note_of,
    rotate,
    sign_checkpoint,
    signed_sizes,
    standing,
)
from archiver.evidence.checkpoints.standing import require_continuing
from archiver.evidence.disk import Disk
from archiver.evidence.journal.proofs import (
    MirrorLeaves,
    consistency_proof,
    roots_at,
)
from archiver.evidence.store import Evidence
from archiver.model.anchors import KeyRotate, Restore
from archiver.model.digest import Digest

LEA = "person:lea"
posix = pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")


@dataclass
class Desk:
    """An archive, the memory of this machine, and short ways of using both."""

    folder: Path
    disk: Disk = field(default_factory=Disk)
    state: str = "state"

    @property
    def root(self) -> Path:
        """Where the archive is."""
        return self.folder / "archive"

    def open(self) -> Evidence:
        """Open the archive, made if there is none."""
        return reopen(self.root, self.disk) if self.root.exists() else create(self.root, self.disk)

    def outside(self, evidence: Evidence) -> Outside:
        """Return the memory."""
        return Outside(self.folder / self.state, evidence.archive_id, disk=self.disk)

    def keep(self, *uids: int) -> None:
        """Keep messages."""
        with self.open() as evidence:
            evidence.keep([seen(str(uid).encode(), uid) for uid in uids])

    def sign(self, told: list[str] | None = None) -> Path | None:
        """Sign the state; what a person should know goes to TOLD."""
        tell = [].append if told is None else told.append
        with self.open() as evidence:
            outside = self.outside(evidence)
            return sign_checkpoint(evidence, outside, entropy=os.urandom, tell=tell)

    def memory(self, name: str) -> Path:
        """Return where a file of the memory is, there or not."""
        return next((self.folder / self.state).iterdir()) / name

    def rotate(self) -> None:
        """Change the key."""
        with self.open() as evidence:
            rotate(evidence, self.outside(evidence), actor=LEA, entropy=os.urandom)

    def accept(self) -> None:
        """Go on with an older copy."""
        with self.open() as evidence:
            accept_restored(evidence, self.outside(evidence), actor=LEA, entropy=os.urandom)

    def standing(self) -> str:
        """Ask the memory."""
        with self.open() as evidence:
            return standing(evidence, self.outside(evidence))

    def findings(self) -> dict[str, str]:
        """Return what a check finds: codes and levels."""
        with reopen(self.root, recover=False) as evidence:
            found = check_checkpoints(evidence, self.outside(evidence))
        assert all(finding.message and finding.advice for finding in found)
        return {finding.code: finding.level for finding in found}

    def notes(self) -> dict[int, bytes]:
        """Return all notes in the archive."""
        with self.open() as evidence:
            return {size: note_of(evidence, size) for size in signed_sizes(evidence)}

    def reasons(self) -> list[str]:
        """Return why the keys were changed, oldest first."""
        with self.open() as evidence:
            return [period.reason for period in key_history(evidence)]

    def back_up(self) -> None:
        """Copy the archive."""
        shutil.rmtree(self.folder / "backup", ignore_errors=True)
        shutil.copytree(self.root, self.folder / "backup")

    def put_back(self) -> None:
        """Put the copy in the archive's place."""
        shutil.rmtree(self.root)
        shutil.copytree(self.folder / "backup", self.root)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive with two messages, nothing signed yet."""
    desk = Desk(tmp_path)
    desk.keep(1, 2)
    return desk


def test_the_first_signing_makes_a_key_and_covers_its_entry(desk: Desk) -> None:
    """Also in an archive that has existed for long."""
    path = desk.sign()
    with desk.open() as evidence:
        assert path == note_path(evidence, evidence.size)
        (period,) = key_history(evidence)
        assert (period.previous, period.reason) == (None, "first")
        assert period.since == evidence.size - 1
        assert known_keys(evidence) == (period.key,)
        checkpoint = parse_checkpoint(open_note(note_of(evidence, evidence.size), [period.key]))
        assert checkpoint == Checkpoint(
            f"written-record-archive/{evidence.archive_id}", evidence.size, evidence.tree_root()
        )
        assert desk.outside(evidence).last() == note_of(evidence, evidence.size)
    assert desk.findings() == {}


def test_nothing_is_signed_when_there_is_nothing_new(desk: Desk) -> None:
    """And nothing is written."""
    desk.sign()
    before = sorted(path.stat().st_mtime_ns for path in desk.folder.rglob("*.note"))
    assert desk.sign() is None
    assert sorted(path.stat().st_mtime_ns for path in desk.folder.rglob("*.note")) == before
    assert desk.reasons() == ["first"]


def test_each_state_continues_the_one_before(desk: Desk) -> None:
    """As anyone can check with the notes and a proof."""
    desk.sign()
    desk.keep(3, 4, 5)
    desk.sign()
    old, new = (
        parse_checkpoint(note.decode().partition("\n\n")[0] + "\n")
        for note in desk.notes().values()
    )
    with desk.open() as evidence, MirrorLeaves(evidence.mirror.path, new.size) as leaves:
        proof = consistency_proof(leaves, old.size)
        assert verify_consistency(old.size, new.size, proof, old.root, new.root)
        assert roots_at(leaves, [old.size])[old.size] == old.root
    assert desk.findings() == {}


def test_standing_follows_the_archive(desk: Desk) -> None:
    """Unknown, level, newer."""
    assert desk.standing() == "unknown"
    desk.sign()
    assert desk.standing() == "level"
    desk.keep(3)
    assert desk.standing() == "newer"


def test_the_key_is_not_in_the_archive(desk: Desk) -> None:
    """Neither the seed nor anything made of it."""
    desk.sign()
    with desk.open() as evidence:
        seed = desk.outside(evidence).key()
    assert seed is not None
    forms = (seed, seed.hex().encode(), base64.b64encode(seed))
    for path in desk.root.rglob("*"):
        if path.is_file():
            assert not any(form in path.read_bytes() for form in forms)


# --- an older copy ------------------------------------------------------------------------------


@pytest.fixture
def rolled_back(desk: Desk) -> Desk:
    """Sign, copy, go on and sign, and put the copy back."""
    desk.sign()
    desk.back_up()
    desk.keep(3, 4)
    desk.sign()
    desk.put_back()
    return desk


def test_an_older_copy_is_recognised_and_not_signed(rolled_back: Desk) -> None:
    """Nothing is written: neither an entry nor a note."""
    with rolled_back.open() as evidence:
        size, last = evidence.size, rolled_back.outside(evidence).last()
    notes = rolled_back.notes()
    assert rolled_back.standing() == "older"
    with pytest.raises(RolledBackError) as caught:
        rolled_back.sign()
    assert caught.value.what == (
        "The archive holds 7 entries and is older than what was signed on this machine, with 11 "
        "entries; nothing was signed."
    )
    assert caught.value.advice == (
        "Put back the newest backup. If there is none, `archiver restore --accept` goes on with "
        "the older copy and notes in the journal what is given up."
    )
    with rolled_back.open() as evidence:
        assert (evidence.size, rolled_back.outside(evidence).last()) == (size, last)
    assert rolled_back.notes() == notes
    assert rolled_back.findings() == {"archive-older": "error"}


@pytest.mark.parametrize("uids", [(5,), (5, 6, 7, 8)])
def test_an_older_copy_that_went_on_is_recognised(rolled_back: Desk, uids: tuple[int, ...]) -> None:
    """Shorter than what was signed, or longer."""
    rolled_back.keep(*uids)
    forked = len(uids) > 1
    assert rolled_back.standing() == ("forked" if forked else "older")
    with pytest.raises(RolledBackError) as caught:
        rolled_back.sign()
    if forked:
        assert caught.value.what == (
            "The archive, with 15 entries, does not continue what was signed on this machine when "
            "it held 11: it is an older copy that went its own way, or the journal was changed. "
            "Nothing was signed."
        )
    code = "archive-forked" if forked else "archive-older"
    assert rolled_back.findings() == {code: "error"}


def test_the_newest_backup_put_back_is_signed_on(rolled_back: Desk, tmp_path: Path) -> None:
    """As the advice says."""
    shutil.rmtree(rolled_back.folder / "state")
    rolled_back.sign()
    other = Desk(tmp_path / "other")
    other.keep(1)
    other.sign()
    other.back_up()
    other.put_back()
    assert other.standing() == "level"
    other.keep(2)
    assert other.sign() is not None


def test_a_copy_from_before_the_first_key_is_recognised(desk: Desk) -> None:
    """Where the journal names no key that the note could be opened with."""
    desk.back_up()
    desk.sign()
    desk.put_back()
    with pytest.raises(RolledBackError):
        desk.sign()
    desk.keep(3, 4, 5)
    with pytest.raises(RolledBackError):
        desk.sign()
    assert desk.reasons() == []


def test_a_database_put_back_among_newer_notes_is_recognised_without_memory(
    rolled_back: Desk,
) -> None:
    """By the notes in the archive itself."""
    note = rolled_back.notes()
    with rolled_back.open() as evidence:
        last = rolled_back.outside(evidence).last()
        assert last is not None
        note_path(evidence, 11).write_bytes(last)
    rolled_back.state = "elsewhere"
    assert len(note) == 1
    assert rolled_back.standing() == "older"
    with pytest.raises(RolledBackError, match="older than a state of it that was signed"):
        rolled_back.sign()
    assert rolled_back.findings() == {"archive-older": "error", "memory-unknown": "note"}


def test_a_person_can_go_on_with_the_older_copy(rolled_back: Desk) -> None:
    """The journal says what was given up; nothing is deleted; another key signs."""
    with rolled_back.open() as evidence:
        last = rolled_back.outside(evidence).last()
    assert last is not None
    gone = parse_checkpoint(last.decode().partition("\n\n")[0] + "\n")
    rolled_back.keep(5)
    rolled_back.accept()
    with rolled_back.open() as evidence:
        entries = list(evidence.entries(evidence.size - 2))
        assert [entry.actor for entry in entries] == [LEA, LEA]
        restore, change = (entry.payload for entry in entries)
        assert restore == Restore(size=gone.size, root=Digest(gone.root.hex()))
        assert isinstance(change, KeyRotate)
        assert change.reason == "restored"
        assert change.previous == str(key_history(evidence)[0].key)
        outside = rolled_back.outside(evidence)
        assert last in [path.read_bytes() for path in outside.folder.glob("abandoned-*.note")]
    assert rolled_back.standing() == "level"
    assert rolled_back.findings() == {}
    rolled_back.keep(6)
    assert rolled_back.sign() is not None


def test_given_up_notes_in_the_archive_are_moved_and_told(rolled_back: Desk) -> None:
    """Where only the database had been put back."""
    with rolled_back.open() as evidence:
        last = rolled_back.outside(evidence).last()
        assert last is not None
        note_path(evidence, 11).write_bytes(last)
    rolled_back.accept()
    assert 11 not in rolled_back.notes()
    assert [path.read_bytes() for path in rolled_back.root.rglob("abandoned/*")] == [last]
    assert rolled_back.findings() == {"checkpoint-abandoned": "note"}


def test_a_second_older_copy_is_not_accepted_by_the_first_yes(rolled_back: Desk) -> None:
    """Each time a person says so."""
    rolled_back.accept()
    rolled_back.back_up()
    rolled_back.keep(7)
    rolled_back.sign()
    rolled_back.put_back()
    assert rolled_back.standing() == "older"
    with pytest.raises(RolledBackError):
        rolled_back.sign()
    rolled_back.accept()
    assert rolled_back.reasons() == ["first", "restored", "restored"]


def test_there_is_nothing_to_accept_in_an_archive_that_is_not_older(desk: Desk) -> None:
    """A restore entry would say what did not happen."""
    desk.sign()
    with pytest.raises(OperationError, match="nothing to accept") as caught:
        desk.accept()
    assert caught.value.advice == "Go on as usual; `archiver verify` checks everything."
    assert desk.reasons() == ["first"]


# --- keys ---------------------------------------------------------------------------------------


def test_a_key_is_changed_between_two_signatures(desk: Desk) -> None:
    """The old one signs what came before, the new one that it is the new one."""
    desk.sign()
    desk.keep(3)
    desk.rotate()
    with desk.open() as evidence:
        old, new = key_history(evidence)
        assert (new.previous, new.reason) == (str(old.key), "rotated")
        sizes = signed_sizes(evidence)
        assert sizes[-2:] == (new.since, new.since + 1)
        for size in sizes:
            key = key_at(key_history(evidence), size)
            assert key == (new.key if size > new.since else old.key)
            assert key is not None
            open_note(note_of(evidence, size), [key])
        seed = desk.outside(evidence).key()
        assert seed is not None
        assert SigningKey.from_seed(origin_of(evidence.archive_id), seed).verifier == new.key
    assert desk.findings() == {}


def test_an_archive_without_a_key_gets_one_when_it_is_changed(desk: Desk) -> None:
    """One, not two."""
    desk.rotate()
    assert desk.reasons() == ["first"]
    assert desk.standing() == "level"


def test_the_old_key_signs_nothing_that_came_after_it(desk: Desk) -> None:
    """Whoever has taken it."""
    desk.sign()
    with desk.open() as evidence:
        seed = desk.outside(evidence).key()
    assert seed is not None
    desk.rotate()
    with desk.open() as evidence:
        size = evidence.size
        origin = origin_of(evidence.archive_id)
        text = Checkpoint(origin, size, evidence.tree_root()).text()
        stolen = sign_note(text, SigningKey.from_seed(origin, seed))
        note_path(evidence, size).write_bytes(stolen)
    assert desk.findings() == {"checkpoint-signature": "error"}
    desk.keep(4)
    with pytest.raises(OperationError, match="no known key has signed the note"):
        desk.sign()


def test_another_machine_does_not_know_and_makes_a_key(desk: Desk) -> None:
    """The key stayed at home; the journal says so."""
    desk.sign()
    desk.state = "elsewhere"
    assert desk.standing() == "unknown"
    assert desk.findings() == {"memory-unknown": "note"}
    assert desk.sign() is None  # nothing new: no reason for another key
    desk.keep(3)
    told: list[str] = []
    desk.sign(told)
    assert desk.reasons() == ["first", "lost"]
    assert desk.standing() == "level"
    assert desk.findings() == {"key-lost": "note"}
    (said,) = told
    what, advice = said.splitlines()
    assert what == (
        "This machine remembers nothing of this archive: whether a newer state was signed "
        "elsewhere cannot be known. A new key signs from here on, and the journal says so (entry "
        "9)."
    )
    assert advice.startswith("Compare the archive with the machine that it comes from")
    desk.state = "state"
    assert desk.standing() == "newer"
    assert desk.findings() == {"key-lost": "note", "key-other": "note"}
    desk.keep(4)
    desk.sign(told)
    assert told[1].startswith("Another key than this machine's signed the archive meanwhile; from")
    assert desk.reasons() == ["first", "lost", "lost"]
    with desk.open() as evidence:
        history = key_history(evidence)
        assert history[0].key == history[2].key != history[1].key
        assert len(known_keys(evidence)) == 2
        actors = [entry.actor for entry, _change in key_entries(evidence)]
        assert actors == ["archiver"] * 3
    assert desk.findings() == {"key-lost": "note"}


def test_that_a_key_was_lost_is_not_forgotten_when_it_is_changed(desk: Desk) -> None:
    """Else whoever put an older copy back could hide it."""
    desk.sign()
    desk.state = "elsewhere"
    desk.keep(3)
    desk.sign()
    desk.rotate()
    assert desk.reasons() == ["first", "lost", "rotated"]
    assert desk.findings() == {"key-lost": "note"}


def test_an_older_copy_whose_memory_was_emptied_is_not_taken_over_in_silence(
    rolled_back: Desk,
) -> None:
    """Nobody can know; that is what is said, then and afterwards."""
    shutil.rmtree(rolled_back.folder / "state")
    rolled_back.keep(9)
    told: list[str] = []
    rolled_back.sign(told)
    assert "whether a newer state was signed elsewhere cannot be known" in told[0]
    assert rolled_back.reasons() == ["first", "lost"]
    assert rolled_back.findings() == {"key-lost": "note"}


def test_a_key_without_what_it_signed_last_does_not_go_on(rolled_back: Desk) -> None:
    """Only the note was taken away: with the same key an older copy would go on unseen."""
    rolled_back.memory("last.note").unlink()
    old = rolled_back.memory("signing-key").read_bytes()
    rolled_back.keep(9)
    told: list[str] = []
    rolled_back.sign(told)
    assert rolled_back.reasons() == ["first", "lost"]
    assert told[0].startswith("This machine remembers nothing of this archive")
    assert "The key that was here is kept aside: " in told[0]
    (aside,) = rolled_back.memory("").glob("signing-key-aside-*")
    assert aside.read_bytes() == old != rolled_back.memory("signing-key").read_bytes()
    assert rolled_back.findings() == {"key-lost": "note"}


def test_a_first_key_does_not_go_on_in_a_copy_from_before_it(desk: Desk) -> None:
    """The journal names no key; one is here, and what it signed is not."""
    desk.back_up()
    desk.sign()
    desk.put_back()
    desk.memory("last.note").unlink()
    assert desk.findings() == {"key-other": "error"}
    told: list[str] = []
    desk.sign(told)
    assert told[0].startswith("This machine remembers nothing of this archive")
    assert len(list(desk.memory("").glob("signing-key-aside-*"))) == 1


def test_a_replaced_key_is_told_and_kept_aside(desk: Desk) -> None:
    """It is not taken for ours, and not destroyed."""
    desk.sign()
    other = b"ab" * 32 + b"\n"
    desk.memory("signing-key").write_bytes(other)
    assert desk.findings() == {"key-other": "error"}
    desk.keep(3)
    told: list[str] = []
    desk.sign(told)
    assert told[0].startswith(
        "The signing key on this machine is not the one that the journal names. A new key signs "
        "from here on, and the journal says so (entry 9). The key that was here is kept aside: "
    )
    (aside,) = desk.memory("").glob("signing-key-aside-*")
    assert aside.read_bytes() == other != desk.memory("signing-key").read_bytes()
    assert desk.reasons() == ["first", "lost"]
    assert desk.findings() == {"key-lost": "note"}


def test_a_replaced_key_is_kept_aside_when_an_older_copy_is_accepted(rolled_back: Desk) -> None:
    """Nor destroyed by a decision about something else."""
    other = b"ab" * 32 + b"\n"
    rolled_back.memory("signing-key").write_bytes(other)
    assert rolled_back.findings() == {"archive-older": "error"}
    rolled_back.accept()
    (aside,) = rolled_back.memory("").glob("signing-key-aside-*")
    assert aside.read_bytes() == other


def test_a_key_that_was_changed_by_a_person_does_not_come_back(desk: Desk) -> None:
    """Whoever had taken it puts it there again."""
    desk.sign()
    old = desk.memory("signing-key").read_bytes()
    desk.rotate()
    desk.memory("signing-key").write_bytes(old)
    assert desk.findings() == {"key-other": "note"}
    desk.keep(3)
    desk.sign()
    with desk.open() as evidence:
        assert len(known_keys(evidence)) == 3


def test_a_key_that_was_removed_is_told(desk: Desk) -> None:
    """What was signed last is remembered, so nothing else is in doubt."""
    desk.sign()
    desk.memory("signing-key").unlink()
    assert desk.findings() == {}
    desk.keep(3)
    told: list[str] = []
    desk.sign(told)
    assert told[0].startswith("The key that signed the archive is no longer on this machine.")
    assert desk.reasons() == ["first", "lost"]


def test_a_damaged_key_stops_no_check(desk: Desk) -> None:
    """It is told, and the rest is checked."""
    desk.sign()
    desk.memory("signing-key").write_bytes(b"xx")
    assert desk.findings() == {"key-unread": "note"}


def test_nothing_is_to_be_kept_in_a_copy_that_lacks_what_was_signed(rolled_back: Desk) -> None:
    """Until a person says so."""
    with rolled_back.open() as evidence, pytest.raises(RolledBackError) as caught:
        require_continuing(evidence, rolled_back.outside(evidence))
    assert caught.value.what == (
        "The archive is older than what was signed: it holds 7 entries, and 11 were signed. "
        "Nothing was kept."
    )
    assert "restore --accept` goes on with this copy." in caught.value.advice
    rolled_back.keep(5, 6, 7, 8)
    with rolled_back.open() as evidence, pytest.raises(RolledBackError) as caught:
        require_continuing(evidence, rolled_back.outside(evidence))
    assert caught.value.what == (
        "The archive, with 15 entries, does not continue what was signed when it held 11. Nothing "
        "was kept."
    )
    rolled_back.accept()
    with rolled_back.open() as evidence:
        require_continuing(evidence, rolled_back.outside(evidence))


def test_read_only_media_are_not_signed(desk: Desk) -> None:
    """Nor is anything else written."""
    desk.sign()
    desk.keep(3)
    before = {path: path.stat().st_mtime_ns for path in desk.folder.rglob("*")}
    readonly = Desk(desk.folder, ReadOnlyDisk())
    assert readonly.sign() is None
    assert readonly.standing() == "newer"
    with pytest.raises(OperationError, match="open for reading only"):
        readonly.rotate()
    assert {path: path.stat().st_mtime_ns for path in desk.folder.rglob("*")} == before


def test_the_memory_may_not_lie_in_the_archive(desk: Desk) -> None:
    """It would be put back together with it."""
    desk.state = "archive/journal/state"
    with pytest.raises(UsageError, match="lies in the archive itself") as caught:
        desk.sign()
    assert "ARCHIVER_STATE" in caught.value.advice


# --- what somebody changed ----------------------------------------------------------------------


def change_entry(root: Path, position: int) -> None:
    """Change an entry and its leaf, in the database and in its mirror, as a forger would."""
    from archiver.evidence.journal.merkle import leaf_hash

    body = b'{"changed":true}'
    with sqlite3.connect(root / "journal" / "journal.sqlite") as database:
        database.execute(
            "UPDATE entry SET body = ?, leaf = ? WHERE position = ?",
            (body, leaf_hash(body), position),
        )
    database.close()
    with (root / "journal" / "leaves").open("r+b") as mirror:
        mirror.seek(32 * position)
        mirror.write(leaf_hash(body))


def test_a_changed_entry_is_recognised(desk: Desk) -> None:
    """However carefully it was changed."""
    desk.sign()
    change_entry(desk.root, 2)
    desk.keep(3)
    with pytest.raises(RolledBackError, match="or the journal was changed"):
        desk.sign()
    assert desk.findings() == {"checkpoint-root": "error", "archive-forked": "error"}


def test_a_damaged_mirror_does_not_hinder_and_is_not_signed(desk: Desk) -> None:
    """The database decides."""
    desk.sign()
    desk.keep(3, 4)
    with (desk.root / "journal" / "leaves").open("r+b") as mirror:
        mirror.write(bytes(32))
        mirror.seek(32 * 8)
        mirror.write(bytes(32))
    desk.sign()
    with desk.open() as evidence:
        checkpoint = parse_checkpoint(
            desk.notes()[evidence.size].decode().partition("\n\n")[0] + "\n"
        )
        assert checkpoint.root == evidence.tree_root()
    assert desk.findings() == {}


def damage(path: Path) -> None:
    """Cut the last line."""
    path.write_bytes(path.read_bytes()[:-20])


def other_text(path: Path) -> None:
    """Change the signed text and leave the signature."""
    path.write_bytes(path.read_bytes().replace(b"\n\n", b"\nmore\n\n"))


def other_signature(path: Path) -> None:
    """Change one letter of the signature."""
    data = bytearray(path.read_bytes())
    data[-20] = ord("A") if data[-20] != ord("A") else ord("B")
    path.write_bytes(data)


def other_name(path: Path) -> None:
    """Name it for another state."""
    path.rename(path.with_name("3.note"))


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        (damage, "checkpoint-malformed", "middle of a signature line"),
        (other_text, "checkpoint-malformed", "three lines"),
        (other_signature, "checkpoint-signature", "is wrong"),
        (other_name, "checkpoint-malformed", "another size"),
    ],
)
def test_a_changed_note_is_recognised(
    desk: Desk, change: Callable[[Path], None], code: str, reason: str
) -> None:
    """And nothing is signed on top of it."""
    path = desk.sign()
    assert path is not None
    change(path)
    assert desk.findings()[code] == "error"
    desk.keep(3)
    with pytest.raises(OperationError, match=reason) as caught:
        desk.sign()
    assert "cannot be believed as it stands in" in caught.value.what
    assert caught.value.advice.startswith("Nothing was signed. Run `archiver verify`")


@pytest.mark.parametrize("change", [damage, other_text, other_signature])
def test_a_changed_memory_is_recognised(desk: Desk, change: Callable[[Path], None]) -> None:
    """It is ours, but disks fail."""
    desk.sign()
    change(next((desk.folder / "state").rglob("last.note")))
    desk.keep(3)
    with pytest.raises(OperationError, match="cannot be believed"):
        desk.sign()
    assert set(desk.findings()) <= {"checkpoint-malformed", "checkpoint-signature"}


def test_a_note_of_another_archive_is_not_ours(desk: Desk, tmp_path: Path) -> None:
    """Even when its text is well-formed and signed."""
    desk.sign()
    other = Desk(tmp_path / "other")
    other.keep(1, 2)
    path = other.sign()
    assert path is not None
    shutil.copy(path, desk.root / "journal" / "checkpoints" / path.name)
    assert set(desk.findings()) == {"checkpoint-root"}


def test_a_note_that_was_removed_is_put_back(desk: Desk) -> None:
    """The memory has it."""
    path = desk.sign()
    assert path is not None
    path.unlink()
    assert desk.findings() == {"checkpoint-missing": "warning"}
    assert desk.sign() == path
    assert desk.findings() == {}


def test_strange_files_are_told(desk: Desk) -> None:
    """And those of an interrupted signing are removed by the next one."""
    path = desk.sign()
    assert path is not None
    path.with_name("readme").touch()
    path.with_name(".9.note.1.tmp").touch()
    (path.parent / "abandoned").mkdir()
    shutil.copy(path, path.parent / "abandoned")
    assert desk.findings() == {
        "checkpoint-malformed": "warning",
        "temporary-left": "note",
        "checkpoint-abandoned": "error",
    }
    desk.keep(3)
    desk.sign()
    assert "temporary-left" not in desk.findings()


def test_keys_that_do_not_follow_each_other_are_told(desk: Desk) -> None:
    """Somebody wrote the journal anew."""
    desk.sign()
    with desk.open() as evidence:
        key = str(known_keys(evidence)[0])
        evidence.append([KeyRotate(previous=None, key=key, reason="rotated")])
        evidence.append([KeyRotate(previous=key, key="none", reason="rotated")])
    assert desk.findings() == {"key-chain": "error", "key-other": "note"}
    with pytest.raises(OperationError, match="names no signing key"):
        desk.sign()


def test_an_archive_that_was_never_signed_has_no_finding(desk: Desk) -> None:
    """There is nothing to remember yet."""
    assert desk.findings() == {}
    with desk.open() as evidence:
        assert check_checkpoints(evidence, None) == ()


# --- crashes and company ------------------------------------------------------------------------

POINTS = {"sign": 20, "rotate": 28, "accept": 21}
"""How many write points each has."""


def die_while(what: str, folder: str, after: str) -> None:
    """Do WHAT on a disk that kills its process at a moment."""
    disk = KillingDisk("any", int(after))
    desk = Desk(Path(folder), disk)
    getattr(desk, what)()


def prepared(folder: Path, what: str) -> Desk:
    """Bring an archive to where WHAT can be done."""
    desk = Desk(folder)
    desk.keep(1, 2)
    if what != "sign":
        desk.sign()
    if what == "accept":
        desk.back_up()
        desk.keep(3, 4)
        desk.sign()
        desk.put_back()
    desk.keep(5)
    return desk


@pytest.mark.parametrize("what", POINTS)
def test_the_write_points_are_counted(tmp_path: Path, what: str) -> None:
    """So that the runs below stop at each of them."""
    disk = RecordingDisk()
    prepared(tmp_path, what)
    getattr(Desk(tmp_path, disk), what)()
    assert len(disk.points) == POINTS[what]


EVERY = [(what, after) for what, last in POINTS.items() for after in range(1, last + 1)]


@posix
@pytest.mark.long
@pytest.mark.parametrize(("what", "after"), EVERY)
def test_kill_9_at_each_write_harms_nothing(tmp_path: Path, what: str, after: int) -> None:
    """The next signing goes on, and no state ever has two notes."""
    kill_and_go_on(tmp_path, what, after)


DELICATE = [
    ("sign", 4),  # the next key is kept, the journal does not know of it
    ("sign", 8),  # the journal names the key, it is not in force
    ("sign", 16),  # remembered, not yet in the archive
    ("rotate", 16),
    ("accept", 8),
    ("accept", 13),  # the memory has begun anew, nothing is signed yet
]


@posix
@pytest.mark.parametrize(("what", "after"), DELICATE)
def test_kill_9_where_it_is_delicate_harms_nothing(tmp_path: Path, what: str, after: int) -> None:
    """A few of the moments of the long run."""
    kill_and_go_on(tmp_path, what, after)


def kill_and_go_on(tmp_path: Path, what: str, after: int) -> None:
    """Kill WHAT at its write point AFTER, and check that the next command finds all in order."""
    desk = prepared(tmp_path, what)
    before = {**desk.notes()}
    program = "import sys, test_evidence_checkpoints as t; t.die_while(*sys.argv[1:])"
    result = subprocess.run(
        [sys.executable, "-c", program, what, str(tmp_path), str(after)],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert result.returncode in (0, -signal.SIGKILL)
    last = next((tmp_path / "state").rglob("last.note"), None)
    remembered = last.read_bytes() if last else None
    desk.keep(6)
    if what == "accept" and desk.standing() in ("older", "forked") and not _decided(desk):
        desk.accept()  # the person was told nothing, and asks again
    else:
        desk.sign()
    assert desk.standing() == "level"
    assert not {code for code, level in desk.findings().items() if level == "error"}
    notes = desk.notes()
    if what != "accept":
        assert before.items() <= notes.items()
        assert remembered is None or remembered in notes.values()
    assert desk.reasons() in (
        [["first"]] if what == "sign" else [["first"], ["first", "rotated"], ["first", "restored"]]
    )


def _decided(desk: Desk) -> bool:
    """Tell whether the journal holds the decision."""
    with desk.open() as evidence:
        return bool(evidence.journal.positions_by_type("restore"))


@posix
def test_two_processes_sign_one_after_the_other(tmp_path: Path) -> None:
    """Two accounts are synchronised at once, the key is not there yet."""
    desk = Desk(tmp_path)
    desk.keep(1)
    program = "import sys, test_evidence_checkpoints as t; t.keep_and_sign(*sys.argv[1:])"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path), str(first)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for first in (100, 200, 300)
    ]
    assert [process.wait(timeout=60) for process in running] == [0, 0, 0]
    assert desk.reasons() == ["first"]
    assert desk.standing() == "level"
    assert desk.findings() == {}


def keep_and_sign(folder: str, first: str) -> None:
    """Be one of several processes."""
    desk = Desk(Path(folder))
    for uid in range(int(first), int(first) + 5):
        desk.keep(uid)
        desk.sign()
