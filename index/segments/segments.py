"""What an index folder says of itself: segments, the commit that names them, and their documents.

A segment is written once and never changed; a commit is one small file, replaced atomically, that
names the segments of the index and which of their documents are gone.
"""

import math
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from gettext import gettext as _
from pathlib import Path
from typing import Final, cast

from index.engine import IndexDamaged, IndexMissing
from index.segments.durable import read_checked, write_checked

COMMIT: Final = "commit.json"
_SCHEMA = 1
_FANOUT = 8
"""So many segments of about one size become one."""
_DOCUMENTS_MAGIC = b"docs0001"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMark:
    """What a file must be like: cut short or altered, it is damaged."""

    name: str
    size: int
    crc: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A part of the index that was written at once."""

    name: str
    documents: int
    """How many were written, those now gone included."""
    postings: int
    """How many (word, document) pairs it holds: its size, whatever the length of documents."""
    files: tuple[FileMark, ...]
    gone: frozenset[int] = frozenset()
    """Numbers within the segment of documents that were removed or replaced since."""

    @property
    def live(self) -> int:
        """How many of its documents are still part of the index."""
        return self.documents - len(self.gone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """The state of an index: what ``commit.json`` says."""

    serial: int
    """Counts commits, so that a writer notices another one."""
    position: int
    segments: tuple[Segment, ...]

    def write(self, folder: Path) -> None:
        """Make this the state of the index in FOLDER, atomically and durably."""
        segments = [_segment_values(segment) for segment in self.segments]
        write_checked(
            folder / COMMIT,
            {
                "schema": _SCHEMA,
                "serial": self.serial,
                "position": self.position,
                "segments": segments,
            },
        )

    @classmethod
    def read(cls, folder: Path) -> "Commit":
        """Read the state of the index in FOLDER.

        Raises IndexMissing and IndexDamaged.
        """
        try:
            values = read_checked(folder / COMMIT)
            return _commit(values)
        except FileNotFoundError as error:
            raise IndexMissing(
                _("There is no search index in {folder}.").format(folder=folder)
            ) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise damaged(folder / COMMIT, str(error)) from error


def damaged(path: Path, reason: str) -> IndexDamaged:
    """Make the error that tells which file is damaged, and how it shows."""
    return IndexDamaged(
        _("The search index is damaged: {path} ({reason}).").format(path=path, reason=reason)
    )


def _segment_values(segment: Segment) -> dict[str, object]:
    return {
        "name": segment.name,
        "documents": segment.documents,
        "postings": segment.postings,
        "files": [[mark.name, mark.size, mark.crc] for mark in segment.files],
        "gone": sorted(segment.gone),
    }


def _commit(values: Mapping[str, object]) -> Commit:
    if values["schema"] != _SCHEMA:
        raise ValueError(f"schema {values['schema']!r}")
    segments = cast("list[Mapping[str, object]]", values["segments"])
    return Commit(
        serial=_number(values["serial"]),
        position=_number(values["position"]),
        segments=tuple(_segment(segment) for segment in segments),
    )


def _segment(values: Mapping[str, object]) -> Segment:
    files = cast("list[tuple[object, object, object]]", values["files"])
    gone = cast("list[object]", values["gone"])
    return Segment(
        name=_file_name(values["name"]),
        documents=_number(values["documents"]),
        postings=_number(values["postings"]),
        files=tuple(
            FileMark(name=_file_name(name), size=_number(size), crc=_number(crc))
            for name, size, crc in files
        ),
        gone=frozenset(map(_number, gone)),
    )


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"not a number: {value!r}")
    return value


def _file_name(value: object) -> str:
    """Accept a plain name only: nothing in the file may lead out of the folder."""
    if not isinstance(value, str) or not value.replace(".", "").replace("_", "").isalnum():
        raise ValueError(f"not a file name: {value!r}")
    return value


def to_merge(segments: Sequence[Segment], *, most_postings: int) -> tuple[Segment, ...]:
    """Choose the segments to write anew as one, or none.

    A segment half of whose documents are gone, and eight of about one size; never more than
    MOST_POSTINGS, which bounds the memory and the time that a commit may take.
    """
    tiers: dict[int, list[Segment]] = defaultdict(list)
    for segment in sorted(segments, key=lambda segment: segment.postings):
        if segment.postings <= most_postings and segment.live * 2 < segment.documents:
            return (segment,)
        tiers[int(math.log(max(segment.postings, 1), _FANOUT))].append(segment)
    for _tier, members in sorted(tiers.items()):
        if len(members) >= _FANOUT and (chosen := _fitting(members, most_postings)):
            return chosen
    return ()


def _fitting(members: Iterable[Segment], most_postings: int) -> tuple[Segment, ...]:
    chosen: list[Segment] = []
    for segment in members:
        most_postings -= segment.postings
        if most_postings < 0:
            break
        chosen.append(segment)
    return tuple(chosen) if len(chosen) > 1 else ()


@dataclass(frozen=True, slots=True)
class DocumentTable:
    """The documents of a segment by their number in it."""

    keys: "array[int]"
    lengths: "array[int]"
    """Words of each document."""

    def to_bytes(self) -> bytes:
        """Return the content of the file that keeps the table."""
        return _DOCUMENTS_MAGIC + self.keys.tobytes() + self.lengths.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes, documents: int) -> "DocumentTable":
        """Read the table of that many DOCUMENTS.

        Raises ValueError when DATA is not such a table.
        """
        keys, lengths = array("q"), array("I")
        start = len(_DOCUMENTS_MAGIC)
        middle = start + documents * keys.itemsize
        end = middle + documents * lengths.itemsize
        if not data.startswith(_DOCUMENTS_MAGIC) or len(data) != end:
            raise ValueError("not a table of documents")
        keys.frombytes(data[start:middle])
        lengths.frombytes(data[middle:end])
        return cls(keys, lengths)
