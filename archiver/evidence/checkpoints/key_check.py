"""Whether the signing key on this machine is the one that the journal names, and came unbroken."""

from collections.abc import Iterable, Iterator, Sequence
from gettext import gettext as _
from typing import Literal

from archiver.errors import OperationError
from archiver.evidence.checkpoints.checkpoint import origin_of
from archiver.evidence.checkpoints.history import key_entries
from archiver.evidence.checkpoints.keys import SigningKey
from archiver.evidence.checkpoints.outside import Outside
from archiver.evidence.reader import Reader
from archiver.model.anchors import KeyRotate
from archiver.model.entries import Entry
from archiver.model.findings import Finding, Level, finding

Held = Literal["current", "former", "other", "none"]
"""The key here is the one in force, one that the journal names earlier, another, or there is none.
"""


def held(keys: Sequence[str], outside: Outside) -> Held:
    """Tell which of KEYS, those that the journal names, oldest first, is on this machine.

    Raises OperationError when the key cannot be had now.
    """
    if outside.key_place().where == "nowhere":
        return "none"  # a keyring is not asked for a key that it was never given
    seed = outside.key()
    if seed is None:
        return "none"
    key = str(SigningKey.from_seed(origin_of(outside.archive_id), seed).verifier)
    if keys and keys[-1] == key:
        return "current"
    return "former" if key in keys else "other"


def check_key(
    evidence: Reader, outside: Outside | None, *, level: Level = "error"
) -> Iterator[Finding]:
    """Tell where the journal says that a key was lost, and a key here that it does not name.

    OUTSIDE None: the key here is not looked at. LEVEL is that of a key that nobody knows.
    """
    changes = tuple(key_entries(evidence))
    yield from _lost(changes)
    if outside is None:
        return
    try:
        found = held([change.key for _entry, change in changes], outside)
    except OperationError as error:
        yield finding("key-unread", "note", outside.folder, error.what, error.advice)
        return
    if found == "other":
        yield finding(
            "key-other",
            level,
            outside.key_place().path,
            _("The signing key on this machine is not one that the journal names."),
            _(
                "Ask who put it there. The next signing keeps it aside, makes a new key and says "
                "so in the journal."
            ),
        )
    elif found == "former":
        yield finding(
            "key-other",
            "note",
            outside.key_place().path,
            _("The signing key on this machine signed before, and another one signed since."),
            _("If you did not work with the archive on another machine, ask who did."),
        )


def _lost(changes: Iterable[tuple[Entry, KeyRotate]]) -> Iterator[Finding]:
    """Tell the newest change that came because the key was not there, also when others followed."""
    since = [entry.position for entry, change in changes if change.reason == "lost"]
    if since:
        yield finding(
            "key-lost",
            "note",
            since[-1],
            _(
                "From entry {position} on another key signs, because the earlier one was not on "
                "the machine that signed; whether entries were lost then cannot be known from the "
                "archive."
            ).format(position=since[-1]),
            _(
                "Compare it with a signed state from before that somebody else keeps, or with the "
                "machine that the archive came from."
            ),
        )
