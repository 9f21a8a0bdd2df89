"""What a person should know before a dossier is written: what goes out with it.

What the rules withhold is not among the exhibits (``archiver.custody.withheld``). Here wider
words are looked for in what is left, so that a person looks before handing over; that nothing is
seen is no promise that there is nothing.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from gettext import gettext as _
from gettext import ngettext

from archiver.dossier.exhibits import Dossier, Exhibit
from archiver.dossier.matter import Sides
from archiver.dossier.text import one_line
from archiver.model.reading import Mailbox
from archiver.model.record import RecordView

_NAMED = 5
_LISTED = 10

# Matched without accents or case, any white space and quote marks between the words, so that
# forwards and quotes count (evidence.md: secrecy).
LAWYER_WORDS = (
    "avocat",
    "avocate",
    "avocats",
    "avocates",
    "confidentiel avocat",
    "secret professionnel",
    "attorney",
    "attorneys",
    "attorney-client",
    "privileged",
    "lawyer",
    "lawyers",
    "solicitor",
    "solicitors",
    "legal counsel",
)
SETTLEMENT_WORDS = (
    "sous toutes réserves",
    "without prejudice",
    "médiation",
    "médiateur",
    "médiatrice",
    "mediation",
    "mediator",
    "conciliation",
    "conciliateur",
    "protocole transactionnel",
    "règlement amiable",
    "settlement",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing seen, and the exhibits it was seen in."""

    what: str
    """An address (Bcc, outsiders), or the words that were met (lawyers, settlement)."""
    exhibits: tuple[str, ...]
    """Names of exhibits, in chronological order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notices:
    """All that was seen, most widespread first."""

    bcc: tuple[Notice, ...] = ()
    """Addresses in Bcc headers: the exhibits' bytes show them to whoever gets the dossier."""
    outsiders: tuple[Notice, ...] = ()
    """Senders and recipients that no party of the engagement names."""
    lawyers: tuple[Notice, ...] = ()
    """Words that exchanges with a lawyer may have: no rule withholds these exhibits."""
    settlement: tuple[Notice, ...] = ()
    """Words of mediation and settlement talk: likewise."""

    def __bool__(self) -> bool:
        return bool(self.bcc or self.outsiders or self.lawyers or self.settlement)


def notices(dossier: Dossier) -> Notices:
    """Look through every exhibit and its copies: headers, text, text of attachments."""
    sides = Sides.of(dossier.matter)
    bcc: dict[str, list[str]] = {}
    outsiders: dict[str, list[str]] = {}
    lawyers: dict[str, list[str]] = {}
    settlement: dict[str, list[str]] = {}
    for exhibit in dossier.exhibits:
        _note(bcc, exhibit.name, (each.folded for each in _all_bcc(exhibit)))
        _note(outsiders, exhibit.name, _outsiders(exhibit, sides))
        words = _fold("\n".join(_words(exhibit)))
        _note(lawyers, exhibit.name, (*_met(_LAWYERS, words), *_lawyers_addresses(exhibit)))
        _note(settlement, exhibit.name, _met(_SETTLEMENT, words))
    return Notices(
        bcc=_sorted(bcc),
        outsiders=_sorted(outsiders),
        lawyers=_sorted(lawyers),
        settlement=_sorted(settlement),
    )


def tell(found: Notices, *, in_full: bool = True) -> tuple[str, ...]:
    """Put NOTICES into lines for a person, in the language of the command.

    Unless IN_FULL, only the most widespread addresses are listed; telling words always are.
    """
    lines: list[str] = []
    if found.bcc:
        count = len(_exhibits(found.bcc))
        lines.append(
            ngettext(
                "{count} exhibit shows its Bcc recipients:",
                "{count} exhibits show their Bcc recipients:",
                count,
            ).format(count=count)
        )
        lines.extend(_list(found.bcc, in_full=in_full))
    if found.outsiders:
        count = len(found.outsiders)
        lines.append(
            ngettext(
                "{count} address is of no party to this engagement:",
                "{count} addresses are of no party to this engagement:",
                count,
            ).format(count=count)
        )
        lines.extend(_list(found.outsiders, in_full=in_full))
    lines.extend(_tell_withheld(found))
    return tuple(lines)


def _list(found: tuple[Notice, ...], *, in_full: bool) -> Iterator[str]:
    shown = found if in_full else found[:_LISTED]
    yield from map(_line, shown)
    more = len(found) - len(shown)
    if more:
        yield "  " + ngettext(
            "and {count} more address (archiver --verbose dossier lists them all)",
            "and {count} more addresses (archiver --verbose dossier lists them all)",
            more,
        ).format(count=more)


def _tell_withheld(found: Notices) -> Iterator[str]:
    """Say plainly that mail which ought to be looked at is inside and goes out."""
    inside = (*found.lawyers, *found.settlement)
    if not inside:
        return
    count = len(_exhibits(inside))
    yield ngettext(
        "{count} exhibit speaks of lawyers, mediation or settlement. It is in the dossier: no rule"
        " withholds it. Read it before you hand the dossier over (archiver withhold ID keeps one"
        " out):",
        "{count} exhibits speak of lawyers, mediation or settlement. They are in the dossier: no"
        " rule withholds them. Read them before you hand the dossier over (archiver withhold ID"
        " keeps one out):",
        count,
    ).format(count=count)
    yield from map(_line, inside)


def _line(notice: Notice) -> str:
    named = ", ".join(notice.exhibits[:_NAMED])
    more = len(notice.exhibits) - _NAMED
    if more > 0:
        named = _("{exhibits} and {count} more").format(exhibits=named, count=more)
    return f"  {notice.what}: {named}"


def _exhibits(found: Iterable[Notice]) -> frozenset[str]:
    return frozenset(name for notice in found for name in notice.exhibits)


def _note(found: dict[str, list[str]], name: str, whats: Iterable[str]) -> None:
    for what in sorted({one_line(what) for what in whats}):
        if what:
            found.setdefault(what, []).append(name)


def _sorted(found: dict[str, list[str]]) -> tuple[Notice, ...]:
    ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(Notice(what=what, exhibits=tuple(names)) for what, names in ordered)


def _all_bcc(exhibit: Exhibit) -> Iterator[Mailbox]:
    for view in exhibit.views:
        yield from view.bcc


def _outsiders(exhibit: Exhibit, sides: Sides) -> Iterator[str]:
    for view in exhibit.views:
        for mailbox in _mailboxes(view):
            if sides.side_of(mailbox) is None:
                yield mailbox.folded or mailbox.name


def _mailboxes(view: RecordView) -> tuple[Mailbox, ...]:
    return (*view.line.from_, *view.line.to, *view.cc, *view.bcc, *view.reply_to)


def _words(exhibit: Exhibit) -> Iterator[str]:
    """Yield everything of EXHIBIT in which telling words may stand."""
    for view in exhibit.views:
        yield view.line.subject
        yield view.text
        for mailbox in _mailboxes(view):
            yield str(mailbox)
        for attachment in view.attachments:
            yield attachment.name
            yield attachment.text or ""


def _lawyers_addresses(exhibit: Exhibit) -> Iterator[str]:
    """Yield addresses that name a lawyer, also inside a word: dupontavocats.example."""
    for view in exhibit.views:
        for mailbox in _mailboxes(view):
            if _LAWYER_ADDRESS.search(mailbox.folded):
                yield mailbox.folded


def _fold(text: str) -> str:
    """Take accents and case away."""
    if not text.isascii():
        text = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    return text.lower()


def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Compile WORDS, longest first, to one pattern with a group for each."""
    folded = sorted({_fold(each) for each in words}, key=lambda each: (-len(each), each))
    spaced = (re.escape(each).replace(r"\ ", r"[\s>]{1,20}") for each in folded)
    return re.compile(r"(?<![^\W_])(?:" + "|".join(spaced) + r")(?![^\W_])")


_ACCENTS = re.compile("[\u0300-\u036f]+")
_LAWYER_ADDRESS = re.compile(r"avocat|attorney|lawyer|solicitor")
_LAWYERS = _pattern(LAWYER_WORDS)
_SETTLEMENT = _pattern(SETTLEMENT_WORDS)


def _met(pattern: re.Pattern[str], words: str) -> Iterator[str]:
    for match in pattern.finditer(words):
        yield re.sub(r"[\s>]+", " ", match[0])
