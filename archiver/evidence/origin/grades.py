"""What the evidence of origin and date is worth, in four steps each; pure functions.

Nothing is ever called false here: a signature that does not hold is usually a body that a server
wrote anew. Each grade has a sentence that says what it means, and words for programs.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from gettext import gettext as _
from gettext import ngettext
from types import MappingProxyType
from typing import Final, Literal

from archiver.evidence.origin import words
from archiver.evidence.signatures.results import passes
from archiver.model.anchors import Anchor
from archiver.model.digest import Position
from archiver.model.origin import RULES, Claim, Origin, Seal, Signature

OriginLevel = Literal["O0", "O1", "O2", "O3"]
DateLevel = Literal["D0", "D1", "D2", "D3"]

NEAR: Final = timedelta(hours=48)
"""How far a time-stamp may be from the message's own dates, and these from each other."""
_SMALLEST_KEY: Final = 1024
_COVER: Final = ("signed", "signed-in-part", "header-signed")
"""The first reason of a signature that counts, the best one first."""
_NONE: Final[Mapping[Position, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class OriginGrade:
    """How well it is shown who sent a record."""

    level: OriginLevel
    meaning: str
    """One sentence, in the user's language."""
    reasons: tuple[str, ...]
    """Words for programs, such as ``key-by-owner``, ``body-differs``, ``unaligned``."""


@dataclass(frozen=True, slots=True)
class DateGrade:
    """How well it is shown when a record existed."""

    level: DateLevel
    meaning: str
    reasons: tuple[str, ...]
    time: datetime | None = None
    """What the best time-stamp says."""


# --- origin --------------------------------------------------------------------------------------


def grade(origin: Origin | None, *, confirmed: Mapping[Position, str] = _NONE) -> OriginGrade:
    """Grade who sent a record, O0 to O3.

    CONFIRMED names, for a ``key-seen`` entry, the second source that has the same key. Without it
    nothing is above O2: the archive's owner could have recorded a key of his own.
    """
    if origin is None:
        return OriginGrade("O0", _("Nobody has looked yet who signed it."), ("not-captured",))
    if origin.made_from:
        return OriginGrade("O0", words.made_here(origin.made_from), ("made-here",))
    if found := _by_signature(origin.signatures, confirmed):
        return found
    if _seal_counts(origin) and origin.seal:
        return _sealed(origin.seal)
    if _is_new(origin) and passes(_triples(origin.claims), origin.from_domain):
        return _claimed(origin.claims[0].server)
    return _nothing(origin)


def _is_new(origin: Origin) -> bool:
    """Tell whether no more of Authentication-Results was taken than counts now."""
    return origin.rules >= RULES


def _by_signature(
    signatures: Iterable[Signature], confirmed: Mapping[Position, str]
) -> OriginGrade | None:
    """Grade by the best of SIGNATURES, None when none of them counts."""
    graded = (_signed(one, confirmed) for one in signatures if not _flaws(one))
    return max(
        graded,
        key=lambda one: (one.level, -_COVER.index(one.reasons[0]), -len(one.reasons)),
        default=None,
    )


def _flaws(signature: Signature) -> tuple[str, ...]:
    """Say why a signature does not count at all; empty when at least its header counts."""
    if signature.header_result != "pass":
        return (signature.result,)
    ed25519 = signature.algorithm.startswith("ed25519-")
    small = not ed25519 and (signature.key_bits or 0) < _SMALLEST_KEY
    flaws = {
        "unaligned": not signature.aligned,
        "sha1": signature.algorithm.endswith("-sha1"),  # RFC 8301, section 3.1
        "testing": signature.testing,  # RFC 6376, section 3.6.1: as if it were not signed
        "small": small,
        "unsigned-from": "from" in (signature.unsigned or ()),
    }
    return tuple(name for name, there in flaws.items() if there)


def _signed(signature: Signature, confirmed: Mapping[Position, str]) -> OriginGrade:
    """Grade by SIGNATURE, which counts at least for the header: what it covers decides."""
    source = confirmed.get(signature.key, "") if signature.key is not None else ""
    body = _body(signature)
    cover = (
        "header-signed" if body else "signed-in-part" if words.uncovered(signature) else "signed"
    )
    level: OriginLevel = "O3" if cover == "signed" and source else "O2"
    key = _("{source} has the same key").format(source=source) if source else words.by_owner()
    return OriginGrade(
        level,
        words.sentence(words.covered(signature, body), *words.told_uncovered(signature), key),
        (
            cover,
            *([body] if body else []),
            *words.uncovered(signature),
            "key-confirmed" if source else "key-by-owner",
        ),
    )


def _body(signature: Signature) -> str:
    """Return in a word why SIGNATURE does not cover the whole body; nothing when it does."""
    if signature.result != "pass":
        return "body-differs"
    if signature.length == 0:
        return "body-unsigned"
    return "body-appended" if signature.appended else ""


def _seal_counts(origin: Origin) -> bool:
    """Tell whether the account's own provider sealed this message and says that it passed.

    The seal alone could have been taken from another message: the header must hold as well.
    """
    seal = origin.seal
    return (
        seal is not None
        and _is_new(origin)
        and seal.own
        and seal.result == "pass"
        and seal.header_result == "pass"
        and seal.chain != "fail"
        and passes(seal.claims, origin.from_domain)
    )


def _sealed(seal: Seal) -> OriginGrade:
    meaning = _(
        "The account's own provider ({server}) sealed that it verified the sender when the message "
        "came"
    ).format(server=seal.server)
    return OriginGrade(
        "O2",
        words.sentence(meaning, *words.told_uncovered(seal), words.by_owner()),
        ("sealed", *words.uncovered(seal), "key-by-owner"),
    )


def _claimed(server: str) -> OriginGrade:
    meaning = _(
        "The account's own provider ({server}) noted that it verified the sender when the message "
        "came; nothing but this note shows it."
    ).format(server=server)
    return OriginGrade("O1", meaning, ("claimed",))


def _nothing(origin: Origin) -> OriginGrade:
    reasons = tuple(dict.fromkeys(flaw for one in origin.signatures for flaw in _flaws(one)))
    if not origin.signatures:
        reasons = ("sent",) if origin.sent else ("unsigned",)
    if not _is_new(origin) and (origin.claims or (origin.seal and origin.seal.own)):
        reasons = ("older-capture", *reasons)
    for reason, meaning in words.meanings().items():
        if reason in reasons:
            return OriginGrade("O0", meaning, reasons)
    return OriginGrade("O0", words.meanings()["unsigned"], reasons)


def _triples(claims: Iterable[Claim]) -> tuple[tuple[str, str, str], ...]:
    return tuple((claim.method, claim.result, claim.domain) for claim in claims)


# --- date ----------------------------------------------------------------------------------------


def date_grade(record: Position, origin: Origin | None, anchors: Iterable[Anchor]) -> DateGrade:
    """Grade when RECORD existed, D0 to D3, by its first time-stamped checkpoint among ANCHORS.

    Later checkpoints hold it too, but they date it later. Of several authorities' stamps of that
    first checkpoint the best counts, and of equals the earliest.
    """
    covering = [anchor for anchor in anchors if anchor.size > record]
    if not covering:
        return DateGrade("D0", _("No third party has dated it yet."), ("no-stamp",))
    first = min(anchor.size for anchor in covering)
    graded = [_graded(anchor, origin) for anchor in covering if anchor.size == first]
    return max(graded, key=lambda one: (one.level, -(one.time or _EPOCH).timestamp()))


_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _graded(anchor: Anchor, origin: Origin | None) -> DateGrade:
    level, said, reason = _compared(anchor, origin)
    clauses, reasons = [said], [reason]
    if origin is not None and origin.date is not None and not _date_is_signed(origin):
        clauses.append(_("nothing shows that its Date was signed"))
        reasons.append("unsigned-date")
    return DateGrade(level, words.sentence(*clauses), tuple(reasons), anchor.time)


def _date_is_signed(origin: Origin) -> bool:
    """Tell whether a signature that counts covers the topmost Date."""
    signed: list[Signature | Seal] = [one for one in origin.signatures if not _flaws(one)]
    if origin.seal and _seal_counts(origin):
        signed.append(origin.seal)
    return any(one.unsigned is not None and "date" not in one.unsigned for one in signed)


def _compared(anchor: Anchor, origin: Origin | None) -> tuple[DateLevel, str, str]:
    """Compare a stamp with the record's own dates: level, what to say, and a word for programs."""
    stamped = anchor.time.isoformat(sep=" ", timespec="minutes")
    dates = _dates(origin)
    if origin is None:
        said = _("{authority} dated it on {time}; its own dates are not captured yet")
        return "D1", said.format(authority=anchor.authority, time=stamped), "not-captured"
    if not dates:
        said = _("{authority} dated it on {time}; it has no date of its own to compare")
        return "D1", said.format(authority=anchor.authority, time=stamped), "no-date"
    earliest, latest = (choose(dates, key=lambda name: dates[name]) for choose in (min, max))
    spread = dates[latest] - dates[earliest]
    if spread > NEAR:
        said = _(
            "{authority} dated it on {time}; its own dates disagree by {apart}: {first} and {last}"
        ).format(
            authority=anchor.authority,
            time=stamped,
            apart=_span(spread),
            first=_named(earliest, dates[earliest]),
            last=_named(latest, dates[latest]),
        )
        return "D1", said, "dates-disagree"
    late = max((anchor.time - date for date in dates.values()), key=abs)
    if abs(late) > NEAR:
        return _far(anchor, stamped, late)
    return _near(anchor, stamped)


def _near(anchor: Anchor, stamped: str) -> tuple[DateLevel, str, str]:
    if anchor.qualified:
        said = _(
            "{authority}, a qualified authority, dated it on {time}, within 48 hours of all its "
            "own dates"
        )
        return "D3", said.format(authority=anchor.authority, time=stamped), "qualified-stamp"
    said = _("{authority} dated it on {time}, within 48 hours of all its own dates")
    return "D2", said.format(authority=anchor.authority, time=stamped), "stamp"


def _far(anchor: Anchor, stamped: str, late: timedelta) -> tuple[DateLevel, str, str]:
    if late < timedelta():
        said, reason = (
            _("{authority} dated it on {time}, {span} before it says it was sent"),
            "early",
        )
    else:
        said, reason = (
            _("{authority} dated it on {time}, {span} after it was sent or came"),
            "late",
        )
    span = _span(abs(late))
    return "D1", said.format(authority=anchor.authority, time=stamped, span=span), reason


def _dates(origin: Origin | None) -> dict[str, datetime]:
    if origin is None:
        return {}
    dates = {
        "internaldate": origin.internaldate,
        "date": origin.date,
        "received": origin.received,
    }
    return {name: date for name, date in dates.items() if date is not None}


def _named(name: str, date: datetime) -> str:
    day = date.date().isoformat()
    match name:
        case "internaldate":
            return _("{day} when the server received it").format(day=day)
        case "received":
            return _("{day} in the topmost Received").format(day=day)
        case _:
            return _("{day} in Date").format(day=day)


def _span(length: timedelta) -> str:
    days = max(2, round(length / timedelta(days=1)))
    return ngettext("{n} day", "{n} days", days).format(n=days)
