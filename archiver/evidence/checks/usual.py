"""Recognises the entries that nearly every archive consists of, without parsing their JSON.

A pattern that matches the whole of an entry proves at once that it can be read, that it is in
canonical form and that it has a salt: tests compare it with the codec. What does not match is not
wrong, only unusual: the codec looks at it.
"""

import re
from datetime import UTC, datetime

from archiver.evidence.checks.named import Row

_TEXT = r'[^"\\\x00-\x1f]*'  # without any escape
_ESCAPED = rf"{_TEXT}(?:\\\\{_TEXT})*"  # with backslashes, as flags have them
_NUMBER = r"(?:0|[1-9][0-9]{0,17})"  # less than 2^63
_SALT = "[0-9a-f]{32}"
_FLAGS = rf'\[(?:"{_ESCAPED}"(?:,"{_ESCAPED}")*)?\]'
_LABELS = rf'(?:"labels":\["{_ESCAPED}"(?:,"{_ESCAPED}")*\],)?'

_RECORD = re.compile(
    rf'\{{"actor":"{_TEXT}","at":"({_TEXT})","kind":"{_TEXT}","object":"([0-9a-f]{{64}})",'
    rf'"salt":"{_SALT}","size":({_NUMBER}),"sw":"{_TEXT}","type":"record","v":1\}}'
)
_SIGHTING = re.compile(
    rf'\{{"actor":"{_TEXT}","at":"({_TEXT})","flags":{_FLAGS},'
    rf'"internaldate":(?:null|"({_TEXT})"),"match":"(digest|attributes)",'
    rf'"record":({_NUMBER}),"salt":"{_SALT}","source":\{{(?:'
    rf'(?:"folder":"{_TEXT}",)?"kind":"file",{_LABELS}(?:"made_from":"{_TEXT}",)?'
    rf'"member":({_NUMBER}),"offset":({_NUMBER}),"path":"({_TEXT})"|'
    rf'"account":"({_TEXT})","certificate":(?:null|"{_TEXT}"),"folder":"({_TEXT})",'
    rf'(?:"gmail_id":"{_TEXT}",)?"host":"{_TEXT}","kind":"imap",{_LABELS}'
    rf'"uid":({_NUMBER}),"uidvalidity":({_NUMBER})'
    rf')\}},"sw":"{_TEXT}","type":"sighting","v":1\}}'
)
_MARK = "json:"  # what ``journal.key`` marks: names that the tables hold in another form
_TIMES = 1000


class Usual:
    """Reads ``record`` and ``sighting`` entries; remembers the times that it has read."""

    def __init__(self) -> None:
        self._times: dict[str, datetime] = {}
        self.at = datetime.min.replace(tzinfo=UTC)
        """When the entry that was read last says that it was written."""

    def record(self, body: bytes) -> Row | None:
        """Return (digest, size) of a ``record`` entry, None if it is not a usual one."""
        found = _match(_RECORD, body)
        if found is None:
            return None
        written, digest, size = found.groups()
        at = self._time(written)
        if at is None:
            return None
        self.at = at
        return bytes.fromhex(digest), int(size)

    def sighting(self, body: bytes) -> tuple[int, str, Row] | None:
        """Return the record, the table and the row of a ``sighting``, None if it is not usual."""
        found = _match(_SIGHTING, body)
        if found is None:
            return None
        written, internal, match, record, *place = found.groups()
        member, offset, path, account, folder, uid, epoch = place
        at = self._time(written)
        if at is None or (internal is not None and self._time(internal) is None):
            return None
        self.at = at
        position = int(record)
        if path is not None:
            if path.startswith(_MARK):
                return None
            return position, "file_position", (path, int(member), int(offset), position)
        if account.startswith(_MARK) or folder.startswith(_MARK):
            return None
        table = "presumed" if match == "attributes" else "uid"
        return position, table, (account, folder, int(epoch), int(uid), position)

    def _time(self, written: str) -> datetime | None:
        known = self._times.get(written)
        if known is not None:
            return known
        try:
            moment = datetime.fromisoformat(written)
        except ValueError:
            return None
        if moment.tzinfo is None:
            return None
        if len(self._times) >= _TIMES:
            self._times.clear()
        self._times[written] = moment
        return moment


def _match(pattern: re.Pattern[str], body: bytes) -> re.Match[str] | None:
    try:
        return pattern.fullmatch(body.decode())
    except UnicodeDecodeError:
        return None
