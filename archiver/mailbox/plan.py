"""How each folder is looked at: not at all, from where it was left, or whole."""

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from archiver.accounts import FULL_SCAN_DAYS
from archiver.mailbox.server.session import Folder, FolderState
from archiver.model.cursors import Cursor, Status

Why = Literal["first", "epoch", "asked", "due", "rules", "again", "blind", "counts", "anew"]
"""Why a folder is enumerated whole: it was never, or not in this epoch; a person asked for it; it
is due; other rules decide; messages were left; the server tells no status; its counts and its
reports do not agree; it was made anew under the same UIDVALIDITY."""

STATED: frozenset[Why] = frozenset({"first", "epoch", "asked", "due", "rules", "anew"})
"""Enumerations that are journalled even when they find nothing new."""

_FUTURE = timedelta(days=1)
"""How far ahead of the clock a moment may be before the clock was put back since."""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Nothing is sent to the server for it."""


@dataclass(frozen=True, slots=True)
class Newer:
    """Only what the server reports since then is looked at."""

    since: Status


@dataclass(frozen=True, slots=True)
class Whole:
    """Every UID is enumerated."""

    why: Why


Plan = Unchanged | Newer | Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a plan depends on besides the folder."""

    now: datetime
    account: str = ""
    days: int = FULL_SCAN_DAYS
    full: bool = False
    """Whether a person asked for everything to be enumerated."""
    rules: str = ""
    """Hexadecimal digest of the rules that decide on messages; empty: all are kept."""


def plan(folder: Folder, cursor: Cursor | None, terms: Terms) -> Plan:
    """Decide how FOLDER is looked at, which was left as CURSOR says."""
    if cursor is None:
        return Whole("first")
    status = folder.status
    known = cursor.status
    if why := _why_whole(status, cursor, terms):
        return Whole(why)
    if status is None:
        return Whole("blind")
    # A change of flags alone raises HIGHESTMODSEQ: flags are told as first seen, so it is none.
    if (status.uidnext, status.exists) == (known.uidnext, known.exists):
        return Unchanged()
    return Newer(known)


def _why_whole(status: Status | None, cursor: Cursor, terms: Terms) -> Why | None:
    """Return the first reason for which a folder is enumerated, whatever its counts say."""
    reasons: tuple[tuple[Why, bool], ...] = (
        ("epoch", status is not None and status.uidvalidity != cursor.status.uidvalidity),
        ("anew", status is not None and made_anew(cursor.status, status)),
        ("asked", terms.full),
        ("rules", cursor.rules != terms.rules),
        ("due", is_due(cursor, terms)),
        ("again", not cursor.done),
    )
    return next((why for why, holds in reasons if holds), None)


def made_anew(before: Status, now: Status | FolderState) -> bool:
    """Tell whether a folder is another one though it has the UIDVALIDITY of the one before.

    Another MAILBOXID (RFC 8474) says so, or a UIDNEXT that went back, which no folder's may (RFC
    3501, section 2.3.1.1): what is known of its UIDs is not to be believed.
    """
    if now.uidvalidity != before.uidvalidity:
        return False  # an epoch of its own
    if before.mailbox_id and now.mailbox_id and before.mailbox_id != now.mailbox_id:
        return True
    return now.uidnext is not None and now.uidnext < before.uidnext


def is_due(cursor: Cursor, terms: Terms) -> bool:
    """Tell whether a whole enumeration is due, each folder's at a time of its own.

    At the latest after the DAYS of TERMS, for some folders after half of them.
    """
    name = f"{terms.account}/{cursor.folder}".encode("utf-8", "surrogatepass")
    share = 0.5 + (zlib.crc32(name) % 1000) / 2000
    age = terms.now - cursor.whole
    return age >= timedelta(days=terms.days) * share or age < -_FUTURE
