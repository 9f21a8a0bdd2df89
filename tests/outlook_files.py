"""Write small ``.msg`` files ([MS-CFB], [MS-OXMSG]), since nothing but Outlook does."""

import itertools
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

_SECTOR = 512
_MINI = 64
_SMALL = 4096
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)

Value = str | bytes | int | bool | datetime


@dataclass
class Storage:
    """A folder of a compound file: names and what they hold."""

    streams: dict[str, bytes] = field(default_factory=dict)
    storages: dict[str, "Storage"] = field(default_factory=dict)


def msg(
    properties: Mapping[int, Value],
    *,
    recipients: Sequence[Mapping[int, Value]] = (),
    attachments: Sequence[Mapping[int, Value]] = (),
    nested: Sequence[tuple[Mapping[int, Value], "Storage"]] = (),
) -> bytes:
    """Return a ``.msg`` file; NESTED are attachments that are items, with what ``item`` made."""
    return compound_file(
        item(properties, recipients=recipients, attachments=attachments, nested=nested, top=True)
    )


def item(
    properties: Mapping[int, Value],
    *,
    recipients: Sequence[Mapping[int, Value]] = (),
    attachments: Sequence[Mapping[int, Value]] = (),
    nested: Sequence[tuple[Mapping[int, Value], Storage]] = (),
    top: bool = False,
) -> Storage:
    """Return an item as the storage that it is in a ``.msg`` file."""
    counts = struct.pack("<8x4I", 0, 0, len(recipients), len(attachments) + len(nested))
    storage = _with(properties, counts + bytes(8) if top else counts)
    for number, recipient in enumerate(recipients):
        storage.storages[f"__recip_version1.0_#{number:08X}"] = _with(recipient, bytes(8))
    for number, attachment in enumerate(attachments):
        storage.storages[f"__attach_version1.0_#{number:08X}"] = _with(attachment, bytes(8))
    for number, (attachment, inner) in enumerate(nested, len(attachments)):
        holder = _with({0x3705: 5, **attachment}, bytes(8))
        holder.storages["__substg1.0_3701000D"] = inner
        storage.storages[f"__attach_version1.0_#{number:08X}"] = holder
    return storage


def _with(properties: Mapping[int, Value], head: bytes) -> Storage:
    storage = Storage()
    rows = [head]
    for number, value in properties.items():
        kind, fixed, stream = _coded(value)
        if stream is not None:
            storage.streams[f"__substg1.0_{number:04X}{kind:04X}"] = stream
        rows.append(struct.pack("<HHI", kind, number, 6) + fixed)
    storage.streams["__properties_version1.0"] = b"".join(rows)
    return storage


def _coded(value: Value) -> tuple[int, bytes, bytes | None]:
    match value:
        case bool():
            return 0x0B, struct.pack("<Q", value), None
        case int():
            return 0x03, struct.pack("<Q", value), None
        case datetime():
            ticks = int((value - _EPOCH).total_seconds()) * 10_000_000
            return 0x40, struct.pack("<Q", ticks), None
        case str():
            data = value.encode("utf-16-le")
            return 0x1F, struct.pack("<II", len(data) + 2, 0), data
        case bytes():
            return 0x102, struct.pack("<II", len(value), 0), value


class _Writer:
    """Lays streams out in sectors; small ones share a stream of their own, as the format wants."""

    def __init__(self) -> None:
        self.sectors: list[bytes] = []
        self.table: list[int] = []
        self.mini = bytearray()
        self.mini_table: list[int] = []
        self.entries: list[list[object]] = []

    def large(self, data: bytes) -> int:
        """Place DATA in sectors of its own, and return the first."""
        if not data:
            return _END
        first = len(self.sectors)
        for start in range(0, len(data), _SECTOR):
            self.sectors.append(data[start : start + _SECTOR].ljust(_SECTOR, b"\0"))
            self.table.append(len(self.sectors))
        self.table[-1] = _END
        return first

    def small(self, data: bytes) -> int:
        """Place DATA in the stream of small ones, and return its first sector there."""
        if not data:
            return _END
        first = len(self.mini_table)
        count = -(-len(data) // _MINI)
        self.mini += data.ljust(count * _MINI, b"\0")
        self.mini_table += [*range(first + 1, first + count), _END]
        return first

    def entry(self, name: str, kind: int, start: int, size: int) -> int:
        """Add a row to the directory, and return its number."""
        self.entries.append([name, kind, _FREE, _FREE, _FREE, start, size])
        return len(self.entries) - 1

    def tree(self, storage: Storage) -> int:
        """Add what STORAGE holds, chained to the right, and return the first row's number."""
        rows = []
        for name, data in storage.streams.items():
            start = self.large(data) if len(data) >= _SMALL else self.small(data)
            rows.append(self.entry(name, 2, start, len(data)))
        for name, inner in storage.storages.items():
            number = self.entry(name, 1, 0, 0)
            self.entries[number][4] = self.tree(inner)
            rows.append(number)
        rows.sort(key=lambda row: (len(str(self.entries[row][0])), str(self.entries[row][0])))
        for row, following in itertools.pairwise(rows):
            self.entries[row][3] = following
        return rows[0] if rows else _FREE


def compound_file(root: Storage) -> bytes:
    """Return a compound file of version 3."""
    writer = _Writer()
    writer.entry("Root Entry", 5, 0, 0)
    writer.entries[0][4] = writer.tree(root)
    writer.entries[0][5] = writer.large(bytes(writer.mini))
    writer.entries[0][6] = len(writer.mini)
    mini_table = struct.pack(f"<{len(writer.mini_table)}I", *writer.mini_table)
    first_mini = writer.large(mini_table.ljust(-(-len(mini_table) // _SECTOR) * _SECTOR, b"\xff"))
    directory = b"".join(_row(*entry) for entry in writer.entries)  # type: ignore[arg-type]
    first_directory = writer.large(directory.ljust(-(-len(directory) // _SECTOR) * _SECTOR, b"\0"))
    count = 1
    while (len(writer.table) + count) * 4 > count * _SECTOR:
        count += 1
    first_table = len(writer.sectors)
    table = struct.pack(f"<{len(writer.table)}I", *writer.table) + struct.pack("<I", _FAT) * count
    writer.sectors.append(table.ljust(count * _SECTOR, b"\xff"))
    header = struct.pack(
        "<8s16x5H6x9I",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, 0, count, first_directory, 0,
        _SMALL, first_mini, len(mini_table) and -(-len(mini_table) // _SECTOR), _END, 0,
    )  # fmt: skip
    tables = [first_table + number for number in range(count)]
    places = struct.pack("<109I", *tables, *[_FREE] * (109 - count))
    return (header + places).ljust(_SECTOR, b"\0") + b"".join(writer.sectors)


def _row(  # noqa: PLR0917 - the columns of a row of the directory
    name: str, kind: int, left: int, right: int, child: int, start: int, size: int
) -> bytes:
    coded = name.encode("utf-16-le")
    return (
        coded.ljust(64, b"\0")
        + struct.pack("<HBBIII", len(coded) + 2, kind, 1, left, right, child)
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )
