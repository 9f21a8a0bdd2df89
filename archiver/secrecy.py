"""What is kept out of dossiers by rule: the table ``[withheld]`` of TOML files, and built-in words.

The words are those of evidence between a lawyer and a client, and of settlement talk (in France:
loi n° 71-1130, article 66-5; code de procédure civile, article 1531). Each can be switched off.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from gettext import gettext as _
from typing import Final, Literal

from archiver.tables import Table, address_problem, quoted

About = Literal["lawyer", "settlement", "other"]
"""What a rule is about: the only reason that a dossier tells."""

_AVOCAT: Final = "(?:avocat|avocate|avocats|avocates)"
_BETWEEN: Final = "(?:entre|avec|de|des|d|a|un|une|mon|notre|nos|son|leurs?)"
_GAP: Final = r"[\W_]{1,12}"
"""Between two words: blanks, line ends, quote marks, dashes, the asterisks of bold type."""
_NEAR: Final = r"[^\0]{0,200}?"
_TALK: Final = "(?:reunions?|seances?|audiences?|propositions?|offres?|accords?|protocoles?)"
_OFFER: Final = (
    "(?:accords?|protocoles?|offres?|propositions?|negociations?|discussions?|pourparlers"
    "|indemnites?)"
)


@dataclass(frozen=True, slots=True)
class Word:
    """A built-in word, in all its forms."""

    about: About
    letters: str
    """They stand in every form: looked for first, as that is fast."""
    forms: tuple[str, ...]
    """Patterns for folded text (``fold``), in which a blank is any short gap between words."""


WORDS: Final[Mapping[str, Word]] = {
    "confidentiel avocat": Word(
        "lawyer",
        "avocat",
        (rf"confidentiel(?:le)?s? {_AVOCAT}", rf"{_AVOCAT} confidentiel(?:le)?s?"),
    ),
    "correspondance d'avocat": Word(
        "lawyer",
        "avocat",
        (rf"correspondances? (?:{_BETWEEN} ){{0,2}}{_AVOCAT}",),
    ),
    "secret professionnel": Word(
        "lawyer",
        "secret",
        (
            rf"secret professionnel{_NEAR}(?:{_AVOCAT}|barreau)",
            rf"(?:{_AVOCAT}|barreau){_NEAR}secret professionnel",
        ),
    ),
    "article 66-5": Word("lawyer", "66", ("(?:article|art) 66 5",)),
    "attorney-client": Word(
        "lawyer",
        "client",
        ("(?:attorney|lawyer|solicitor) client", "client (?:attorney|lawyer|solicitor) privilege"),
    ),
    "attorney work product": Word("lawyer", "work", ("attorneys? work product",)),
    "legal professional privilege": Word(
        "lawyer",
        "privilege",
        ("legal professional privilege", "legal advice privilege", "litigation privilege"),
    ),
    "privileged and confidential": Word(
        "lawyer", "privileged", ("privileged (?:and )?confidential",)
    ),
    "sous toutes réserves": Word("settlement", "reserves", ("sous toutes (?:les )?reserves",)),
    # "Without prejudice to the rights of ..." stands in any contract. Only on one line: a heading
    # of these two words is a heading, whatever the next line begins with.
    "without prejudice": Word("settlement", "prejudice", (r"without prejudice(?! to\b)",)),
    "médiation": Word(
        "settlement",
        "mediat",
        (
            rf"{_TALK} de (?:la )?mediation",
            "(?:cadre|cours) de (?:la|cette) mediation",
            "mediation (?:sessions?|meetings?|proposals?|statements?|briefs?|agreements?)",
            "(?:course|purposes?) of (?:the|this) mediation",
            "mediator s proposal",
        ),
    ),
    "conciliation": Word(
        "settlement",
        "conciliation",
        (rf"{_TALK} de (?:la )?conciliation", "(?:cadre|cours) de (?:la|cette) conciliation"),
    ),
    "protocole transactionnel": Word(
        "settlement", "transactionnel", (rf"{_OFFER} transactionnel(?:le)?s?",)
    ),
    "settlement offer": Word(
        "settlement",
        "settle",
        (
            "settlement (?:offers?|proposals?|discussions?|negotiations?|talks)",
            "settlement (?:agreements?|conferences?)",
            "offers? (?:of settlement|to settle)",
            "for settlement purposes",
        ),
    ),
    "rule 408": Word("settlement", "408", ("(?:rule|fre) 408",)),
}
"""The built-in words by their names, which ``off`` takes."""

_DOMAIN: Final = re.compile(r"[^\s@/:.]+(?:\.[^\s@/:.]+)+")
_SHORTEST: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrecy:
    """What ``[withheld]`` says, in ``archive.toml`` or in an engagement's file."""

    addresses: tuple[str, ...] = ()
    """Of lawyers, mediators, and whoever else is confided in."""
    domains: tuple[str, ...] = ()
    """Likewise; subdomains count as well."""
    words: tuple[str, ...] = ()
    """More words, beside the built-in ones."""
    off: tuple[str, ...] = ()
    """Built-in words that do not count."""


NO_SECRECY: Final = Secrecy()
"""Nothing is said besides what the program itself watches for."""


def read_secrecy(table: Table) -> Secrecy:
    """Read the table ``[withheld]``; what is wrong is noted in the table's problems."""
    found = Secrecy(
        addresses=table.texts("addresses", check=address_problem),
        domains=table.texts("domains", check=_domain_problem),
        words=table.texts("words", check=_word_problem),
        off=table.texts("off", check=_off_problem),
    )
    table.close()
    return found


def fold(text: str) -> str:
    """Return TEXT for comparing: no case, no accents, no characters that nobody sees.

    Compatibility forms (full width, ligatures) become plain letters (Unicode NFKD). Line ends stay.
    """
    if not text.isascii():
        text = _UNSEEN.sub("", unicodedata.normalize("NFKD", text)).casefold()
    return text.lower()


# Combining marks, and what has no width or no shape: soft hyphens, joiners, direction marks, tags.
_UNSEEN: Final = re.compile(
    "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f"
    "\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\U000e0000-\U000e01ef]"
)


def phrase(words: str) -> str:
    """Return the pattern of WORDS in folded text, whatever stands between two of them."""
    return _GAP.join(re.escape(word) for word in _tokens(words))


def pattern_of(word: Word) -> str:
    """Return the pattern of WORD in folded text: the blanks of its forms become gaps."""
    forms = (each.replace("(?! to", "\0") for each in word.forms)  # that blank is a real one
    return "|".join(each.replace(" ", _GAP).replace("\0", "(?! to") for each in forms)


def _tokens(words: str) -> list[str]:
    return re.findall(r"[^\W_]+", fold(words))


def _domain_problem(domain: str) -> str | None:
    if _DOMAIN.fullmatch(domain):
        return None
    return _("{domain!r} is not a mail domain; write for example cabinet-dupont.fr").format(
        domain=domain
    )


def _word_problem(words: str) -> str | None:
    if sum(map(len, _tokens(words))) >= _SHORTEST:
        return None
    return _(
        "{words!r} is too short: it would be met everywhere; give {count} letters at least"
    ).format(words=words, count=_SHORTEST)


def _off_problem(word: str) -> str | None:
    if word in WORDS:
        return None
    return _("{word!r} is no built-in word; they are: {words}").format(
        word=word, words=quoted(tuple(WORDS))
    )
