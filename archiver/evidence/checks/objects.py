"""The part of a check that looks at the files in ``objects/``."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable
from gettext import gettext as _
from pathlib import Path
from random import Random

from archiver.evidence.checks.findings import Findings
from archiver.evidence.journal.database import Value, blob, integer
from archiver.evidence.objects import SHARDS, TEMPORARY
from archiver.evidence.store import Evidence
from archiver.model.findings import Level

_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_STRAYS_LOOKED_AT_TWICE = 1000

Scan = Callable[[Path], Iterable[os.DirEntry[str]]]
"""Lists a folder; raises OSError."""


class ObjectCheck:
    """Checks the 256 folders one after the other, each against what the journal says."""

    def __init__(
        self,
        evidence: Evidence,
        findings: Findings,
        *,
        read_data: float,
        rng: Random,
        scan: Scan = os.scandir,
    ) -> None:
        self._scan = scan
        self._evidence = evidence
        self._findings = findings
        self._share = read_data
        self._rng = rng
        self._strays: list[Path] = []
        self._temporaries: list[Path] = []
        self._closed: set[Path] = set()
        self.total = evidence.database.number(
            "SELECT (SELECT count(*) FROM record) +"
            " (SELECT count(DISTINCT digest) FROM config WHERE digest NOT IN"
            " (SELECT digest FROM record))"
        )
        # A small share of few objects would often draw none of them: this one is always read.
        self._always = rng.randrange(max(1, self.total))
        self._met = 0

    def check(self, progress: Callable[[int], None]) -> None:
        """Check all; PROGRESS is told how many objects were looked at."""
        self._check_folders()
        for shard in SHARDS:
            self._check_shard(shard)
            progress(self._findings.checked("objects"))

    @property
    def in_doubt(self) -> bool:
        """Whether there are files that an interrupted write left, or a live one is making."""
        return bool(self._strays or self._temporaries)

    def settle(self) -> None:
        """Tell which files in doubt are still there, and still named by no entry.

        A live writer names its objects before its entries, and its temporaries go: call it when no
        write is under way.
        """
        for path in self._strays:
            if path.exists() and not self._is_named(path.name):
                self._stray(path)
        for path in self._temporaries:
            if path.exists():
                self._add(
                    "temporary-left",
                    "note",
                    path,
                    _("An interrupted write left {path} behind.").format(path=path),
                    _("The next command that writes to the archive removes it."),
                )

    def _expected(self, shard: str) -> dict[str, int]:
        """Return the sizes of the objects that the journal names, by digest."""
        first, last = (bytes.fromhex(shard + digit * 62) for digit in "0f")
        rows: list[tuple[Value, ...]] = self._evidence.database.all(
            "SELECT digest, size FROM record WHERE digest BETWEEN ? AND ?"
            " UNION SELECT digest, size FROM config WHERE digest BETWEEN ? AND ?",
            *(first, last),
            *(first, last),
        )
        return {blob(digest).hex(): integer(size) for digest, size in rows}

    def _is_named(self, name: str) -> bool:
        digest = bytes.fromhex(name)
        row = self._evidence.database.one(
            "SELECT 1 FROM record WHERE digest = ? UNION SELECT 1 FROM config WHERE digest = ?",
            digest,
            digest,
        )
        return row is not None

    def _check_folders(self) -> None:
        folder = self._evidence.objects.folder
        names = {entry.name for entry in self._entries(folder)}
        if TEMPORARY in names:
            self._temporaries = [Path(one.path) for one in self._entries(folder / TEMPORARY)]
        if folder in self._closed:
            return
        for name in sorted(names - {*SHARDS, TEMPORARY}):
            self._misplaced(folder / name)
        for name in sorted({*SHARDS, TEMPORARY} - names):
            self._add(
                "folder-missing",
                "warning",
                folder / name,
                _("The folder {path} is missing.").format(path=folder / name),
                _("Put it back from a backup; if it was empty, make it anew."),
            )

    def _check_shard(self, shard: str) -> None:
        folder = self._evidence.objects.folder / shard
        expected = self._expected(shard)
        entries = self._entries(folder)
        for entry in sorted(entries, key=lambda entry: entry.name):
            size = expected.pop(entry.name, None)
            if size is not None:
                self._check_object(entry, size)
            elif _is_digest(entry.name) and entry.name.startswith(shard):
                if len(self._strays) < _STRAYS_LOOKED_AT_TWICE:
                    self._strays.append(Path(entry.path))
                elif not self._is_named(entry.name):
                    self._stray(Path(entry.path))
            else:
                self._misplaced(Path(entry.path))
        if folder in self._closed:
            return  # one finding for all that it may hold
        for name in expected:
            self._findings.count("objects")
            self._met += 1
            self._missing(name)

    def _check_object(self, entry: os.DirEntry[str], size: int) -> None:
        self._findings.count("objects")
        drawn = self._rng.random() < self._share or (self._share and self._met == self._always)
        self._met += 1
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            self._missing(entry.name)
            return
        except OSError as error:
            self._unreadable(entry.name, error, _permit(Path(entry.path).parent, "700"))
            return
        if not stat.S_ISREG(status.st_mode):
            self._broken(
                "object-not-file",
                entry.name,
                _("The object {name} is not a plain file.").format(name=entry.name),
            )
            return
        if status.st_size != size:
            self._broken(
                "object-size",
                entry.name,
                _("The object {name} has {actual} bytes instead of {size}.").format(
                    name=entry.name, actual=status.st_size, size=size
                ),
            )
        elif drawn:
            self._read(entry, size)
        if os.name == "posix" and status.st_mode & _WRITABLE:
            self._add(
                "object-writable",
                "warning",
                entry.name,
                _("The object {name} is not protected against writing.").format(name=entry.name),
                _("Run `chmod 444` on {path}.").format(path=entry.path),
            )

    def _read(self, entry: os.DirEntry[str], size: int) -> None:
        try:
            with open(entry.path, "rb") as file:  # noqa: PTH123 - hot loop
                actual = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            self._unreadable(entry.name, error, _permit(entry.path, "444"))
            return
        self._findings.count("objects-read")
        self._findings.count("bytes-read", size)
        if actual != entry.name:
            self._broken(
                "object-damaged",
                entry.name,
                _("The object {name} holds other bytes than its name says.").format(
                    name=entry.name
                ),
            )

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        """List FOLDER; one that is not there is empty, one that is closed to us is told."""
        try:
            return list(self._scan(folder))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            self._closed.add(folder)
            self._add(
                "object-unreadable",
                "error",
                folder,
                _("The folder {path} cannot be read, nor what it holds: {reason}.").format(
                    path=folder, reason=error.strerror
                ),
                _permit(folder, "700")
                if isinstance(error, PermissionError)
                else _("Check the disk. If it is damaged, put the folder back from a backup."),
            )
            return []

    def _missing(self, name: str) -> None:
        self._add(
            "object-missing",
            "error",
            name,
            _("The object {name} is missing.").format(name=name),
            _("Put it back from a backup."),
        )

    def _unreadable(self, name: str, error: OSError, advice: str) -> None:
        """Tell of an object that cannot be read; ADVICE is for who lacks the permission."""
        message = _("The object {name} cannot be read: {reason}.").format(
            name=name, reason=error.strerror
        )
        if isinstance(error, PermissionError):
            self._add("object-unreadable", "error", name, message, advice)
        else:
            self._broken("object-unreadable", name, message)

    def _stray(self, path: Path) -> None:
        self._add(
            "object-stray",
            "note",
            path.name,
            _("No entry of the journal names the object {path}.").format(path=path),
            _(
                "An interrupted write leaves such a file; it is taken in when the same bytes are "
                "met again, for example by `archiver import` of that file."
            ),
        )

    def _misplaced(self, path: Path) -> None:
        self._add(
            "object-name",
            "warning",
            path,
            _("{path} does not belong in the archive.").format(path=path),
            _("Move it elsewhere: nothing but the archiver writes there."),
        )

    def _broken(self, code: str, subject: str, message: str) -> None:
        self._add(
            code,
            "error",
            subject,
            message,
            _("Move what is left of it out of the archive and put it back from a backup."),
        )

    def _add(self, code: str, level: Level, subject: object, message: str, advice: str) -> None:
        self._findings.add(code, level, subject, message, advice)


def _permit(path: str | Path, mode: str) -> str:
    """Advise what to do about PATH, which we may not read; MODE is what it was made with."""
    return _(
        "Nothing shows that it is damaged: let the user who runs the archiver read it (`chmod "
        "{mode} {path}`), or run the archiver as its owner, then check again."
    ).format(mode=mode, path=path)


def _is_digest(name: str) -> bool:
    return len(name) == hashlib.sha256().digest_size * 2 and not name.strip("0123456789abcdef")
