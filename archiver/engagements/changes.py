"""What a change of rules would move: ``--dry-run`` shows it before anything is written."""

from dataclasses import dataclass

from archiver.model.tagging import Tagging, TagOf, Undecided


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The difference between two taggings of the same records, in the order of records."""

    added: tuple[TagOf, ...]
    removed: tuple[TagOf, ...]
    newly_undecided: tuple[Undecided, ...]
    settled: tuple[Undecided, ...]
    """Records that a person would no longer have to decide on."""

    @property
    def empty(self) -> bool:
        """Whether nothing would move."""
        return not (self.added or self.removed or self.newly_undecided or self.settled)


def changes(before: Tagging, after: Tagging) -> Changes:
    """Compare two taggings; a tag that only changes its reason does not move."""
    old = {(tag.record, tag.engagement): tag for tag in before.tags}
    new = {(tag.record, tag.engagement): tag for tag in after.tags}
    asked = {question.record: question for question in before.undecided}
    asks = {question.record: question for question in after.undecided}
    return Changes(
        added=tuple(new[key] for key in sorted(new.keys() - old.keys())),
        removed=tuple(old[key] for key in sorted(old.keys() - new.keys())),
        newly_undecided=tuple(asks[key] for key in sorted(asks.keys() - asked.keys())),
        settled=tuple(asked[key] for key in sorted(asked.keys() - asks.keys())),
    )
