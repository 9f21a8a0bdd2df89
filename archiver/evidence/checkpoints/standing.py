"""How the archive stands to what was signed, and what that means for who works with it."""

from gettext import gettext as _
from gettext import ngettext
from typing import Literal

from archiver.evidence.checkpoints.history import key_entries, restores, signed_sizes
from archiver.evidence.checkpoints.marks import RolledBackError, lost_of, marks_of
from archiver.evidence.checkpoints.outside import Outside
from archiver.evidence.reader import Reader

Standing = Literal["level", "newer", "older", "forked", "unknown"]
"""How the archive stands to what was signed: it is at that state, it has grown since, it is an
older copy, it went another way, or there is no memory here."""


def standing(evidence: Reader, outside: Outside) -> Standing:
    """Tell how the archive stands to what was signed; nothing is written.

    Raises OperationError when what was signed last cannot be read.
    """
    marks = marks_of(evidence, outside)
    size = evidence.size
    if any(mark.checkpoint.size > size for mark in marks):
        return "older"
    if lost_of(evidence, marks):
        return "forked"
    known = [mark for mark in marks if mark.here]
    if not known:
        return "unknown"
    return "level" if known[0].checkpoint.size == size else "newer"


def require_continuing(evidence: Reader, outside: Outside) -> None:
    """Raise RolledBackError when the archive lacks what was signed, unless that was given up.

    What would be kept in it now could not be signed, and an older copy would become one that went
    its own way. Raises OperationError when what was signed last cannot be read.
    """
    lost = lost_of(evidence, marks_of(evidence, outside))
    given_up = restores(evidence) if lost else frozenset()
    lost = [mark for mark in lost if (mark.checkpoint.size, mark.checkpoint.root) not in given_up]
    if not lost:
        return
    signed = max(mark.checkpoint.size for mark in lost)
    size = evidence.size
    if signed > size:
        what = ngettext(
            "The archive is older than what was signed: it holds {n} entry, and {signed} were "
            "signed. Nothing was kept.",
            "The archive is older than what was signed: it holds {n} entries, and {signed} were "
            "signed. Nothing was kept.",
            size,
        )
    else:
        what = ngettext(
            "The archive, with {n} entry, does not continue what was signed when it held "
            "{signed}. Nothing was kept.",
            "The archive, with {n} entries, does not continue what was signed when it held "
            "{signed}. Nothing was kept.",
            size,
        )
    raise RolledBackError(
        what.format(n=size, signed=signed),
        advice=_(
            "Put back the newest backup. If there is none, `archiver --archive {folder} restore "
            "--accept` goes on with this copy."
        ).format(folder=evidence.root),
    )


def was_signed(evidence: Reader) -> bool:
    """Tell whether the archive holds a signed state, or its journal names a key."""
    return bool(signed_sizes(evidence)) or next(key_entries(evidence), None) is not None


def tell_standing(
    evidence: Reader, outside: Outside, stands: Standing | None = None
) -> tuple[str, ...]:
    """Say whether the archive is older than what was signed, as far as that can be known here.

    STANDS is how it stands, where that was found out before. Raises OperationError.
    """
    match stands or standing(evidence, outside):
        case "older":
            lost = max(mark.checkpoint.size for mark in marks_of(evidence, outside)) - evidence.size
            return (
                ngettext(
                    "This archive is older than the state signed on this machine: {n} entry is "
                    "missing.",
                    "This archive is older than the state signed on this machine: {n} entries are "
                    "missing.",
                    lost,
                ).format(n=lost),
                _(
                    "Look for a newer copy first. To go on with this one: archiver --archive "
                    "{folder} restore --accept"
                ).format(folder=evidence.root),
            )
        case "forked":
            return (
                _("This archive went another way than what was signed."),
                _(
                    "Run `archiver verify`. To go on with it all the same: archiver --archive "
                    "{folder} restore --accept"
                ).format(folder=evidence.root),
            )
        case "unknown":
            return (
                _(
                    "This machine has no memory of this archive: it cannot be known whether a "
                    "newer state of it exists."
                ),
            )
        case "newer" | "level":
            return (_("It holds everything that this machine ever signed."),)
