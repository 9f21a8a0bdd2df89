"""Say why a record belongs to an engagement, in sentences that a person can read.

Words that come from mail are cut and cleaned: a reason is shown on terminals and printed.
"""

from collections.abc import Sequence
from datetime import date
from gettext import gettext as _
from gettext import ngettext
from typing import Final

from archiver.engagements.engagement import Engagement
from archiver.engagements.rules import Tie
from archiver.engagements.words import shown

_PERSON: Final = "person:"
_ADDRESS: Final = 100
"""Characters of an address that a reason shows."""


def of_tie(tie: Tie) -> str:
    """Say what TIE is: ``from marie@acme.fr, a person of the client``."""
    match tie.kind, tie.sent:
        case "code", _sent:
            sentence = _("the subject names {text}")
        case "folder", _sent:
            sentence = _("in the folder {text}")
        case "person", True:
            sentence = _("from {address}, a person of the client")
        case "person", False:
            sentence = _("to {address}, a person of the client")
        case "domain", True:
            sentence = _("from {address}, at the client's domain {text}")
        case "domain", False:
            sentence = _("to {address}, at the client's domain {text}")
        case "third", True:
            sentence = _("from {address}, a third party of the engagement")
        case _:
            sentence = _("to {address}, a third party of the engagement")
    return sentence.format(address=shown(tie.address, longest=_ADDRESS), text=shown(tie.text))


def of_only(tie: Tie, engagement: Engagement, day: date) -> str:
    """Say why the one engagement that fits fits, and that DAY lies outside its period if so."""
    period = engagement.period
    if period.starts_after(day):
        return _("{reason}; before the period, which begins on {day}").format(
            reason=of_tie(tie), day=period.after
        )
    if period.ends_before(day):
        return _("{reason}; after the period, which ends on {day}").format(
            reason=of_tie(tie), day=period.before
        )
    return of_tie(tie)


def of_period(tie: Tie, day: date, *, others: int) -> str:
    """Say that the period chose between an engagement and OTHERS that fit as well."""
    sentence = ngettext(
        "{reason}; {count} other engagement of the client fits, but only this one's period "
        "contains {day}",
        "{reason}; {count} other engagements of the client fit, but only this one's period "
        "contains {day}",
        others,
    )
    return sentence.format(reason=of_tie(tie), count=others, day=day)


def of_thread(subject: str, day: date) -> str:
    """Say which record of the thread passed its engagement on."""
    return _("in one thread with “{subject}” of {day}").format(
        subject=shown(subject) or _("no subject"), day=day
    )


def of_thread_among(tie: Tie, subject: str, day: date, others: Sequence[str]) -> str:
    """Say that the thread chose between an engagement and OTHERS of its client."""
    return _("{reason}; {others} would fit too, but {thread}").format(
        reason=of_tie(tie), others=", ".join(others), thread=of_thread(subject, day)
    )


def of_person(by: str) -> str:
    """Say which person decided; BY is the journal's actor (``person:NAME``)."""
    return _("tagged by {name}").format(name=shown(by.removeprefix(_PERSON)))
