"""From an engagement and a choice of records to a dossier on disk and an ``export`` entry."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from archiver.catalogue.catalogue import Catalogue
from archiver.dossier.bag import Written, require_outside, require_writable, write_bag
from archiver.dossier.build import build_dossier
from archiver.dossier.coverage import coverage
from archiver.dossier.exhibits import ArchiveFacts, Dossier, Language, Selection
from archiver.dossier.history import custody
from archiver.dossier.matter import Matter, Party
from archiver.dossier.pages import translations
from archiver.engagements.engagement import Engagement, Person
from archiver.engagements.words import shown
from archiver.evidence.store import Evidence
from archiver.model.coverage import Lacking
from archiver.model.digest import Digest, Position
from archiver.model.entries import Export
from archiver.model.reading import Mailbox
from archiver.model.record import RecordLine, RecordView
from archiver.model.tagging import TagOf
from archiver.model.withholding import LeftOut, Withholding


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
    withheld: Mapping[Position, Withholding] = MappingProxyType({}),
    lacking: Sequence[Lacking] = (),
    recipient: str = "",
) -> Dossier:
    """Build the dossier of an engagement's records, all of them or those that are MATCHING.

    Those among them that are WITHHELD are left out and listed. LACKING are messages of ours that
    were answered and are not in the archive. Raises UsageError when there is nothing to export.
    """
    tagged = catalogue.tagged(engagement.slug)
    chosen = choose(catalogue, engagement, matching)
    genesis = next(evidence.entries(0, 1))
    size = evidence.size
    dossier = build_dossier(
        _views(catalogue, chosen - withheld.keys(), withheld, language),
        matter_of(engagement, own),
        archive=ArchiveFacts(
            software=software,
            archive_id=evidence.archive_id,
            since=genesis.at,
            tree_size=size,
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
        withheld=left_out(
            catalogue, {record: withheld[record] for record in chosen if record in withheld}
        ),
        recipient=recipient,
    )
    return replace(
        dossier,
        custody=custody(evidence, dossier.exhibits, engagement.slug, size=size),
        coverage=coverage(evidence, dossier.exhibits, lacking, size=size),
    )


def choose(
    catalogue: Catalogue, engagement: Engagement, matching: frozenset[Position] | None
) -> frozenset[Position]:
    """Return the engagement's records, all of them or those that are MATCHING."""
    tagged = catalogue.tagged(engagement.slug)
    return tagged if matching is None else tagged & matching


def _views(
    catalogue: Catalogue,
    records: frozenset[Position],
    withheld: Mapping[Position, Withholding],
    language: Language,
) -> Iterator[RecordView]:
    """Yield the records, without what they would tell of others that are not handed over.

    That is the digest of a withheld copy, and the subject of the record that passed its engagement
    on within a thread, which a tag's reason quotes.
    """
    secret = {line.digest for line in catalogue.lines(sorted(withheld))}
    told: defaultdict[Digest, set[str]] = defaultdict(set)
    for line in catalogue.lines(sorted(records)):
        told[line.thread].add(shown(line.subject))
    for position in sorted(records):
        view = catalogue.view(position)
        variants = tuple(digest for digest in view.line.variants if digest not in secret)
        yield replace(
            view,
            line=replace(view.line, variants=variants),
            tags=tuple(_told(tag, told[view.line.thread], language) for tag in view.tags),
        )


def _told(tag: TagOf, subjects: Collection[str], language: Language) -> TagOf:
    """Return TAG with a reason that quotes none but SUBJECTS, those of exhibits in its thread."""
    quoted = (rf"[“«]\s*{re.escape(subject)}\s*[”»]" for subject in subjects if subject)
    if tag.decided_by != "thread" or any(re.search(each, tag.reason) for each in quoted):
        return tag
    _ = translations(language).gettext
    return replace(tag, reason=_("in one thread with another record of the engagement"))


def left_out(catalogue: Catalogue, withheld: Mapping[Position, Withholding]) -> tuple[LeftOut, ...]:
    """Return what a dossier tells of WITHHELD records: copies of one writing are told as one."""
    writings: dict[Digest, list[RecordLine]] = {}
    for line in catalogue.lines(sorted(withheld)):
        writings.setdefault(min((line.digest, *line.variants)), []).append(line)
    ordered = sorted(writings.values(), key=lambda lines: (lines[0].date, lines[0].digest))
    return tuple(
        LeftOut(
            number=f"W-{number}",
            date=lines[0].date,
            about=tuple(sorted({ground.about for ground in grounds if ground.kind != "person"})),
            by_person=any(ground.kind == "person" for ground in grounds),
            copies=len(lines),
        )
        for number, lines in enumerate(ordered, 1)
        for grounds in [[each for line in lines for each in withheld[line.position].grounds]]
    )


def hand_over(evidence: Evidence, dossier: Dossier, folder: Path, *, actor: str) -> Written:
    """Write the bag, and journal which number is which record before it bears its name.

    Raises UsageError when FOLDER is not empty or inside the archive, OperationError when the disk
    refuses or a record's bytes are not what the journal says.
    """
    require_writable(evidence)
    require_outside(folder, evidence.root)

    def journal(written: Written) -> None:
        export = Export(
            engagement=dossier.matter.slug,
            numbers=dossier.numbers,
            manifest=written.manifest,
            recipient=dossier.recipient,
        )
        evidence.append([export], actor=actor)

    return write_bag(dossier, folder, evidence.read, confirm=journal)
