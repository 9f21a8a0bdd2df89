"""Recognise messages without fetching them: same size, same INTERNALDATE, same Message-ID.

What is recognised so is presumed, never proved: a sighting by attributes, until its bytes were
fetched as well.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from archiver.evidence.store import Evidence
from archiver.mailbox.alike import Lookalikes, message_id_of
from archiver.model.digest import Digest, Position
from archiver.model.places import Place

_HEAD = 64 * 1024
"""Bytes of an object in which its Message-ID is looked for."""

_FEW = 4
"""Records of one shape that are read anew each time: most are alone, and memory is saved."""

_Shape = tuple[int, float]
"""Size in bytes, and INTERNALDATE as a moment."""
_One = tuple[Position, str]
"""A record and the digest of its bytes."""


class Known:
    """Records by what a server says of a message without its bytes; for use in any thread."""

    def __init__(self, objects: Path, places: Iterable[Place]) -> None:
        """Take in PLACES; OBJECTS is the folder in which their bytes are."""
        self._objects = objects
        self._records: dict[_Shape, list[_One]] = {}
        self._named: dict[_Shape, dict[bytes, set[Position]]] = {}
        """Records by their Message-ID, where many are of one shape: each is read once."""
        for place in places:
            if place.internaldate is not None:
                shape = place.size, place.internaldate.timestamp()
                one = place.record, place.digest.hex
                others = self._records.setdefault(shape, [])
                if len(others) > _FEW or one not in others:
                    others.append(one)

    def __bool__(self) -> bool:
        return bool(self._records)

    def may_be(self, size: int, internaldate: datetime) -> bool:
        """Tell whether a record of this SIZE was seen with this INTERNALDATE."""
        return (size, internaldate.timestamp()) in self._records

    def find(self, size: int, internaldate: datetime, message_id: bytes) -> Position | None:
        """Return the one record that has these three; None when there is none, or several."""
        if not message_id:
            return None
        shape = size, internaldate.timestamp()
        found = self._by_id(shape).get(message_id, frozenset[Position]())
        return next(iter(found)) if len(found) == 1 else None

    def _by_id(self, shape: _Shape) -> Mapping[bytes, set[Position]]:
        """Return the records of one shape by their Message-ID."""
        if shape in self._named:
            return self._named[shape]
        found: dict[bytes, set[Position]] = {}
        records = self._records.get(shape, ())
        for record, digest in records:
            found.setdefault(self._message_id(Digest(digest)), set()).add(record)
        if len(records) > _FEW:
            self._named[shape] = found
        return found

    def _message_id(self, digest: Digest) -> bytes:
        try:
            with (self._objects / digest.hex[:2] / digest.hex).open("rb") as file:
                return message_id_of(file.read(_HEAD))
        except OSError:
            return b""  # `verify` says what is missing; here the message is simply fetched


class Recogniser:
    """Which records the messages of a folder may be; asked in the thread of EVIDENCE."""

    def __init__(self, evidence: Evidence, account: str) -> None:
        """Nothing is read yet."""
        self._evidence = evidence
        self._account = account
        self._all: Known | None = None
        self._gone: list[Place] = []

    def went(self, folder: str, uidvalidity: int, uids: frozenset[int]) -> None:
        """Note that UIDS were found to be gone: they may turn up in another folder."""
        self._gone += [
            place
            for place in self._evidence.places(self._account, folder)
            if place.uidvalidity == uidvalidity and place.uid in uids
        ]

    def lookalikes(self, _folder: str, _uidvalidity: int, fresh: bool) -> Lookalikes | None:  # noqa: FBT001  a callback
        """Return what messages of a folder are compared with; None: with nothing.

        Where the epoch is FRESH that is all that the account held when this was asked first, else
        what went from other folders in this run.
        """
        if fresh and self._all is None:
            # Not what this run fetches: a first sync compares nothing with anything.
            self._all = self._known(self._evidence.places(self._account))
        known = self._all if fresh else self._known(self._gone)
        return known or None

    def _known(self, places: Iterable[Place]) -> Known:
        return Known(self._evidence.objects.folder, places)
