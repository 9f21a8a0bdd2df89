"""Level: catalogue and index follow the journal from where they stopped.

May be interrupted anywhere: each batch is all or nothing, and the next command goes on.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from gettext import gettext as _
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from archiver.catalogue.batch import Batch
from archiver.catalogue.catalogue import Catalogue
from archiver.errors import OperationError
from archiver.evidence.store import Evidence
from archiver.model.custody import Erase, Erased
from archiver.model.digest import Digest, Position
from archiver.model.entries import (
    Entry,
    Export,
    FolderChange,
    Record,
    Scan,
    Sighting,
    Tag,
    Undo,
    Untag,
)
from archiver.model.reading import Defect, Reading, Unreadable
from archiver.pipeline.progress import Progress, silent
from archiver.reading import copy_key, normal_form, read
from index.engine import Document, Engine

if TYPE_CHECKING:
    from archiver.engagements.engagement import Engagement

ENTRIES_A_BATCH = 1000
_GAPS_TRIED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What tags are made from."""

    engagements: "tuple[Engagement, ...]"
    own: frozenset[str]
    version: Digest
    time_zone: ZoneInfo


def catalogue_up(
    evidence: Evidence, catalogue: Catalogue, rules: Rules, *, progress: Progress = silent
) -> None:
    """Bring the catalogue level with the journal and its tags level with the rules."""
    while not is_level(evidence, catalogue, rules):
        with catalogue.batch() as batch:
            start = batch.position
            for entry in islice(evidence.entries(start), ENTRIES_A_BATCH):
                if entry.position != batch.position:
                    raise _hole(batch.position)
                _take_in(evidence, batch, entry)
                batch.position += 1
            if batch.position == start < evidence.size:
                raise _hole(start)
            _tag(batch, rules)
            batch.set_meta("last", _mark(evidence, batch.position))
        progress("read", catalogue.position, evidence.size)


def is_of(evidence: Evidence, catalogue: Catalogue) -> bool:
    """Tell whether the catalogue was made from this journal, and not from a longer or other one."""
    if catalogue.position > evidence.size:
        return False
    return (catalogue.meta("last") or "") == _mark(evidence, catalogue.position)


def _hole(position: int) -> OperationError:
    return OperationError(
        _("The journal lacks its entry {position}.").format(position=position),
        advice=_("Run `archiver verify`, and put the folder journal back from a backup."),
    )


def gaps(catalogue: Catalogue) -> tuple[Position, ...]:
    """Return the records whose object could not be read when they were catalogued."""
    return tuple(Position(each) for each in json.loads(catalogue.meta("gaps") or "[]"))


def can_be_filled(evidence: Evidence, missing: Iterable[Position]) -> bool:
    """Tell whether the object of any of these records can be read now."""
    return any(_object(evidence, position) is not None for position in islice(missing, _GAPS_TRIED))


def _object(evidence: Evidence, position: Position) -> bytes | None:
    try:
        return evidence.read(evidence.record(position).object)
    except OperationError:
        return None


def _mark(evidence: Evidence, position: int) -> str:
    """Return what tells the entry before POSITION from every other: its salt makes it unique."""
    return Digest.of(evidence.raw_entry(Position(position - 1))).hex if position else ""


def is_level(evidence: Evidence, catalogue: Catalogue, rules: Rules) -> bool:
    """Tell whether the catalogue has taken in the whole journal under these rules."""
    return catalogue.position >= evidence.size and catalogue.meta("rules") == rules.version.hex


def _take_in(evidence: Evidence, batch: Batch, entry: Entry) -> None:
    match entry.payload:
        case Record() as record:
            reading, form = _read_record(evidence, batch, entry.position, record.object)
            batch.add_record(
                entry.position,
                record.object,
                record.size,
                record.kind,
                entry.at,
                reading,
                form,
                copy_key(reading) if isinstance(reading, Reading) else None,
            )
        case Sighting() as sighting:
            batch.add_sighting(entry.position, entry.at, sighting)
        case Tag() | Untag() | Undo() as decision:
            batch.add_decision(entry.position, entry.actor, decision)
        case Scan() as scan:
            batch.add_scan(scan)
        case FolderChange() as change:
            batch.add_folder_change(change)
        case Export() as export:
            batch.add_export(entry.position, entry.at, export)
        case Erased(erase=erase):
            batch.refuse_erased(_erased_records(evidence, erase))
        case _:
            pass


def _erased_records(evidence: Evidence, erase: Position) -> tuple[Position, ...]:
    match evidence.entry(erase):
        case Entry(payload=Erase(records=records)):
            return records
        case _:
            return ()


def _read_record(
    evidence: Evidence, batch: Batch, position: Position, digest: Digest
) -> tuple[Reading | Unreadable, Digest]:
    """Read one record, and its normal form; one whose object cannot be read is noted as a gap.

    A gap is like no other record, and is filled as soon as its object is back.
    """
    try:
        data = evidence.read(digest)
    except OperationError as error:
        batch.set_meta("gaps", json.dumps([*json.loads(batch.meta("gaps") or "[]"), position]))
        return Unreadable(defects=(Defect("object-missing", error.what),)), digest
    return read(data), normal_form(data)


def _tag(batch: Batch, rules: Rules) -> None:
    from archiver.engagements.tagging import Tagger

    changed = batch.meta("rules") != rules.version.hex
    threads: Iterable[Position] = batch.all_threads() if changed else batch.touched_threads()
    tagger = Tagger(rules.engagements, own=rules.own, time_zone=rules.time_zone)
    for thread in sorted(threads):
        batch.set_tagging(thread, tagger.tag(batch.facts(thread), batch.decisions(thread)))
    if changed:
        batch.set_meta("rules", rules.version.hex)


def index_up(catalogue: Catalogue, engine: Engine, *, progress: Progress = silent) -> None:
    """Bring the search index level with the catalogue, in one commit."""
    target = catalogue.position
    if engine.position >= target:
        return
    start = engine.position
    engine.add(_counted(catalogue.documents(start), progress))
    engine.commit(position=target)


def _counted(documents: Iterable[Document], progress: Progress) -> Iterator[Document]:
    number = 0
    for number, document in enumerate(documents, 1):
        if number % 500 == 0:
            progress("index", number, None)
        yield document
    progress("index", number, number)
