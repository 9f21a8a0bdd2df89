"""What happened to one record, read from the journal, in order."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from gettext import gettext as _
from gettext import ngettext

from archiver.custody.acts import Act, act_of, entry_at
from archiver.evidence.journal.codec import type_of
from archiver.evidence.journal.database import integer
from archiver.evidence.reader import Reader
from archiver.model.anchors import Anchor
from archiver.model.custody import Emptied, Erase, Erased, Hold, Note, Release
from archiver.model.digest import Position
from archiver.model.entries import Entry, Export, Record, Sighting, Undo, Vanished
from archiver.model.sources import ImapSource
from archiver.model.uidset import parse_uids


def life(
    evidence: Reader, position: Position, *, engagements: Collection[str] = ()
) -> tuple[Act, ...]:
    """Return what happened to the record at POSITION, in order; of another entry, what it says.

    Of an erased record what is left is told: when it was kept, decisions about it, exports, under
    which entry it was erased. ENGAGEMENTS are those that it belongs to: holds of them concern it.
    Raises UsageError when there is no such entry.
    """
    entry = entry_at(evidence, position)
    if type_of(entry.payload) != "record":
        return (act_of(entry),)
    return _Life(evidence, position, frozenset(engagements)).tell()


class _Life:
    """Gathers the acts that concern one record."""

    def __init__(self, evidence: Reader, record: Position, engagements: frozenset[str]) -> None:
        self._evidence = evidence
        self._record = record
        self._engagements = engagements
        self._acts: dict[Position, Act] = {}
        self._words: dict[Position, str] = {}
        self._places: list[ImapSource] = []

    def tell(self) -> tuple[Act, ...]:
        for entry in self._naming():
            self._take(entry)
        for type_ in ("undo", "export", "hold", "erase", "note", "vanished"):
            for entry in self._of_type(type_):
                self._take_rare(entry)
        for entry in (*self._of_type("release"), *self._of_type("erased")):
            self._take_end(entry)
        self._take_stamps()
        found = (self._acts[position] for position in sorted(self._acts))
        return tuple(replace(act, words=self._words.get(act.position, "")) for act in found)

    def _naming(self) -> Iterator[Entry]:
        """Yield the record's own entry and those that name it, all types but lists of records."""
        yield entry_at(self._evidence, self._record)
        mark = f'"record":{self._record},'.encode()  # canonical JSON: never the last key
        for row in self._evidence.database.all(
            "SELECT position FROM entry WHERE position > ? AND instr(body, ?) ORDER BY position",
            self._record,
            mark,
        ):
            yield entry_at(self._evidence, integer(row[0]))

    def _of_type(self, type_: str) -> Iterator[Entry]:
        for entry in self._evidence.entries_of(type_):
            if entry.position > self._record:
                yield entry

    def _take(self, entry: Entry) -> None:
        match entry.payload:
            case Record() | Emptied():
                self._put(entry)
            case Sighting(record=self._record):
                self._put(entry)
                if isinstance(entry.payload.source, ImapSource):
                    self._places.append(entry.payload.source)
            case payload if getattr(payload, "record", None) == self._record:
                self._put(entry)
            case _:
                pass

    def _take_rare(self, entry: Entry) -> None:
        match entry.payload:
            case Undo(entry=undone) if undone in self._acts:
                self._put(entry)
            case Export() as export:
                for number, record in export.numbers:
                    if record == self._record:
                        self._put(entry, _handed_over(export, number))
            case Hold() as hold if self._record in hold.records:
                self._put(entry)
            case Hold(engagement=str() as slug) if slug in self._engagements:
                self._put(entry)
            case Erase() as erase if self._record in erase.records:
                self._put(entry, _("It is to be erased: {basis}").format(basis=erase.basis))
            case Note() as note if note.entry in self._acts:
                self._words[note.entry] = note.words
            case Vanished() as vanished:
                self._take_vanished(entry, vanished)
            case _:
                pass

    def _take_end(self, entry: Entry) -> None:
        match entry.payload:
            case Release(entry=ended) if ended in self._acts:
                self._put(entry)
            case Erased(erase=announced) if announced in self._acts:
                self._put(entry, _("Erased under entry {entry}.").format(entry=announced))
            case _:
                pass

    def _take_vanished(self, entry: Entry, vanished: Vanished) -> None:
        here = (vanished.account, vanished.folder, vanished.uidvalidity)
        uids = [
            place.uid
            for place in self._places
            if (place.account, place.folder, place.uidvalidity) == here
        ]
        if uids and not parse_uids(vanished.uids).isdisjoint(uids):
            what = _("No longer in {folder} of {account}; kept here.").format(
                folder=vanished.folder, account=vanished.account
            )
            self._put(entry, what)

    def _take_stamps(self) -> None:
        """Take the first time-stamp that covers the record, and say how many follow."""
        covering = [
            (entry, entry.payload)
            for entry in self._of_type("anchor")
            if isinstance(entry.payload, Anchor) and entry.payload.size > self._record
        ]
        if not covering:
            return
        entry, anchor = min(covering, key=lambda each: (each[1].size, each[0].position))
        what = _("First covered by a time-stamp: {authority}, {time}.").format(
            authority=anchor.authority, time=anchor.time.isoformat(timespec="seconds")
        )
        if more := len(covering) - 1:
            what += " " + ngettext(
                "{n} later one covers it too.", "{n} later ones cover it too.", more
            ).format(n=more)
        self._put(entry, what)

    def _put(self, entry: Entry, what: str = "") -> None:
        self._acts[entry.position] = act_of(entry, what)


def _handed_over(export: Export, number: int) -> str:
    if export.engagement:
        what = _("Handed over as exhibit {number} of {slug}.").format(
            number=number, slug=export.engagement
        )
    else:
        what = _("Its proof was written.")
    if export.recipient:
        what += " " + _("It is for {recipient}.").format(recipient=export.recipient)
    return what
