"""What is never fetched (``[never]``): addresses, folders, subjects marked as private.

These rules beat all others, and docs/selective.md says exactly what they match. Where a rule may be
read in two ways, the way that fetches less is taken: what was fetched stands in the journal for
ever, what was not can still be fetched.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from archiver.accounts import Never
from archiver.engagements.domains import canonical_address, canonical_domain, domain_of, parents
from archiver.engagements.heading import Shown
from archiver.engagements.subjects import ANSWERED
from archiver.engagements.verdicts import NEVER_ADDRESS, NEVER_FOLDER, NEVER_SUBJECT
from archiver.engagements.words import fold_text

_LONGEST: Final = 2_000
"""Characters of a subject that are looked at: a mark stands at its beginning."""
_MOST_SKIPPED: Final = 20
"""Prefixes and bracketed tags before a mark."""
_OPENING: Final = "[({<\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}"
_BEFORE: Final = re.compile(rf"[\s\"'*#>=_!.,;:|~-]+|{ANSWERED}")
_TAG: Final = re.compile(r"\[[^\[\]]{0,80}\]|\([^()]{0,80}\)|\{[^{}]{0,80}\}")
# A hyphen between two letters makes one word of both: ``private-public``.
_AFTER: Final = (
    "\\s*+(?:\\Z|[:|;!*_>\\])}\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}\N{EN DASH}\N{EM DASH}]"
    r"|\.(?=[\s.]|\Z)|-(?=[\s-]|\Z)|(?<=\s)-)"
)
_BETWEEN: Final = r"\s*(?:/|\\|,|&|\+|-|\bet\b|\band\b|\bund\b)\s*"


class NeverRules:
    """The rules of ``[never]``, prepared."""

    def __init__(self, never: Never) -> None:
        """Prepare NEVER."""
        addresses = [canonical_address(each) for each in never.addresses]
        self._addresses = frozenset(each for each in addresses if not each.startswith("@"))
        self._domains = frozenset(
            canonical_domain(each[1:]) for each in addresses if each.startswith("@")
        )
        self._folders = tuple(sorted({_folder_key(each) for each in never.folders} - {""}))
        words = {_plain(each).strip(" []{}()<>:;*!-") for each in never.subjects}
        self._words = tuple(sorted(words - {""}))
        self._mark = _mark_pattern(self._words)

    @property
    def asks_addresses(self) -> bool:
        """Whether any rule looks at addresses."""
        return bool(self._addresses or self._domains)

    @property
    def asks_subjects(self) -> bool:
        """Whether any rule looks at subjects."""
        return bool(self._words)

    @property
    def asks_folders(self) -> bool:
        """Whether any rule looks at folders."""
        return bool(self._folders)

    @property
    def canonical(self) -> dict[str, list[str]]:
        """The rules in the form for comparing, in an order of their own."""
        return {
            "addresses": sorted(self._addresses),
            "domains": sorted(self._domains),
            "folders": list(self._folders),
            "subjects": list(self._words),
        }

    def meets_folder(self, account: str, folder: str) -> bool:
        """Tell whether FOLDER of ACCOUNT is one that is never fetched, or lies below one."""
        here, prefix = _folder_key(folder), f"{_folder_key(account)}/"
        return any(
            place == name or place.startswith(f"{name}/")
            for rule in self._folders
            for name in {rule, rule.removeprefix(prefix)}
            for place in {here, here.removeprefix("inbox/")}
        )

    def meets(self, shown: Shown) -> str | None:
        """Return the rule that forbids to fetch a message; None: none does."""
        if self._folders and any(self.meets_folder(*place) for place in shown.facts.folders):
            return NEVER_FOLDER
        if self.asks_addresses and any(self._is_named(each.address) for each in shown.everybody):
            return NEVER_ADDRESS
        if self._words and self.marks(shown.facts.subject):
            return NEVER_SUBJECT
        return None

    def marks(self, subject: str) -> bool:
        """Tell whether SUBJECT begins with one of the words, as a mark and not in a sentence.

        Before it may stand what says that it is an answer or a forward (``Re:``, ``TR:``), tags
        in brackets and signs. After it the subject ends, or a closing bracket or a separator
        follows: ``[personnel] x``, ``Personnel : x``, ``PRIVÉ - x``, but not ``Personnel ACME``.
        """
        text = _plain(subject[:_LONGEST]) if self._words else ""
        for _skipped in range(_MOST_SKIPPED):
            if not text:
                break
            if self._mark.match(text):
                return True
            if text[0] in _OPENING and self._mark.match(text[1:].lstrip()):
                return True
            before = _BEFORE.match(text) or _TAG.match(text)
            if not before:
                break
            text = text[before.end() :].lstrip()
        return False

    def _is_named(self, address: str) -> bool:
        canonical = canonical_address(address)
        return canonical in self._addresses or any(
            domain in self._domains for domain in parents(domain_of(canonical))
        )


def _mark_pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Return what finds one of WORDS, or several of them joined, where a separator follows."""
    one = "|".join(sorted(map(re.escape, words), key=len, reverse=True))
    return re.compile(rf"(?:{one})(?:{_BETWEEN}(?:{one}))*{_AFTER}")


def _plain(text: str) -> str:
    """Return TEXT without case, accents and characters that nobody sees."""
    visible = "".join(each for each in text if unicodedata.category(each) != "Cf")
    return fold_text(visible)


def _folder_key(folder: str) -> str:
    """Return FOLDER for comparing: ``/`` and ``.`` both part a folder from those below it."""
    parts = re.split(r"[/.\\]", folder)
    return "/".join(filter(None, map(_plain, parts)))
