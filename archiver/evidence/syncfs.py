"""syncfs(2): one request that brings everything written to a file system to the disk (Linux).

Used only where it is known to promise what fsync(2) of each file and folder does:

- Linux 5.8 and later: before, it did not tell of pages that could not be written;
- file systems of the disk itself that are listed here. Others say yes without doing anything
  (FUSE, unless its server takes part), or miss the errors of what lies below them (overlayfs).

An error is told to descriptors that were open when it happened, and one that nobody has been told
yet also to the next that opens: so the descriptor is opened before the first byte is written.
"""

import ctypes
import errno
import os
import re
import sys
from functools import cache
from pathlib import Path

_SINCE = (5, 8)
# f_type of statfs(2).
_SOUND = frozenset(
    {
        0xEF53,  # ext2, ext3, ext4
        0x58465342,  # XFS
        0x9123683E,  # btrfs
        0xF2F52010,  # F2FS
    }
)
_STATFS_SIZE = 256  # bytes: more than struct statfs has anywhere


def open_sound(folder: Path) -> int | None:
    """Return a descriptor of FOLDER for ``syncfs``; None where its promise is not known to hold."""
    if not sys.platform.startswith("linux") or not recent(os.uname().release):
        return None
    descriptor = os.open(folder, os.O_RDONLY)
    if _type_of(descriptor) in _SOUND:
        return descriptor
    os.close(descriptor)
    return None


def syncfs(descriptor: int) -> None:
    """Return once all that was written to the file system of DESCRIPTOR is on the disk.

    Raises OSError. What other programs wrote there is waited for, too.
    """
    library = _library()
    if library is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if library.syncfs(descriptor):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    # Before Linux 5.17 syncfs kept the failure of the file system's own log to itself. And ext2, or
    # ext4 without a journal, writes its folders after it has emptied the drive's cache.
    os.fsync(descriptor)


def recent(release: str) -> bool:
    """Tell whether a kernel that calls itself RELEASE tells of all pages it could not write."""
    numbers = re.match(r"(\d+)\.(\d+)", release)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= _SINCE


def _type_of(descriptor: int) -> int | None:
    library = _library()
    if library is None:
        return None
    found = (ctypes.c_long * (_STATFS_SIZE // ctypes.sizeof(ctypes.c_long)))()
    if library.fstatfs(descriptor, found):
        return None
    return found[0] & 0xFFFFFFFF  # a long of 32 bits may have given it a sign


@cache
def _library() -> ctypes.CDLL | None:
    """Return the C library, if it has what is needed."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        library.syncfs.argtypes = [ctypes.c_int]
        library.fstatfs.argtypes = [ctypes.c_int, ctypes.c_void_p]
    except (OSError, AttributeError, TypeError):
        return None
    return library
