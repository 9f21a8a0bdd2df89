"""What an engagement is, its rules, and which records belong to it with which reasons."""

from archiver.engagements.changes import Changes, changes
from archiver.engagements.check import check_engagements
from archiver.engagements.edit import new_engagement, with_person, with_rule
from archiver.engagements.engagement import (
    Engagement,
    Party,
    Period,
    Person,
    RuleKind,
    check_slug,
)
from archiver.engagements.file import parse_engagement
from archiver.engagements.tagging import Tagger, explain, tag_thread

__all__ = [
    "Changes",
    "Engagement",
    "Party",
    "Period",
    "Person",
    "RuleKind",
    "Tagger",
    "changes",
    "check_engagements",
    "check_slug",
    "explain",
    "new_engagement",
    "parse_engagement",
    "tag_thread",
    "with_person",
    "with_rule",
]
