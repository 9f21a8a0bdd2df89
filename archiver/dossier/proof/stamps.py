"""The time-stamps that a proof takes along: read from the archive and checked once more."""

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from gettext import gettext as _
from hashlib import sha256
from pathlib import Path

from archiver.dossier.proof.values import ProvedStamp
from archiver.evidence.reader import Reader
from archiver.evidence.stamps.entries import anchors, stamp_path
from archiver.evidence.stamps.request import nonce_of
from archiver.evidence.stamps.stamp import Stamp, check_stamp
from archiver.model.anchors import Anchor
from archiver.model.digest import Digest, Position

_CERTIFICATE = re.compile(
    rb"-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)\s+-----END CERTIFICATE-----"
)
_LINE = 64  # characters of base64 (RFC 7468, section 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptStamp:
    """A time-stamp that holds, with its files under the names that they have in a proof."""

    stamp: ProvedStamp
    position: Position
    """Of its ``anchor`` entry."""
    files: dict[str, bytes]


def kept_stamps(
    evidence: Reader, sizes: Sequence[int]
) -> tuple[tuple[KeptStamp, ...], tuple[str, ...]]:
    """Return the time-stamps of the first and of the last checkpoint, among SIZES, that has any.

    The first ones date what stands before; the last ones renew them. Those that do not hold are
    passed over, and told in the sentences: they are of no use to the reader of a proof. One whose
    ``anchor`` entry the last of SIZES does not contain yet cannot be proved, and waits.
    """
    by_size: dict[int, dict[str, tuple[Position, Anchor]]] = {}
    for position, anchor in anchors(evidence):
        if anchor.size in sizes and position < sizes[-1]:
            by_size.setdefault(anchor.size, {}).setdefault(anchor.authority, (position, anchor))
    found: dict[int, tuple[KeptStamp, ...]] = {}
    told: dict[str, None] = {}
    for order in (sorted(by_size), sorted(by_size, reverse=True)):
        for size in order:
            if size not in found:
                named = sorted(by_size[size].items())
                read = [(_read(evidence, *each), each[1]) for _name, each in named]
                found[size] = tuple(kept for kept, _anchor in read if kept)
                told |= {_unusable(anchor): None for kept, anchor in read if not kept}
            if found[size]:
                break
    return tuple(each for size in sorted(found) for each in found[size]), tuple(told)


def _unusable(anchor: Anchor) -> str:
    return _(
        "The time-stamp of {authority} on {size} entries is left out: it is damaged, or its root "
        "certificate is missing. `archiver verify` tells more."
    ).format(authority=anchor.authority, size=anchor.size)


def _read(evidence: Reader, position: Position, anchor: Anchor) -> KeptStamp | None:
    """Read the files of a time-stamp; None when they are not as they should be."""
    answer_path = stamp_path(evidence, anchor.size, anchor.authority, ".tsr")
    note_path = evidence.root / "journal" / "checkpoints" / f"{anchor.size}.note"
    answer, note, question, chain = (
        _bytes(path)
        for path in (
            answer_path,
            note_path,
            answer_path.with_suffix(".tsq"),
            answer_path.with_suffix(".pem"),
        )
    )
    if (Digest.of(answer), Digest.of(note)) != (anchor.response, anchor.checkpoint):
        return None
    nonce = nonce_of(question)
    for root, pem in _certificates(chain):
        match check_stamp(answer, note, [pem], nonce=nonce):
            case Stamp() as judged if judged.time == anchor.time:
                stamp = ProvedStamp(
                    size=anchor.size,
                    authority=anchor.authority,
                    time=anchor.time,
                    root=sha256(root).hexdigest(),
                )
                name = stamp.name
                files = {f"{name}.tsr": answer, f"{name}.pem": pem}
                return KeptStamp(stamp=stamp, position=position, files=files)
            case _:
                pass
    return None


def _certificates(pem: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield each certificate of PEM as DER, and as PEM in the one form that ``verify.py`` reads.

    The chain is tried one by one: that which alone makes the stamp hold is its root.
    """
    for block in reversed(_CERTIFICATE.findall(pem)):  # the pinned root stands last
        try:
            der = base64.b64decode(b"".join(block.split()), validate=True)
        except ValueError:
            continue
        text = base64.b64encode(der)
        lines = [text[start : start + _LINE] for start in range(0, len(text), _LINE)]
        marks = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"
        yield der, b"\n".join((marks[0], *lines, marks[1], b""))


def _bytes(path: Path) -> bytes:
    """Return what PATH holds; nothing when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
