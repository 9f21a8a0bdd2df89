"""From an engagement and a choice of records to a dossier on disk and an ``export`` entry."""

from collections.abc import Callable
from datetime import datetime
from gettext import gettext as _
from pathlib import Path
from zoneinfo import ZoneInfo

from archiver.catalogue.catalogue import Catalogue
from archiver.dossier.bag import Written, require_outside, write_bag
from archiver.dossier.build import build_dossier
from archiver.dossier.exhibits import ArchiveFacts, Dossier, Language, Selection
from archiver.dossier.matter import Matter, Party
from archiver.engagements.engagement import Engagement, Person
from archiver.errors import OperationError
from archiver.evidence.store import Evidence
from archiver.model.digest import Position
from archiver.model.entries import Export
from archiver.model.reading import Mailbox


def matter_of(engagement: Engagement, own: frozenset[str]) -> Matter:
    """Reduce an engagement to what a dossier says of it; OWN are our accounts' addresses."""
    ours = tuple(Mailbox("", address) for address in sorted(own))
    return Matter(
        slug=engagement.slug,
        client=engagement.client,
        title=engagement.title,
        us=Party(people=(*_mailboxes(engagement.us), *ours)),
        client_side=Party(people=_mailboxes(engagement.people), domains=engagement.domains),
        third=Party(people=_mailboxes(engagement.third)),
    )


def _mailboxes(people: tuple[Person, ...]) -> tuple[Mailbox, ...]:
    return tuple(Mailbox(person.name, address) for person in people for address in person.addresses)


def prepare(
    evidence: Evidence,
    catalogue: Catalogue,
    engagement: Engagement,
    *,
    own: frozenset[str],
    matching: frozenset[Position] | None,
    selection: Selection,
    clock: Callable[[], datetime],
    time_zone: ZoneInfo,
    language: Language,
    software: str,
) -> Dossier:
    """Build the dossier of an engagement's records, all of them or those that are MATCHING.

    Raises UsageError when there is nothing to export.
    """
    tagged = catalogue.tagged(engagement.slug)
    chosen = tagged if matching is None else tagged & matching
    genesis = next(evidence.entries(0, 1))
    return build_dossier(
        (catalogue.view(position) for position in sorted(chosen)),
        matter_of(engagement, own),
        archive=ArchiveFacts(
            software=software,
            archive_id=evidence.archive_id,
            since=genesis.at,
            tree_size=evidence.size,
            root=evidence.tree_root().hex(),
        ),
        clock=clock,
        time_zone=time_zone,
        language=language,
        selection=Selection(
            query=selection.query,
            first=selection.first,
            last=selection.last,
            left_out=len(tagged) - len(chosen),
        ),
        earlier={record: number for number, record in catalogue.exports(engagement.slug).items()},
    )


def hand_over(evidence: Evidence, dossier: Dossier, folder: Path, *, actor: str) -> Written:
    """Write the bag, and journal which number is which record before it bears its name.

    Raises UsageError when FOLDER is not empty or inside the archive, OperationError when the disk
    refuses or a record's bytes are not what the journal says.
    """
    if evidence.read_only:
        raise OperationError(
            _("The archive is on read-only media: an export cannot be journalled there."),
            advice=_("Copy the archive to a disk, then export from the copy."),
        )
    require_outside(folder, evidence.root)

    def journal(written: Written) -> None:
        export = Export(
            engagement=dossier.matter.slug, numbers=dossier.numbers, manifest=written.manifest
        )
        evidence.append([export], actor=actor)

    return write_bag(dossier, folder, evidence.read, confirm=journal)
