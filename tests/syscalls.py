"""Record what a process asks of the file system, and make every disk that a power cut may leave.

``strace`` records the system calls, with the bytes that were written. A ``Disk`` of ours then plays
them up to a moment and loses what the system had not confirmed: each unsynced write is there, gone,
or torn in the middle; of the names in a folder that was not synced, the last ones may be missing.
That is what POSIX allows, and more than ext4 or XFS do.
"""

import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

CALLS = (
    "openat,lseek,write,pwrite64,fsync,fdatasync,syncfs,sync,link,linkat,rename,renameat,"
    "renameat2,unlink,unlinkat,ftruncate,mkdir,rmdir,chmod,fchmod"
)
"""What changes files; a call that the system does not have is left out with ``?``."""
_SECTOR = 512
_LINE = re.compile(r"^(?:\d+ +)?(\w+)\((.*)\) += (-?\d+)(?:<([^>]*)>)?")
_HEX = re.compile(r"\\x([0-9a-f]{2})")
_FD = re.compile(r"^(-?\d+|AT_FDCWD)(?:<(.*)>(?:\(deleted\))?)?$")


def missing() -> str:
    """Say why nothing can be recorded here, or nothing."""
    if not sys.platform.startswith("linux"):
        return "system calls are recorded on Linux"
    if shutil.which("strace") is None:
        return "strace is not installed (Debian package strace)"
    done = subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, check=False)
    return "" if done.returncode == 0 else "strace may not look at processes here"


@dataclass(frozen=True, slots=True)
class Call:
    """One system call that went well: its name, its arguments, what it returned."""

    name: str
    arguments: tuple[str, ...]
    result: int
    path: str
    """What the returned descriptor is of."""
    order: int
    """The how-manieth call of this name it is, from 1, failed ones counted too."""


def traced(command: Sequence[str], log: Path, *options: str) -> list[str]:
    """Return the command line that runs COMMAND under strace, logging to LOG."""
    calls = ",".join(f"?{name}" for name in CALLS.split(","))
    base = ["strace", "-f", "-y", "-xx", "-s", "100000000", "-o", str(log), "-e", f"trace={calls}"]
    return [*base, *options, "--", *command]


def calls_in(log: Path) -> list[Call]:
    """Read a log; a call that another thread's line cut in two is put together again."""
    found: list[Call] = []
    counts: dict[str, int] = {}
    unfinished: dict[str, str] = {}
    for line in log.read_text(encoding="latin-1").splitlines():
        thread, _, rest = line.partition(" ")
        if "<unfinished ...>" in rest:
            unfinished[thread] = rest.partition("<unfinished ...>")[0].rstrip()
            continue
        if resumed := re.match(r" *<\.\.\. \w+ resumed>(.*)", rest):
            rest = unfinished.pop(thread, "") + resumed[1]
        match = _LINE.match(rest.lstrip())
        if match is None:
            continue
        name, arguments, result, path = match.groups()
        counts[name] = counts.get(name, 0) + 1
        if int(result) >= 0:
            split = tuple(arguments.split(", "))
            found.append(Call(name, split, int(result), _text(path or ""), counts[name]))
    return found


def _bytes(argument: str) -> bytes:
    return bytes.fromhex("".join(_HEX.findall(argument)))


def _text(argument: str) -> str:
    return os.fsdecode(_bytes(argument))


def _descriptor(argument: str) -> tuple[str, str]:
    """Return the number of a descriptor and the path that strace shows for it."""
    match = _FD.match(argument)
    assert match is not None, argument
    return match[1], _text(match[2] or "")


# --- the disk that was written to ------------------------------------------------------------------


@dataclass(eq=False)
class Inode:
    """A file's bytes: those that are safe, and the writes after them that may be lost."""

    safe: bytes = b""
    pending: list[tuple[int, bytes] | int] = field(default_factory=list)
    """(offset, data), or the length to which the file was cut or grown."""

    def now(self) -> bytes:
        """Return the bytes as the process sees them."""
        content = bytearray(self.safe)
        for change in self.pending:
            _apply(content, change)
        return bytes(content)

    def after_power_cut(self, chance: random.Random) -> bytes:
        """Return bytes that may be found afterwards: each unsynced change there, gone or torn."""
        content = bytearray(self.safe)
        for change in self.pending:
            match chance.choice(("there", "there", "gone", "torn")), change:
                case "there", _:
                    _apply(content, change)
                case "torn", (int(offset), bytes(data)):
                    # A disk writes sectors whole. The file may have grown to its full size with
                    # blanks where data is missing.
                    first = -(-offset // _SECTOR) * _SECTOR
                    cuts = [0, *(at - offset for at in range(first, offset + len(data), _SECTOR))]
                    kept = data[: chance.choice(cuts)]
                    cut = len(kept)
                    if chance.random() < 1 / 2 and offset + len(data) > len(content):
                        kept += bytes(len(data) - cut)
                    _apply(content, (offset, kept))
        return bytes(content)


def _apply(content: bytearray, change: tuple[int, bytes] | int) -> None:
    if isinstance(change, int):
        del content[change:]
        content.extend(bytes(change - len(content)))
        return
    offset, data = change
    if not data:
        return
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(data)] = data


@dataclass
class Folder:
    """The names in one folder: those that are safe, and the changes after them, in order."""

    safe: dict[str, Inode] = field(default_factory=dict)
    pending: list[Callable[[dict[str, Inode]], None]] = field(default_factory=list)

    def names(self, changes: int | None = None) -> dict[str, Inode]:
        """Return the names after so many of the changes, all of them if None."""
        names = dict(self.safe)
        for change in self.pending[:changes]:
            change(names)
        return names


class RecordedDisk:
    """A folder and what a recorded process did to it."""

    def __init__(self, root: Path) -> None:
        """Take ROOT as it is now, all of it safe."""
        self.root = root
        self.folders: dict[str, Folder] = {}
        for base, _names, files in os.walk(root):
            folder = self.folders[os.path.relpath(base, root)] = Folder()
            for name in files:
                folder.safe[name] = Inode((Path(base) / name).read_bytes())
        self._open: dict[str, tuple[Inode | None, str]] = {}
        self._offsets: dict[str, int] = {}

    def play(self, call: Call) -> None:
        """Take in one call; those that are about other places change nothing."""
        play = getattr(self, f"_{call.name}", None)
        if play is not None:
            play(call)

    def after_power_cut(self, place: Path, chance: random.Random) -> None:
        """Write to PLACE what may be found when the power is cut now."""
        for name, folder in self.folders.items():
            (place / name).mkdir(parents=True, exist_ok=True)
            changes = len(folder.pending)
            if chance.random() < 1 / 2:
                changes = chance.randint(0, changes)
            for file, inode in folder.names(changes).items():
                if not file.endswith("-shm"):  # memory that processes share, not a file to keep
                    (place / name / file).write_bytes(inode.after_power_cut(chance))
                    if "objects" in Path(name).parts:  # their mode is set before they get a name
                        (place / name / file).chmod(0o444)

    # --- where things are ------------------------------------------------------------------------

    def _inside(self, path: str) -> tuple[str, str] | None:
        """Return folder and name of PATH below the root, None when it is elsewhere."""
        whole = os.path.normpath(self.root.parent / path)
        relative = os.path.relpath(whole, self.root)
        if relative.startswith(".."):
            return None
        return os.path.dirname(relative) or ".", os.path.basename(relative)  # noqa: PTH119,PTH120 - texts, not files

    def _named(self, path: str) -> Inode | None:
        place = self._inside(path)
        if place is None or place[0] not in self.folders:
            return None
        return self.folders[place[0]].names().get(place[1])

    def _put(self, path: str, inode: Inode) -> None:
        place = self._inside(path)
        if place is not None:
            name = place[1]
            self.folders[place[0]].pending.append(lambda names: names.__setitem__(name, inode))

    def _take(self, path: str) -> None:
        place = self._inside(path)
        if place is not None and place[0] in self.folders:
            name = place[1]
            self.folders[place[0]].pending.append(lambda names: names.pop(name, None) and None)

    # --- the calls -------------------------------------------------------------------------------

    def _openat(self, call: Call) -> None:
        base = _descriptor(call.arguments[0])[1]
        path = os.path.join(base, _text(call.arguments[1]))  # noqa: PTH118 - a text, not a file
        descriptor = str(call.result)
        self._open.pop(descriptor, None)
        self._offsets[descriptor] = 0
        place = self._inside(path)
        if place is None:
            return
        if os.path.join(*place) in self.folders or place == (".", "."):  # noqa: PTH118 - as above
            self._open[descriptor] = (None, path)
            return
        flags = call.arguments[2]
        inode = self._named(path)
        if inode is None and "O_CREAT" in flags:
            inode = Inode()
            self._put(path, inode)
        elif inode is not None and "O_TRUNC" in flags:
            inode.pending.append(0)
        if inode is not None:
            self._open[descriptor] = (inode, path)
            self._offsets[descriptor] = len(inode.now()) if "O_APPEND" in flags else 0

    def _file(self, call: Call) -> tuple[str, Inode | None]:
        number, shown = _descriptor(call.arguments[0])
        inode, _path = self._open.get(number, (None, ""))
        # A number is used again after close(2), which is not recorded: the shown path decides.
        if inode is not None and self._inside(shown) is None:
            return number, None
        return number, inode

    def _lseek(self, call: Call) -> None:
        number, inode = self._file(call)
        if inode is not None:
            self._offsets[number] = call.result

    def _write(self, call: Call) -> None:
        number, inode = self._file(call)
        if inode is not None:
            data = _bytes(call.arguments[1])[: call.result]
            inode.pending.append((self._offsets.get(number, 0), data))
            self._offsets[number] = self._offsets.get(number, 0) + len(data)

    def _pwrite64(self, call: Call) -> None:
        _number, inode = self._file(call)
        if inode is not None:
            inode.pending.append((int(call.arguments[3]), _bytes(call.arguments[1])[: call.result]))

    def _ftruncate(self, call: Call) -> None:
        _number, inode = self._file(call)
        if inode is not None:
            inode.pending.append(int(call.arguments[1]))

    def _fsync(self, call: Call) -> None:
        number, shown = _descriptor(call.arguments[0])
        place = self._inside(shown)
        if place is None:
            return
        inode, _path = self._open.get(number, (None, ""))
        path = os.path.normpath(os.path.join(*place))  # noqa: PTH118 - as above
        if path in self.folders:
            _settle_folder(self.folders[path])
        elif inode is not None:
            _settle_file(inode)

    _fdatasync = _fsync

    def _sync(self, _call: Call) -> None:
        for folder in self.folders.values():
            for inode in folder.names().values():
                _settle_file(inode)
            _settle_folder(folder)

    def _syncfs(self, call: Call) -> None:
        self._sync(call)

    def _link(self, call: Call) -> None:
        old, new = map(_text, call.arguments[:2])
        inode = self._named(old)
        if inode is not None:
            self._put(new, inode)

    def _linkat(self, call: Call) -> None:
        old, new = self._two_paths(call)
        inode = self._named(old)
        if inode is not None:
            self._put(new, inode)

    def _unlink(self, call: Call) -> None:
        self._take(_text(call.arguments[0]))

    def _unlinkat(self, call: Call) -> None:
        base = _descriptor(call.arguments[0])[1]
        self._take(os.path.join(base, _text(call.arguments[1])))  # noqa: PTH118 - as above

    def _rename(self, call: Call) -> None:
        self._move(*map(_text, call.arguments[:2]))

    def _renameat(self, call: Call) -> None:
        self._move(*self._two_paths(call))

    _renameat2 = _renameat

    def _two_paths(self, call: Call) -> tuple[str, str]:
        bases = (_descriptor(call.arguments[0])[1], _descriptor(call.arguments[2])[1])
        names = (_text(call.arguments[1]), _text(call.arguments[3]))
        old, new = (os.path.join(*each) for each in zip(bases, names, strict=True))  # noqa: PTH118 - as above
        return old, new

    def _move(self, old: str, new: str) -> None:
        """Rename in one step: between two folders, the new name decides whether it happened."""
        source, target = self._inside(old), self._inside(new)
        inode = self._named(old)
        if source is None or target is None or inode is None:
            return
        if source[0] != target[0]:
            self._put(new, inode)
            self._take(old)
            return

        def change(names: dict[str, Inode]) -> None:
            names.pop(source[1], None)
            names[target[1]] = inode

        self.folders[source[0]].pending.append(change)

    def _mkdir(self, call: Call) -> None:
        place = self._inside(_text(call.arguments[0]))
        if place is not None:
            self.folders[os.path.normpath(os.path.join(*place))] = Folder()  # noqa: PTH118 - as above


def _settle_file(inode: Inode) -> None:
    inode.safe, inode.pending = inode.now(), []


def _settle_folder(folder: Folder) -> None:
    folder.safe, folder.pending = folder.names(), []
