"""Check every time-stamp that the journal names, as of its own time; nothing is repaired."""

from collections.abc import Iterator, Sequence
from gettext import gettext as _
from pathlib import Path

from archiver.authorities import Authority
from archiver.config import parse_settings
from archiver.errors import ArchiverError
from archiver.evidence.checkpoints.history import note_path
from archiver.evidence.journal.database import blob
from archiver.evidence.reader import Reader
from archiver.evidence.stamps.entries import anchors, stamp_path
from archiver.evidence.stamps.request import nonce_of
from archiver.evidence.stamps.stamp import Stamp, StampProblem, check_stamp
from archiver.model.anchors import Anchor
from archiver.model.digest import Digest
from archiver.model.findings import Finding, finding

_SETTINGS = "archive.toml"


def check_stamps(evidence: Reader, authorities: Sequence[Authority]) -> tuple[Finding, ...]:
    """Check each ``anchor`` entry: its checkpoint, its answer, signature and chain.

    A root counts when it is pinned now (AUTHORITIES) or was in a version of ``archive.toml`` that
    the journal holds, so that stamps of an authority that is configured no longer are checked too.
    """
    roots = _Roots(evidence, authorities)
    return tuple(
        found
        for _position, anchor in anchors(evidence)
        for found in _check(evidence, anchor, roots)
    )


def _check(evidence: Reader, anchor: Anchor, roots: "_Roots") -> Iterator[Finding]:
    note_at = note_path(evidence, anchor.size)
    answer_at = stamp_path(evidence, anchor.size, anchor.authority, ".tsr")
    note, answer = _read(note_at), _read(answer_at)
    intact = True
    for path, data, digest in (
        (note_at, note, anchor.checkpoint),
        (answer_at, answer, anchor.response),
    ):
        subject = path.relative_to(evidence.root).as_posix()
        if data is None:
            intact = False
            yield finding("stamp-missing", "error", subject, _("The file is missing."), _put_back())
        elif Digest.of(data) != digest:
            intact = False
            yield finding(
                "stamp-altered",
                "error",
                subject,
                _("The file is not the one that the journal tells of."),
                _put_back(),
            )
    if intact and note is not None and answer is not None:
        yield from _check_answer(evidence, anchor, roots, note, answer)


def _check_answer(
    evidence: Reader, anchor: Anchor, roots: "_Roots", note: bytes, answer: bytes
) -> Iterator[Finding]:
    path = stamp_path(evidence, anchor.size, anchor.authority, ".tsr")
    subject = path.relative_to(evidence.root).as_posix()
    request = _read(path.with_suffix(".tsq"))
    nonce = None if request is None else nonce_of(request)
    judged = check_stamp(answer, note, roots.of(anchor.authority), nonce=nonce)
    kept = _read(path.with_suffix(".pem"))
    if isinstance(judged, StampProblem) and judged.code == "untrusted" and kept:
        judged = check_stamp(answer, note, [kept], nonce=nonce)
        if isinstance(judged, Stamp):
            yield finding(
                "stamp-unknown-root",
                "warning",
                subject,
                _(
                    "The time-stamp of {authority} leads to a root certificate that archive.toml "
                    "never named; it was checked with the one kept beside it."
                ).format(authority=anchor.authority),
                _("Compare that root, in the file .pem of the same name, with the authority's."),
            )
    match judged:
        case StampProblem(code="untrusted"):
            yield finding(
                "stamp-unknown-root",
                "error",
                subject,
                _(
                    "The time-stamp of {authority} cannot be checked: no root certificate that "
                    "archive.toml names or named fits it."
                ).format(authority=anchor.authority),
                _(
                    "Get the authority's root certificate and add it with "
                    "`archiver authority add {authority} --help`."
                ).format(authority=anchor.authority),
            )
        case StampProblem():
            yield _invalid(subject, judged.words)
        case Stamp() if judged.time != anchor.time:
            yield _invalid(subject, _("it states another time than the journal"))
        case Stamp() if anchor.qualified and not judged.qualified:
            yield _invalid(subject, _("it does not state to be qualified"))
        case Stamp():
            pass


class _Roots:
    """The root certificates that were ever pinned, read when they are first wanted."""

    def __init__(self, evidence: Reader, authorities: Sequence[Authority]) -> None:
        self._evidence = evidence
        self._now = authorities
        self._before: tuple[Authority, ...] | None = None

    def of(self, name: str) -> tuple[bytes, ...]:
        """Return the roots pinned for the authority NAME, those of now first."""
        if self._before is None:
            self._before = tuple(_journalled(self._evidence))
        both = (*self._now, *self._before)
        return tuple(dict.fromkeys(each.root.encode() for each in both if each.name == name))


def _journalled(evidence: Reader) -> Iterator[Authority]:
    """Yield the authorities of every version of ``archive.toml``, newest first.

    A version that is damaged, or that this program cannot understand, is another check's finding.
    """
    rows = evidence.database.all(
        "SELECT digest FROM config WHERE name = ? AND digest IS NOT NULL ORDER BY entry DESC",
        _SETTINGS,
    )
    for (digest,) in rows:
        try:
            text = evidence.read(Digest(blob(digest).hex())).decode("utf-8-sig")
            yield from parse_settings(text).authorities
        except (ArchiverError, UnicodeDecodeError):
            continue


def _invalid(subject: str, reason: str) -> Finding:
    return finding(
        "stamp-invalid",
        "error",
        subject,
        _("The time-stamp does not hold: {reason}.").format(reason=reason),
        _("Put the file back from a backup; `archiver anchor` asks for a new time-stamp."),
    )


def _put_back() -> str:
    return _("Put the file back from a backup: nothing can make it again.")


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
