"""Write small ``.pst`` files ([MS-PST], Unicode), since nothing but Outlook does."""

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

Value = str | bytes | int | bool | datetime

_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_STORE, _NAMES, _ROOT = 0x21, 0x61, 0x122
_RECIPIENTS, _ATTACHMENTS = 0x692, 0x671
_PAGE = 512
_DATA = 0x4600
_EMBEDDED = 5


@dataclass(frozen=True)
class Letter:
    """An item: its properties, those of its recipients, and of its attachments."""

    properties: Mapping[int, Value]
    recipients: Sequence[Mapping[int, Value]] = ()
    attachments: Sequence[Mapping[int, "Value | Letter"]] = ()


@dataclass(frozen=True)
class Folder:
    """A folder, and what lies in it; SEARCH tells that it only shows what others hold."""

    name: str
    items: Sequence[Letter] = ()
    folders: Sequence["Folder"] = ()
    search: bool = False
    subtree: bool = False
    """Whether it is the one that people see as the root."""


@dataclass
class _Block:
    bid: int
    data: bytes
    at: int = 0


@dataclass
class _Writer:
    nodes: list[tuple[int, int, int, int]] = field(default_factory=list)
    blocks: list[_Block] = field(default_factory=list)
    next_folder: int = 0x400
    next_item: int = 0x10000
    subtree: int = 0

    def block(self, data: bytes, *, internal: bool = False) -> int:
        bid = (len(self.blocks) + 1) * 4 | internal << 1
        self.blocks.append(_Block(bid, data))
        return bid

    def node(self, nid: int, data: bytes, *, parent: int = 0, sub: int = 0) -> None:
        self.nodes.append((nid, self.block(data), sub, parent))

    def folder(self, folder: Folder, parent: int) -> int:
        kind = 0x03 if folder.search else 0x02
        nid = self.next_folder << 5 | kind
        self.next_folder += 1
        if folder.subtree:
            self.subtree = nid
        self.node(nid, _properties({0x3001: folder.name}), parent=parent)
        items = [self.item(letter, nid) for letter in folder.items]
        inner = [self.folder(inner, nid) for inner in folder.folders]
        self.tables(nid, inner, items)
        return nid

    def item(self, letter: Letter, parent: int) -> int:
        nid = self.next_item << 5 | 0x04
        self.next_item += 1
        self.node(nid, _properties(letter.properties), parent=parent, sub=self.parts(letter))
        return nid

    def tables(self, nid: int, folders: Sequence[int], items: Sequence[int]) -> None:
        """Write the tables that say what a folder holds."""
        index = nid & ~0x1F
        for kind, rows in ((0x0D, folders), (0x0E, items)):
            self.node(index | kind, _table([(row, {0x3001: f"{row:x}"}) for row in rows]))

    def parts(self, letter: Letter) -> int:
        """Return the block that lists what belongs to LETTER; 0 when there is nothing."""
        entries = []
        if letter.recipients:
            rows = [(number, row) for number, row in enumerate(letter.recipients)]
            entries.append((_RECIPIENTS, self.block(_table(rows)), 0))
        if letter.attachments:
            rows = []
            for number, attachment in enumerate(letter.attachments):
                nid = (0x400 + number) << 5 | 0x05
                plain = {
                    key: each for key, each in attachment.items() if not isinstance(each, Letter)
                }
                inner = [each for each in attachment.values() if isinstance(each, Letter)]
                rows.append((nid, {0x3705: plain.get(0x3705, 1)}))
                sub = 0
                if inner:
                    item = (0x800 + number) << 5 | 0x04
                    data = self.block(_properties(inner[0].properties))
                    sub = self.list([(item, data, self.parts(inner[0]))])
                    plain[0x3701] = item
                entries.append((nid, self.block(_properties(plain, embedded=bool(inner))), sub))
            entries.append((_ATTACHMENTS, self.block(_table(rows)), 0))
        return self.list(entries) if entries else 0

    def list(self, entries: Sequence[tuple[int, int, int]]) -> int:
        rows = b"".join(struct.pack("<QQQ", *entry) for entry in sorted(entries))
        return self.block(struct.pack("<BBHI", 2, 0, len(entries), 0) + rows, internal=True)


def pst(*folders: Folder, encryption: int = 0) -> bytes:
    """Return a file whose root holds FOLDERS."""
    writer = _Writer()
    writer.node(_ROOT, _properties({0x3001: ""}), parent=_ROOT)
    writer.tables(_ROOT, [writer.folder(folder, _ROOT) for folder in folders], [])
    store: dict[int, Value] = {0x3001: "Personal Folders"}
    if writer.subtree:
        store[0x35E0] = bytes(20) + struct.pack("<I", writer.subtree)
    writer.node(_STORE, _properties(store))
    named = {
        0x0001: 251,
        0x0002: bytes(16),
        0x0003: struct.pack("<IHH", 0x8501, 2, 0),
        0x0004: b"\0" * 4,
    }
    writer.node(_NAMES, _properties(named))
    body = bytearray()
    for block in writer.blocks:
        block.at = _DATA + len(body)
        size = -(-(len(block.data) + 16) // 64) * 64
        tail = struct.pack(
            "<HHIQ", len(block.data), _signature(block.at, block.bid), _crc(block.data), block.bid
        )
        body += block.data.ljust(size - 16, b"\0") + tail
    body += bytes(-len(body) % _PAGE)
    nodes_at = _DATA + len(body)
    body += _tree(
        0x81, 32, [struct.pack("<QQQII", *node, 0) for node in sorted(writer.nodes)], nodes_at
    )
    blocks_at = _DATA + len(body)
    rows = [
        struct.pack("<QQHHI", block.bid, block.at, len(block.data), 2, 0)
        for block in sorted(writer.blocks, key=lambda block: block.bid)
    ]
    body += _tree(0x80, 24, rows, blocks_at)
    nodes_top, blocks_top = nodes_at, blocks_at
    if len(body) + _DATA - blocks_at > _PAGE:
        blocks_top = _DATA + len(body) - _PAGE
    if blocks_at - nodes_at > _PAGE:
        nodes_top = blocks_at - _PAGE
    root = struct.pack(
        "<IQQQQQQQQBBH", 0, _DATA + len(body), 0x4400, 0, 0,
        _page_bid(nodes_top), nodes_top, _page_bid(blocks_top), blocks_top, 2, 0, 0,
    )  # fmt: skip
    rest = struct.pack("<HHHBBIIQQI", 0x4D53, 23, 19, 1, 1, 0, 0, 0, 4, 1) + bytes(128 + 8) + root
    rest += bytes(4) + b"\xff" * 256 + struct.pack("<BBHQ", 0x80, encryption, 0, 0x10000)
    partial = _crc(rest[:471])
    header = b"!BDN" + struct.pack("<I", partial) + rest
    header += struct.pack("<I", _crc(rest[:516]))
    return header.ljust(_DATA, b"\0") + bytes(body)


def _tree(kind: int, width: int, rows: Sequence[bytes], at: int) -> bytes:
    """Return the pages of a B-tree: leaves, then, if there are several, the page above them."""
    most = 488 // width
    pages, index = b"", []
    for start in range(0, len(rows), most):
        some = rows[start : start + most]
        here = at + len(pages)
        index.append(some[0][:8] + struct.pack("<QQ", _page_bid(here), here))
        pages += _page(kind, width, some, 0, here)
    return pages if len(index) == 1 else pages + _page(kind, 24, index, 1, at + len(pages))


def _page(kind: int, width: int, rows: Sequence[bytes], level: int, at: int) -> bytes:
    data = b"".join(rows).ljust(488, b"\0")
    data += struct.pack("<BBBBI", len(rows), 488 // width, width, level, 0)
    bid = _page_bid(at)
    return data + struct.pack("<BBHIQ", kind, kind, _signature(at, bid), _crc(data), bid)


def _page_bid(at: int) -> int:
    return at // _PAGE * 4


def _properties(properties: Mapping[int, Value], *, embedded: bool = False) -> bytes:
    """Return a property context: a heap with a B-tree of properties."""
    heap: list[bytes] = [b"", b""]
    rows = []
    for number, value in sorted(properties.items()):
        kind, fixed, data = _coded(value)
        if embedded and number == 0x3701 and isinstance(value, int):
            kind, fixed, data = 0x0D, b"", struct.pack("<II", value, 0)
        if data is not None:
            fixed = struct.pack("<I", _place(heap, data))
        rows.append(struct.pack("<HH", number, kind) + fixed)
    heap[1] = b"".join(rows)
    heap[0] = struct.pack("<BBBBI", 0xB5, 2, 6, 0, 2 << 5 if rows else 0)
    return _heap(0xBC, heap, 1 << 5)


def _table(rows: Sequence[tuple[int, Mapping[int, Value]]]) -> bytes:
    """Return a table context: a heap with a matrix, one row of cells for each of ROWS."""
    numbers = sorted({number for _, row in rows for number in row})
    kinds = {
        number: _coded(next(row[number] for _, row in rows if number in row))[0]
        for number in numbers
    }
    columns = [(0x67F2, 0x03), (0x67F3, 0x03), *((number, kinds[number]) for number in numbers)]
    end = 4 * len(columns)
    bits = -(-len(columns) // 8)
    heap: list[bytes] = [b"", b"", b"", b""]
    matrix = b""
    for nid, row in rows:
        cells, mask = struct.pack("<II", nid, 1), 0b11 << (bits * 8 - 2)
        for place, (number, _kind) in enumerate(columns[2:], 2):
            if number not in row:
                cells += bytes(4)
                continue
            _kind, fixed, data = _coded(row[number])
            cells += fixed if data is None else struct.pack("<I", _place(heap, data))
            mask |= 1 << (bits * 8 - 1 - place)
        matrix += cells + mask.to_bytes(bits, "big")
    described = b"".join(
        struct.pack("<HHHBB", kind, number, place * 4, 4, place)
        for place, (number, kind) in enumerate(columns)
    )
    heap[0] = (
        struct.pack("<BBHHHH", 0x7C, len(columns), end, end, end, end + bits)
        + struct.pack("<III", 2 << 5, 4 << 5 if rows else 0, 0)
        + described
    )
    heap[1] = struct.pack("<BBBBI", 0xB5, 4, 4, 0, 3 << 5 if rows else 0)
    heap[2] = b"".join(struct.pack("<II", nid, place) for place, (nid, _row) in enumerate(rows))
    heap[3] = matrix
    return _heap(0x7C, heap, 1 << 5)


def _place(heap: list[bytes], data: bytes) -> int:
    heap.append(data)
    return len(heap) << 5 if data else 0


def _heap(kind: int, pieces: Sequence[bytes], root: int) -> bytes:
    places, body = [12], b""
    for piece in pieces:
        body += piece
        places.append(12 + len(body))
    body += bytes(len(body) % 2)
    head = struct.pack("<HBBI4x", 12 + len(body), 0xEC, kind, root)
    return head + body + struct.pack(f"<HH{len(places)}H", len(pieces), 0, *places)


def _coded(value: Value) -> tuple[int, bytes, bytes | None]:
    match value:
        case bool():
            return 0x0B, struct.pack("<I", value), None
        case int():
            return 0x03, struct.pack("<I", value), None
        case datetime():
            ticks = int((value - _EPOCH).total_seconds()) * 10_000_000
            return 0x40, b"", struct.pack("<Q", ticks)
        case str():
            return 0x1F, b"", value.encode("utf-16-le")
        case bytes():
            return 0x102, b"", value


def _crc(data: bytes) -> int:
    return zlib.crc32(data, 0xFFFFFFFF) ^ 0xFFFFFFFF


def _signature(at: int, bid: int) -> int:
    mixed = (at ^ bid) & 0xFFFFFFFF
    return (mixed >> 16 ^ mixed) & 0xFFFF
