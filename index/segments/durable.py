"""Writing files so that a crash at any instant leaves the old or the new content, never half."""

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path

_CHECK = "check"


def sync_file(path: Path) -> None:
    """Wait until the content of PATH is on the disk."""
    descriptor = os.open(path, os.O_RDWR)  # Windows syncs only what is open for writing
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Wait until the names in FOLDER are on the disk; Windows has no way and no need to."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def checksum(path: Path) -> int:
    """Compute the CRC-32 of a file: finds accidents, not forgeries."""
    found = 0
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            found = zlib.crc32(block, found)
    return found


def write_checked(path: Path, values: Mapping[str, object]) -> None:
    """Replace PATH by VALUES as JSON with a checksum, atomically and durably."""
    temporary = path.with_name(f"{path.name}.tmp")
    document = {**values, _CHECK: _check(values)}
    with temporary.open("w", encoding="utf-8") as stream:
        json.dump(document, stream, ensure_ascii=False, sort_keys=True)
        stream.write("\n")
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def read_checked(path: Path) -> dict[str, object]:
    """Read what ``write_checked`` wrote.

    Raises FileNotFoundError, and ValueError when the content is not what was written.
    """
    try:
        values = json.loads(path.read_bytes())
    except RecursionError as error:
        raise ValueError("JSON is nested too deeply") from error
    if not isinstance(values, dict) or values.pop(_CHECK, None) != _check(values):
        raise ValueError("the checksum does not fit the content")
    return values


def _check(values: Mapping[str, object]) -> str:
    canonical = json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"{zlib.crc32(canonical.encode('utf-8', 'surrogatepass')):08x}"
