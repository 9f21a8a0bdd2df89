"""The smallest PDF that a reader opens: pages of Helvetica, made from lines of text."""

from collections.abc import Sequence

_LINES_A_PAGE = 52
_TOP, _LEFT, _LEADING = 790, 60, 14


def pdf(text: str, *, title: str) -> bytes:
    """Return TEXT as a valid PDF 1.4; the same text always makes the same bytes."""
    lines = text.rstrip("\n").split("\n")
    pages = [lines[at : at + _LINES_A_PAGE] for at in range(0, len(lines), _LINES_A_PAGE)]
    return _file(_objects(pages, title))


def _objects(pages: Sequence[Sequence[str]], title: str) -> list[bytes]:
    first = 5
    kids = " ".join(f"{first + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode("ascii"),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Title " + _string(title) + b" /Producer (written by hand) >>",
    ]
    for number, lines in enumerate(pages):
        content = first + 2 * number + 1
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {content} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>".encode("ascii")
        )
        stream = _stream(lines)
        objects.append(
            f"<< /Length {len(stream)} >>\nstream\n".encode("ascii") + stream + b"\nendstream"
        )
    return objects


def _stream(lines: Sequence[str]) -> bytes:
    start = f"BT /F1 10.5 Tf {_LEADING} TL {_LEFT} {_TOP} Td\n".encode("ascii")
    return start + b"".join(_string(line) + b" Tj T*\n" for line in lines) + b"ET"


def _string(text: str) -> bytes:
    data = text.encode("cp1252", errors="replace")
    for special in (b"\\", b"(", b")"):
        data = data.replace(special, b"\\" + special)
    return b"(" + data + b")"


def _file(objects: Sequence[bytes]) -> bytes:
    out, offsets = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode("ascii") + content + b"\nendobj\n"
    rows = b"0000000000 65535 f \n" + b"".join(
        f"{offset:010} 00000 n \n".encode("ascii") for offset in offsets
    )
    size = len(objects) + 1
    trailer = f"trailer\n<< /Size {size} /Root 1 0 R /Info 4 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
    return out + f"xref\n0 {size}\n".encode("ascii") + rows + trailer.encode("ascii")
