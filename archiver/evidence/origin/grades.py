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

from archiver.evidence.signatures.results import passes
from archiver.model.anchors import Anchor
from archiver.model.digest import Position
from archiver.model.origin import Claim, Origin, Seal, Signature

OriginLevel = Literal["O0", "O1", "O2", "O3"]
DateLevel = Literal["D0", "D1", "D2", "D3"]

NEAR: Final = timedelta(hours=48)
"""How far a time-stamp may be from the message's own dates, and these from each other."""
_SMALLEST_KEY: Final = 1024
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
    if found := _by_signature(origin.signatures, confirmed):
        return found
    if origin.seal and _seal_counts(origin.seal, origin.from_domain):
        return _sealed(origin.seal)
    if passes(_triples(origin.claims), origin.from_domain):
        return _claimed(origin.claims[0].server)
    return _nothing(origin)


def _by_signature(
    signatures: Iterable[Signature], confirmed: Mapping[Position, str]
) -> OriginGrade | None:
    """Grade by the best of SIGNATURES, None when none of them counts."""
    usable = [one for one in signatures if not _flaws(one)]
    full = [one for one in usable if one.result == "pass" and not one.appended]
    for one in full:
        if one.key is not None and (source := confirmed.get(one.key)):
            return _confirmed(one, source)
    if full:
        return _full(full[0])
    return _header_only(usable[0]) if usable else None


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
    }
    return tuple(name for name, there in flaws.items() if there)


def _confirmed(signature: Signature, source: str) -> OriginGrade:
    meaning = _(
        "The servers of {domain} signed header and body as they are here; {source} has the same "
        "key."
    ).format(domain=signature.domain, source=source)
    return OriginGrade("O3", meaning, ("signed", "key-confirmed"))


def _full(signature: Signature) -> OriginGrade:
    meaning = _(
        "The servers of {domain} signed header and body as they are here; the key was recorded "
        "only by this archive's owner."
    ).format(domain=signature.domain)
    return OriginGrade("O2", meaning, ("signed", "key-by-owner"))


def _header_only(signature: Signature) -> OriginGrade:
    if signature.appended and signature.result == "pass":
        meaning = _(
            "The servers of {domain} signed the header and the beginning of the body; anybody may "
            "have added the rest, and the key was recorded only by this archive's owner."
        ).format(domain=signature.domain)
        return OriginGrade("O2", meaning, ("header-signed", "body-appended", "key-by-owner"))
    meaning = _(
        "The servers of {domain} signed the header as it is here; the body is not as they signed "
        "it, as happens when a server encodes it anew, and the key was recorded only by this "
        "archive's owner."
    ).format(domain=signature.domain)
    return OriginGrade("O2", meaning, ("header-signed", "body-differs", "key-by-owner"))


def _seal_counts(seal: Seal, author: str) -> bool:
    """Tell whether the account's own provider sealed this message and says that it passed.

    The seal alone could have been taken from another message: the header must hold as well.
    """
    return (
        seal.own
        and seal.result == "pass"
        and seal.header_result == "pass"
        and seal.chain != "fail"
        and passes(seal.claims, author)
    )


def _sealed(seal: Seal) -> OriginGrade:
    meaning = _(
        "The account's own provider ({server}) sealed that it verified the sender when the message "
        "came; the key was recorded only by this archive's owner."
    ).format(server=seal.server)
    return OriginGrade("O2", meaning, ("sealed", "key-by-owner"))


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
    for reason, meaning in _meanings().items():
        if reason in reasons:
            return OriginGrade("O0", meaning, reasons)
    return OriginGrade("O0", _meanings()["unsigned"], reasons)


def _meanings() -> Mapping[str, str]:
    """Say what each reason means; the first that applies is told."""
    return {
        "not-asked": _("It is signed, but DNS has not answered yet for the key."),
        "sent": _("It is our own copy of what we sent: nobody else signed it."),
        "unsigned": _("Nobody signed it, and no word of the account's own provider says more."),
        "unaligned": _("It is signed, but not by the domain of the person in From."),
        "sha1": _("It is signed in a way that is too weak to be believed (SHA-1)."),
        "testing": _("It is signed with a key that its owner published for testing only."),
        "small": _("It is signed with a key that is too short to be believed."),
        "bad-signature": _(
            "It is signed, but the signature does not hold: the header was changed on its way or "
            "later."
        ),
        "no-key": _("It is signed, but no key is published for it, or not any more."),
        "unusable-key": _(
            "It is signed, but what is published as the key cannot be used: it was taken back, is "
            "too short, or is not written as it should be."
        ),
        "malformed": _("It holds a signature that is not written as it should be."),
    }


def _triples(claims: Iterable[Claim]) -> tuple[tuple[str, str, str], ...]:
    return tuple((claim.method, claim.result, claim.domain) for claim in claims)


# --- date ----------------------------------------------------------------------------------------


def date_grade(record: Position, origin: Origin | None, anchors: Iterable[Anchor]) -> DateGrade:
    """Grade when RECORD existed, D0 to D3, by its first time-stamped checkpoint among ANCHORS."""
    covering = [anchor for anchor in anchors if anchor.size > record]
    if not covering:
        return DateGrade("D0", _("No third party has dated it yet."), ("no-stamp",))
    # Later checkpoints cover it too, but they date it later.
    graded = (_graded(anchor, origin) for anchor in covering)
    return max(graded, key=lambda one: (one.level, -(one.time or _EPOCH).timestamp()))


_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _graded(anchor: Anchor, origin: Origin | None) -> DateGrade:
    stamped = anchor.time.isoformat(sep=" ", timespec="minutes")
    dates = _dates(origin)
    if not dates:
        meaning = _("{authority} dated it on {time}; it has no date of its own to compare.").format(
            authority=anchor.authority, time=stamped
        )
        return DateGrade("D1", meaning, ("no-date",), anchor.time)
    earliest, latest = (choose(dates, key=lambda name: dates[name]) for choose in (min, max))
    spread = dates[latest] - dates[earliest]
    if spread > NEAR:
        meaning = _(
            "{authority} dated it on {time}; its own dates disagree by {apart}: {first} and {last}."
        ).format(
            authority=anchor.authority,
            time=stamped,
            apart=_span(spread),
            first=_named(earliest, dates[earliest]),
            last=_named(latest, dates[latest]),
        )
        return DateGrade("D1", meaning, ("dates-disagree",), anchor.time)
    late = max((anchor.time - date for date in dates.values()), key=abs)
    if abs(late) > NEAR:
        return _far(anchor, stamped, late)
    return _near(anchor, stamped)


def _near(anchor: Anchor, stamped: str) -> DateGrade:
    if anchor.qualified:
        meaning = _(
            "{authority}, a qualified authority, dated it on {time}, within 48 hours of all its "
            "own dates."
        )
    else:
        meaning = _("{authority} dated it on {time}, within 48 hours of all its own dates.")
    return DateGrade(
        "D3" if anchor.qualified else "D2",
        meaning.format(authority=anchor.authority, time=stamped),
        ("qualified-stamp" if anchor.qualified else "stamp",),
        anchor.time,
    )


def _far(anchor: Anchor, stamped: str, late: timedelta) -> DateGrade:
    if late < timedelta():
        meaning, reason = (
            _("{authority} dated it on {time}, {span} before it says it was sent."),
            "early",
        )
    else:
        meaning, reason = (
            _("{authority} dated it on {time}, {span} after it was sent or came."),
            "late",
        )
    return DateGrade(
        "D1",
        meaning.format(authority=anchor.authority, time=stamped, span=_span(abs(late))),
        (reason,),
        anchor.time,
    )


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
