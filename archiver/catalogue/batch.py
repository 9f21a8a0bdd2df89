"""What may be written into a catalogue: journal entries, and what is derived from them."""

from collections.abc import Iterable
from datetime import datetime
from gettext import gettext as _

from archiver.catalogue import links, rows, tagging
from archiver.catalogue.database import CatalogueUnusable, Database, clean, listed
from archiver.model.digest import Digest, Position
from archiver.model.entries import (
    Export,
    FolderChange,
    FolderScan,
    Scan,
    Sighting,
    Tag,
    Undo,
    Untag,
)
from archiver.model.intervals import Intervals
from archiver.model.reading import Reading, Unreadable
from archiver.model.record import record_date
from archiver.model.sources import ImapSource
from archiver.model.tagging import Decision, RecordFacts, Tagging

_RECORD = "INSERT INTO record VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"
_CONTENT = "INSERT INTO content VALUES (?,?,?,?,?,?,?)"
_PARTICIPANT = "INSERT INTO participant VALUES (?,?,?,?,?,?)"
_ATTACHMENT = "INSERT INTO attachment VALUES (?,?,?,?,?,?,?,?,?)"
_DEFECT = "INSERT INTO defect VALUES (?,?,?,?,?,?)"
_SIGHTING = "INSERT INTO sighting VALUES (?,?,?,?,?,?,?,?,?)"


class Batch:
    """One transaction: entries taken in, tags derived, and the position they lead up to.

    Use it inside ``Catalogue.batch()`` only. Entries come in journal order; wherever the borders of
    batches fall, the content comes out the same.
    """

    def __init__(self, database: Database) -> None:
        """Write into DATABASE, whose transaction is open."""
        self._database = database
        self._touched: set[Position] = set()

    @property
    def position(self) -> int:
        """How many journal entries are taken in, as read inside this transaction."""
        return int(self.meta("position") or 0)

    @position.setter
    def position(self, value: int) -> None:
        self.set_meta("position", str(value))

    def meta(self, key: str) -> str | None:
        """Return a small value that was noted under KEY."""
        return meta(self._database, key)

    def set_meta(self, key: str, value: str) -> None:
        """Note a small value."""
        self._database.run(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, value),
        )

    # --- journal entries -------------------------------------------------------------------------

    def add_record(  # noqa: PLR0917 - the columns of one row, in the order that callers rely on
        self,
        position: Position,
        digest: Digest,
        size: int,
        kind: str,
        first_seen: datetime,
        reading: Reading | Unreadable,
        normal_form: Digest,
        copy_key: str | None,
    ) -> None:
        """Take in a ``record`` entry with what was read in its bytes.

        Raises CatalogueUnusable when the position or the digest is known already: then catalogue
        and journal do not belong together.
        """
        readable = isinstance(reading, Reading)
        header = reading.date if isinstance(reading, Reading) else None
        date, basis = record_date(header, self._internaldate(position), first_seen)
        thread_names = links.thread_names(reading)
        variant_names = links.variant_names(normal_form, copy_key)
        self._database.run(
            _RECORD,
            (
                position,
                bytes.fromhex(digest.hex),
                size,
                clean(kind),
                readable,
                rows.seconds(date),
                rows.written(date),
                basis,
                clean(reading.subject) if isinstance(reading, Reading) else "",
                clean(reading.message_id) if isinstance(reading, Reading) else "",
                links.join_thread(self._database, position, thread_names),
                links.join_variants(self._database, position, variant_names),
            ),
        )
        self._add_content(position, first_seen, reading)
        self._touched.add(position)

    def _add_content(
        self, position: Position, first_seen: datetime, reading: Reading | Unreadable
    ) -> None:
        defects = rows.defects(position, rows.MESSAGE, reading.defects)
        content: tuple[str | None, ...] = (None, "[]", "[]", "", "")
        if isinstance(reading, Reading):
            content = (
                rows.written(reading.date),
                rows.pack([rows.written(hop) for hop in reading.received]),
                rows.pack(reading.headers),
                clean(reading.language),
                clean(reading.text),
            )
            self._database.run_many(_PARTICIPANT, rows.participants(position, reading))
            self._database.run_many(_ATTACHMENT, rows.attachments(position, reading))
            for number, attachment in enumerate(reading.attachments):
                defects += rows.defects(position, number, attachment.defects)
        self._database.run(_CONTENT, (position, rows.written(first_seen), *content))
        self._database.run_many(_DEFECT, defects)

    def add_sighting(self, entry: Position, at: datetime, sighting: Sighting) -> None:
        """Take in a ``sighting`` entry; the first one of a record may settle the record's date.

        One whose bytes were read takes the place of what was presumed to be there.
        """
        account, folder, source = rows.place(sighting.source)
        if sighting.match == "digest" and isinstance(sighting.source, ImapSource):
            self._forget_presumed(account, folder, sighting.source)
        self._database.run(
            _SIGHTING,
            (
                entry,
                sighting.record,
                rows.written(at),
                account,
                folder,
                rows.written(sighting.internaldate),
                rows.pack(sighting.flags),
                sighting.match,
                source,
            ),
        )
        self._database.run_many(
            "INSERT INTO label VALUES (?, ?, ?, ?)",
            [(account, name, sighting.record, entry) for name in rows.labels(sighting.source)],
        )
        self._touched.add(sighting.record)
        if sighting.internaldate is not None:
            self._settle_date(sighting.record)

    def _forget_presumed(self, account: str, folder: str, source: ImapSource) -> None:
        for entry, record in self._database.all(
            "SELECT entry, record FROM sighting WHERE account = ? AND folder = ?"
            " AND json_extract(source, '$[5]') = ? AND json_extract(source, '$[6]') = ?"
            " AND match = 'attributes'",
            (account, folder, source.uidvalidity, source.uid),
        ):
            self._database.run("DELETE FROM sighting WHERE entry = ?", (entry,))
            self._database.run("DELETE FROM label WHERE record = ? AND entry = ?", (record, entry))
            self._touched.add(Position(record))

    def _settle_date(self, record: Position) -> None:
        """Compute the date again; a plausible Date header stands whatever servers say."""
        row = self._database.one(
            "SELECT c.first_seen, c.date_header"
            " FROM record r JOIN content c ON c.record = r.position"
            " WHERE r.position = ? AND r.date_basis <> 'date-header'",
            (record,),
        )
        if row is None:
            return
        first_seen, header = datetime.fromisoformat(row[0]), rows.moment(row[1])
        date, basis = record_date(header, self._internaldate(record), first_seen)
        self._database.run(
            "UPDATE record SET date = ?, date_text = ?, date_basis = ? WHERE position = ?",
            (rows.seconds(date), rows.written(date), basis, record),
        )

    def _internaldate(self, record: Position) -> datetime | None:
        """Return the INTERNALDATE of the first sighting, so that later copies change nothing."""
        row = self._database.one(
            "SELECT internaldate FROM sighting WHERE record = ? ORDER BY entry LIMIT 1", (record,)
        )
        return None if row is None else rows.moment(row[0])

    def add_decision(self, entry: Position, actor: str, payload: Tag | Untag | Undo) -> None:
        """Take in what a person decided, or took back; an Undo of anything else changes nothing."""
        if isinstance(payload, Undo):
            self._undo(entry, payload.entry)
            return
        belongs = isinstance(payload, Tag)
        self._database.run(
            "INSERT INTO decision VALUES (?, ?, ?, ?, ?, ?, NULL)",
            (
                entry,
                payload.record,
                clean(payload.engagement),
                belongs,
                clean(actor),
                clean(payload.decision),
            ),
        )
        self._touched.add(payload.record)

    def _undo(self, entry: Position, undone: Position) -> None:
        self._database.run(
            "UPDATE decision SET undone_by = ? WHERE entry = ? AND undone_by IS NULL",
            (entry, undone),
        )
        row = self._database.one("SELECT record FROM decision WHERE entry = ?", (undone,))
        if row is not None:
            self._touched.add(Position(row[0]))

    def add_scan(self, payload: Scan) -> None:
        """Take in a ``scan`` entry: what its folders are for, and what could not be fetched."""
        account = clean(payload.account)
        folders = [folder for folder in payload.folders if not folder.error]
        for folder in folders:
            name = clean(folder.folder)
            self._forget_unfetched(account, name, folder)
            self._database.run_many(
                "INSERT OR REPLACE INTO unfetched VALUES (?, ?, ?, ?)",
                [(account, name, uid, clean(reason)) for uid, reason in folder.failed],
            )
        self._database.run_many(
            "INSERT OR REPLACE INTO folder_role VALUES (?, ?, ?)",
            [(account, clean(folder.folder), folder.role or "") for folder in folders],
        )

    def add_folder_change(self, payload: FolderChange) -> None:
        """Take in a ``folder-change`` entry: what a folder still had that is gone is not to be had.

        The folder that it became is looked at anew, and that scan says what of it is not fetched.
        """
        left = {"gone": payload.folder, "renamed": payload.previous}.get(payload.change)
        if left is not None:
            self._database.run(
                "DELETE FROM unfetched WHERE account = ? AND folder = ?",
                (clean(payload.account), clean(left)),
            )

    def _forget_unfetched(self, account: str, name: str, folder: FolderScan) -> None:
        """Take back what could not be fetched before, as far as a scan of the folder looked."""
        if folder.full or not folder.looked:  # before there was ``looked``, every scan was full
            self._database.run(
                "DELETE FROM unfetched WHERE account = ? AND folder = ?", (account, name)
            )
            return
        looked = Intervals.parse(folder.looked)
        self._database.run_many(
            "DELETE FROM unfetched WHERE account = ? AND folder = ? AND uid BETWEEN ? AND ?",
            [(account, name, *run) for run in looked.runs],
        )

    def add_export(self, entry: Position, at: datetime, payload: Export) -> None:
        """Take in an ``export`` entry; a number that is given keeps its record for ever."""
        engagement = clean(payload.engagement)
        self._database.run(
            "INSERT INTO export VALUES (?, ?, ?, ?)",
            (entry, rows.written(at), engagement, bytes.fromhex(payload.manifest.hex)),
        )
        self._database.run_many(
            "INSERT INTO exhibit VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
            " SET record = excluded.record, entry = excluded.entry WHERE excluded.entry < entry",
            [(engagement, number, record, entry) for number, record in payload.numbers],
        )

    def refuse_erased(self, records: Iterable[Position]) -> None:
        """Raise CatalogueUnusable when one of RECORDS, which were erased, is still known here.

        Taking the rows out would leave copies between the pages: all of it must be made again.
        """
        held = self._database.numbers(
            "SELECT position FROM record WHERE position IN (SELECT value FROM json_each(?))",
            (listed(records),),
        )
        if held:
            raise CatalogueUnusable(_("it holds records that were erased since"))

    # --- tags ------------------------------------------------------------------------------------

    def touched_threads(self) -> frozenset[Position]:
        """Return the threads whose records, sightings or decisions changed in this batch.

        A thread that was joined to another shows as the one that both are now.
        """
        found = self._database.numbers(
            "SELECT DISTINCT thread FROM record WHERE position IN (SELECT value FROM json_each(?))",
            (listed(self._touched),),
        )
        return frozenset(Position(thread) for thread in found)

    def all_threads(self) -> tuple[Position, ...]:
        """Return every thread, in journal order."""
        return tagging.all_threads(self._database)

    def facts(self, thread: Position) -> tuple[RecordFacts, ...]:
        """Return what rules look at for each record of a thread, in journal order."""
        return tagging.facts(self._database, thread)

    def decisions(self, thread: Position) -> tuple[Decision, ...]:
        """Return what persons said last about each record and engagement of a thread."""
        return tagging.decisions(self._database, thread)

    def set_tagging(self, thread: Position, outcome: Tagging) -> None:
        """Replace all tags and open questions of a thread's records."""
        tagging.set_tagging(self._database, thread, outcome)


def meta(database: Database, key: str) -> str | None:
    """Return a small value that was noted under KEY."""
    row = database.one("SELECT value FROM meta WHERE key = ?", (key,))
    return None if row is None else str(row[0])
