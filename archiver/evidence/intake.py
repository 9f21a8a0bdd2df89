"""What a batch of incoming writings adds to the journal."""

from collections.abc import Mapping

from archiver.evidence.journal.journal import Journal, Place, place
from archiver.model.digest import Digest, Position
from archiver.model.entries import Epoch, Payload, Record, Sighting
from archiver.model.incoming import Incoming, Kept
from archiver.model.sources import HandSource, ImapSource


class Intake:
    """Plans the entries of one batch, in which later items see what earlier ones add.

    An item adds its ``record`` entry when its bytes are new, and its ``sighting`` unless these
    bytes were seen at this very place before. What is handed in by a person has no place: it is
    sighted each time. Other bytes under a UID that was used are kept and sighted like any.
    """

    def __init__(self, journal: Journal, known: Mapping[Digest, Position]) -> None:
        """Plan after the journal's last entry; KNOWN: positions of the digests it has."""
        self.first = journal.size
        self.payloads: list[Payload] = []
        self._journal = journal
        self._records = dict(known)
        self._seen: set[tuple[Place, Position]] = set()
        self._epochs = Epochs(journal)

    def take(self, incoming: Incoming, digest: Digest) -> Kept:
        """Plan what INCOMING adds, and say what becomes of it."""
        where = None if isinstance(incoming.source, HandSource) else place(incoming.source)
        position = self._records.get(digest)
        new = position is None
        if position is not None and where and self._is_known(incoming, where, position):
            return Kept(digest=digest, position=position, new=False, sighted=False)
        if isinstance(incoming.source, ImapSource):
            self._open_epoch(incoming.source)
        if position is None:
            record = Record(object=digest, size=incoming.size, kind=incoming.kind)
            position = self._records[digest] = self._plan(record)
        self._plan(
            Sighting(
                record=position,
                source=incoming.source,
                internaldate=incoming.internaldate,
                flags=incoming.flags,
            )
        )
        if where:
            self._seen.add((where, position))
        return Kept(digest=digest, position=position, new=new, sighted=True)

    def _plan(self, payload: Payload) -> Position:
        self.payloads.append(payload)
        return Position(self.first + len(self.payloads) - 1)

    def _is_known(self, incoming: Incoming, where: Place, record: Position) -> bool:
        if (where, record) in self._seen:
            return True
        return record < self.first and record in self._journal.records_at(incoming.source)

    def _open_epoch(self, source: ImapSource) -> None:
        epoch = self._epochs.opened_by(source)
        if epoch is not None:
            self._plan(epoch)


class Epochs:
    """Notices a folder that is met for the first time, or with another UIDVALIDITY."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._newest: dict[tuple[str, str], int | None] = {}

    def opened_by(self, source: ImapSource) -> Epoch | None:
        """Return the entry that stands before a sighting at SOURCE; None: its epoch is known."""
        folder = source.account, source.folder
        if folder not in self._newest:
            self._newest[folder] = self._journal.last_uidvalidity(*folder)
        last = self._newest[folder]
        if last == source.uidvalidity:
            return None
        self._newest[folder] = source.uidvalidity
        return Epoch(
            account=source.account,
            folder=source.folder,
            uidvalidity=source.uidvalidity,
            previous=last,
        )

    def opened(self, epoch: Epoch) -> None:
        """Learn of an EPOCH that is journalled by itself."""
        self._newest[epoch.account, epoch.folder] = epoch.uidvalidity
