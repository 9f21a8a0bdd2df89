"""The names under which it is recorded why a message was not fetched, and what they mean.

They tell nothing of a message's content: the journal keeps them for ever.
"""

from gettext import gettext as _
from typing import Final

EVERYTHING: Final = "everything"
RULE: Final = "rule"
THREAD: Final = "thread"
"""Why a message is kept: all are, a rule ties it to an engagement, its thread is kept."""

NO_RULE: Final = "no-rule"
NEVER_ADDRESS: Final = "never-address"
NEVER_FOLDER: Final = "never-folder"
NEVER_SUBJECT: Final = "never-subject"

SAME_NAME: Final = "same-name"
OTHER_DAYS: Final = "other-days"
ELSEWHERE: Final = "client-elsewhere"
LIKE_DOMAIN: Final = "like-domain"
REPLY: Final = "reply-to-kept"
UNREADABLE: Final = "unreadable-header"


def meaning(rule: str) -> str:
    """Say in a few words what RULE means; a name that is not known means itself."""
    return {
        NO_RULE: _("nothing ties it to an engagement"),
        NEVER_ADDRESS: _("an address that is never fetched"),
        NEVER_FOLDER: _("a folder that is never fetched"),
        NEVER_SUBJECT: _("a subject that marks it as private"),
        SAME_NAME: _("a person of the engagement by name, under another address"),
        OTHER_DAYS: _("a person of the engagement, on a day when the address was not theirs"),
        ELSEWHERE: _("a client named in Sender, Reply-To or within a name only"),
        LIKE_DOMAIN: _("a domain that looks like the client's"),
        REPLY: _("an answer with the subject of kept mail, without a reference to it"),
        UNREADABLE: _("header fields that cannot be read"),
    }.get(rule, rule)


def advice(rule: str) -> str:
    """Say what would have such a message fetched; empty where nothing needs to."""
    person = _("If it is the client's mail, list the address as a [[person]]:")
    edit = "archiver engagement edit SLUG"
    return {
        SAME_NAME: f"{person} {edit}",
        OTHER_DAYS: _("If it is the client's mail, widen the person's from and until:")
        + f" {edit}",
        ELSEWHERE: f"{person} {edit}",
        LIKE_DOMAIN: _("If the domain is the client's too, add it to domains:") + f" {edit}",
        REPLY: f"{person} {edit}",
        UNREADABLE: _("Move it into a folder of an engagement, or keep everything there:")
        + f" {edit}",
    }.get(rule, "")
