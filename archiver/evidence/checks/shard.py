"""The part of a check that looks at the files in one of the 256 folders of ``objects/``.

It knows no database: helpers do this work in processes of their own.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from gettext import gettext as _
from pathlib import Path

from archiver.evidence.checks.findings import Findings
from archiver.evidence.checks.plan import KNOWN, READ, Plan
from archiver.evidence.journal.canonical import JSON
from archiver.evidence.objects import SHARDS
from archiver.model.findings import Finding

_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_AT_ONCE = 1 << 20  # bytes
# Nothing is followed that stands in an object's place, and nothing waited for.
_READING = os.O_RDONLY | sum(
    int(getattr(os, name, 0)) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY")
)

Scan = Callable[[Path], Iterable[os.DirEntry[str]]]
"""Lists a folder; raises OSError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was found in one folder."""

    findings: tuple[Finding, ...]
    counts: tuple[tuple[str, int], ...]
    missing: tuple[str, ...]
    """Names of objects that are not there."""
    strays: tuple[str, ...]
    """Paths of what looks like an object and is named by no entry."""

    def told(self) -> JSON:
        """Return it as plain values."""
        return [
            [[one.code, one.level, one.subject, one.message, one.advice] for one in self.findings],
            [[what, count] for what, count in self.counts],
            list(self.missing),
            list(self.strays),
        ]

    @classmethod
    def heard(cls, told: JSON) -> "Outcome":
        """Make it from what ``told`` returned."""
        match told:
            case [list(findings), list(counts), list(missing), list(strays)]:
                return cls(
                    findings=tuple(map(_finding, findings)),
                    counts=tuple(map(_count, counts)),
                    missing=tuple(map(str, missing)),
                    strays=tuple(map(str, strays)),
                )
            case _:
                raise TypeError("not an outcome")


def _count(told: JSON) -> tuple[str, int]:
    match told:
        case [str(what), int(count)]:
            return what, count
        case _:
            raise TypeError("not a count")


def _finding(told: JSON) -> Finding:
    match told:
        case [
            str(code),
            "error" | "warning" | "note" as level,
            str(subject),
            str(what),
            str(advice),
        ]:
            return Finding(code=code, level=level, subject=subject, message=what, advice=advice)
        case _:
            raise TypeError("not a finding")


class ShardCheck:
    """Compares folders with the PLAN; PLAN and files are only read."""

    def __init__(self, objects: Path, plan: Plan, scan: Scan) -> None:
        self._objects = objects
        self._plan = plan
        self._scan = scan
        self._findings = Findings()
        self._missing: list[str] = []

    def __call__(self, number: int) -> JSON:
        """Check the folder NUMBER."""
        self._findings, self._missing = Findings(), []
        strays = self._check(SHARDS[number])
        report = self._findings.report()
        return Outcome(
            findings=report.findings,
            counts=report.checked,
            missing=tuple(self._missing),
            strays=tuple(strays),
        ).told()

    def _check(self, shard: str) -> list[str]:
        folder = self._objects / shard
        expected = self._plan.expected(int(shard, 16))
        strays: list[str] = []
        entries = listed(self._scan, folder, self._findings)
        for entry in sorted(entries or (), key=lambda entry: entry.name):
            wanted = expected.pop(entry.name, None)
            if wanted is not None:
                size, task = wanted
                if task != KNOWN:
                    self._findings.count("objects")
                    self._check_object(entry, size, task)
            elif _is_digest(entry.name) and entry.name.startswith(shard):
                strays.append(entry.path)
            else:
                misplaced(self._findings, Path(entry.path))
        if entries is not None:  # else one finding stands for all that the folder may hold
            for name, (_size, task) in expected.items():
                if task != KNOWN:
                    self._findings.count("objects")
                    self._missing.append(name)
        return strays

    def _check_object(self, entry: os.DirEntry[str], size: int, task: int) -> None:
        mode = self._read_whole(entry, size) if task == READ else None
        if mode is None:
            mode = self._look_closer(entry, size, task)
        if os.name == "posix" and mode & _WRITABLE:
            self._findings.add(
                "object-writable",
                "warning",
                entry.name,
                _("The object {name} is not protected against writing.").format(name=entry.name),
                _("Run `chmod 444` on {path}.").format(path=entry.path),
            )

    def _read_whole(self, entry: os.DirEntry[str], size: int) -> int | None:
        """Return the mode of an object whose bytes are what they should be; None: look closer."""
        try:
            if not entry.is_file(follow_symlinks=False):
                return None
            descriptor = os.open(entry.path, _READING)
        except OSError:
            return None
        try:
            status = os.fstat(descriptor)
            if status.st_size != size or not stat.S_ISREG(status.st_mode):
                return None
            if _digest_of(descriptor, size) != entry.name:
                return None
        except OSError:
            return None
        finally:
            os.close(descriptor)
        self._count_read(size)
        return status.st_mode

    def _count_read(self, size: int) -> None:
        self._findings.count("objects-read")
        self._findings.count("bytes-read", size)

    def _look_closer(self, entry: os.DirEntry[str], size: int, task: int) -> int:
        """Look at an object step by step, and return its mode, 0 where nothing else matters."""
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            self._missing.append(entry.name)
            return 0
        except OSError as error:
            self._unreadable(entry.name, error, _permit(Path(entry.path).parent, "700"))
            return 0
        if not stat.S_ISREG(status.st_mode):
            self._broken(
                "object-not-file",
                entry.name,
                _("The object {name} is not a plain file.").format(name=entry.name),
            )
            return 0
        if status.st_size != size:
            self._broken(
                "object-size",
                entry.name,
                _("The object {name} has {actual} bytes instead of {size}.").format(
                    name=entry.name, actual=status.st_size, size=size
                ),
            )
        elif task == READ:
            self._read(entry, size)
        return status.st_mode

    def _read(self, entry: os.DirEntry[str], size: int) -> None:
        try:
            with open(entry.path, "rb") as file:  # noqa: PTH123 - as the path is given
                actual = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            self._unreadable(entry.name, error, _permit(entry.path, "444"))
            return
        self._count_read(size)
        if actual != entry.name:
            self._broken(
                "object-damaged",
                entry.name,
                _("The object {name} holds other bytes than its name says.").format(
                    name=entry.name
                ),
            )

    def _unreadable(self, name: str, error: OSError, advice: str) -> None:
        """Tell of an object that cannot be read; ADVICE is for who lacks the permission."""
        message = _("The object {name} cannot be read: {reason}.").format(
            name=name, reason=error.strerror
        )
        if isinstance(error, PermissionError):
            self._findings.add("object-unreadable", "error", name, message, advice)
        else:
            self._broken("object-unreadable", name, message)

    def _broken(self, code: str, subject: str, message: str) -> None:
        self._findings.add(
            code,
            "error",
            subject,
            message,
            _("Move what is left of it out of the archive and put it back from a backup."),
        )


def listed(scan: Scan, folder: Path, findings: Findings) -> list[os.DirEntry[str]] | None:
    """List FOLDER; one that is not there is empty, None stands for one that is closed to us."""
    try:
        return list(scan(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        findings.add(
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
        return None


def misplaced(findings: Findings, path: Path) -> None:
    """Tell of a file that nobody but a person put there."""
    findings.add(
        "object-name",
        "warning",
        path,
        _("{path} does not belong in the archive.").format(path=path),
        _("Move it elsewhere: nothing but the archiver writes there."),
    )


def _digest_of(descriptor: int, size: int) -> str:
    """Return the SHA-256 of a file of SIZE bytes, or of what it holds instead."""
    if size < _AT_ONCE:
        return hashlib.sha256(os.read(descriptor, size + 1)).hexdigest()
    digest = hashlib.sha256()
    while data := os.read(descriptor, _AT_ONCE):
        digest.update(data)
    return digest.hexdigest()


def _permit(path: str | Path, mode: str) -> str:
    """Advise what to do about PATH, which we may not read; MODE is what it was made with."""
    return _(
        "Nothing shows that it is damaged: let the user who runs the archiver read it (`chmod "
        "{mode} {path}`), or run the archiver as its owner, then check again."
    ).format(mode=mode, path=path)


def _is_digest(name: str) -> bool:
    return len(name) == hashlib.sha256().digest_size * 2 and not name.strip("0123456789abcdef")
