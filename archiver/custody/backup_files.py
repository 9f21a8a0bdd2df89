"""What a backup holds besides objects and journal: notes, time-stamps, working copies."""

import re
from collections.abc import Iterator
from gettext import gettext as _
from pathlib import Path

from archiver.custody.backup_place import Place
from archiver.evidence.durable import write_in_folder
from archiver.evidence.reader import Reader
from archiver.model.digest import Digest
from archiver.model.findings import Finding

_FOLDERS = ("checkpoints", "stamps")
_SIZE = re.compile(r"(\d{1,18})[.-]")
_COPY = re.compile(r"archive\.toml\Z|engagements/[a-z0-9][a-z0-9-]{0,63}\.toml\Z")
_README = "README.txt"


def copy_files(evidence: Reader, place: Place, size: int) -> None:
    """Copy the signed notes and time-stamps of states with SIZE entries at most, and README.txt.

    A note of a later state would say that the backup was rolled back.
    """
    journal = evidence.root / "journal"
    for path in _files(journal, size):
        _copy(path, place.root / "journal" / path.relative_to(journal), place)
    readme = evidence.root / _README
    if readme.is_file():
        _copy(readme, place.root / _README, place)


def _files(journal: Path, size: int) -> Iterator[Path]:
    for folder in _FOLDERS:
        for path in sorted((journal / folder).rglob("*")):
            if not path.is_file() or path.name.startswith("."):
                continue
            states = _SIZE.match(path.name)
            given_up = path.parent != journal / folder  # of states that are no longer there
            if given_up or (states and int(states[1]) <= size):
                yield path


def _copy(path: Path, copy: Path, place: Place) -> None:
    """Copy a small file, unless it is there; one that vanished meanwhile is no loss."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return
    if copy.is_file() and copy.read_bytes() == data:
        return
    write_in_folder(place.disk, copy, data)


def copy_working_copies(evidence: Reader, place: Place, snapshot: Reader) -> list[Finding]:
    """Write the working copies as the journal of SNAPSHOT has them; return what differs from disk.

    Not as they stand on disk: a version that the backup's journal does not know would be taken in
    by the first command that uses the backup, which then is no copy any more.
    """
    findings: list[Finding] = []
    for name, digest in sorted(snapshot.configs().items()):
        if not _COPY.match(name):
            continue
        copy = place.root / name
        if digest is None:
            _end(copy, place, snapshot)
            continue
        data = place.objects.read(digest)
        if not copy.is_file() or copy.read_bytes() != data:
            write_in_folder(place.disk, copy, data)
        original = evidence.root / name
        if original.is_file() and original.read_bytes() != data:
            findings.append(_not_taken_in(name))
    return findings


def _end(copy: Path, place: Place, snapshot: Reader) -> None:
    """Remove a working copy that the archive ended; one that somebody changed there stays."""
    if copy.is_file() and snapshot.journal.counted_on([Digest.of(copy.read_bytes())]):
        place.disk.remove(copy)
        place.disk.sync_folder(copy.parent)


def _not_taken_in(name: str) -> Finding:
    return Finding(
        code="backup-not-taken-in",
        level="warning",
        subject=name,
        message=_("The backup holds its last journalled version, not what stands in the file now."),
        advice=_("Run `archiver status`: it says what is wrong with the file, or takes it in."),
    )
