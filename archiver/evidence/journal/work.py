"""What saves work and proves nothing: cursors, volumes spent, when accounts were synchronised.

No entry says it, nobody needs to believe it. A cursor that lies can only delay what it hides, until
the next full enumeration of its folder.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

from archiver.evidence.journal.canonical import LARGEST
from archiver.evidence.journal.database import Database, Value, integer, text
from archiver.evidence.journal.names import key, unkey
from archiver.model.cursors import Cursor, Status

_REASON = 500  # letters: a server may say more than anybody reads


class Work:
    """The tables of one journal; what changes them is called inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note_sync(self, account: str, at: datetime, *, good: bool, reason: str = "") -> None:
        """Remember that an attempt to synchronise ACCOUNT ended AT, and whether all went well."""
        moment = at.isoformat()
        self._database.many(
            "INSERT INTO sync VALUES (?, ?, ?) ON CONFLICT (account) DO UPDATE"
            " SET attempt = excluded.attempt, good = coalesce(excluded.good, good)",
            [(key(account), moment, moment if good else None)],
        )
        if good:
            self._database.many("DELETE FROM trouble WHERE account = ?", [(key(account),)])
            return
        self._database.many(
            "INSERT INTO trouble VALUES (?, 1, ?) ON CONFLICT (account) DO UPDATE"
            " SET attempts = min(attempts + 1, ?), reason = excluded.reason",
            [(key(account), _held(reason[:_REASON]), LARGEST)],
        )

    def last_syncs(self) -> Mapping[str, tuple[datetime | None, datetime | None]]:
        """Return for each account when it was last tried, and when it last went well."""
        return {
            unkey(text(account)): (
                datetime.fromisoformat(text(attempt)),
                datetime.fromisoformat(text(good)) if good else None,
            )
            for account, attempt, good in self._database.all("SELECT * FROM sync")
        }

    def trouble_of(self, account: str) -> tuple[int, str]:
        """Return how often ACCOUNT was tried in vain since it last went well, and the last why."""
        row = self._database.one(
            "SELECT attempts, reason FROM trouble WHERE account = ?", key(account)
        )
        return (integer(row[0]), text(row[1])) if row else (0, "")

    def cursors(self, account: str) -> Mapping[str, Cursor]:
        """Return the cursors of ACCOUNT by folder; one that cannot be read is left out."""
        rows = self._database.all(
            "SELECT folder, uidvalidity, uidnext, messages, modseq, mailbox_id, whole, done, rules"
            " FROM cursor WHERE account = ?",
            key(account),
        )
        found = (_cursor(row) for row in rows)
        return {cursor.folder: cursor for cursor in found if cursor is not None}

    def put_cursors(
        self, account: str, cursors: Sequence[Cursor], forget: Collection[str] = ()
    ) -> None:
        """Replace CURSORS of ACCOUNT, and drop those of the folders FORGET.

        One whose numbers SQLite cannot hold is dropped: its folder is read again next time.
        """
        held = [cursor for cursor in cursors if _is_held(cursor.status)]
        gone = {cursor.folder for cursor in cursors} - {cursor.folder for cursor in held}
        self._database.many(
            "DELETE FROM cursor WHERE account = ? AND folder = ?",
            [(key(account), key(folder)) for folder in (*forget, *gone)],
        )
        self._database.many(
            "INSERT OR REPLACE INTO cursor VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(key(account), *_row(cursor)) for cursor in held],
        )

    def spend(self, account: str, day: date, fetched: int, rechecked: int) -> None:
        """Add to the bytes that ACCOUNT fetched on DAY."""
        self._database.many(
            "INSERT INTO volume VALUES (?, ?, ?, ?) ON CONFLICT (account, day) DO UPDATE"
            " SET fetched = fetched + excluded.fetched, rechecked = rechecked + excluded.rechecked",
            [(key(account), day.isoformat(), fetched, rechecked)],
        )

    def spent(self, account: str, day: date) -> tuple[int, int]:
        """Return the bytes that ACCOUNT fetched on DAY: (fetched, rechecked)."""
        row = self._database.one(
            "SELECT fetched, rechecked FROM volume WHERE account = ? AND day = ?",
            key(account),
            day.isoformat(),
        )
        return (integer(row[0]), integer(row[1])) if row else (0, 0)

    def note_looked(self, account: str, position: int) -> None:
        """Remember up to which POSITION messages were looked for around what was kept."""
        self._database.many(
            "INSERT OR REPLACE INTO looked VALUES (?, ?)", [(key(account), position)]
        )

    def looked(self, account: str) -> int:
        """Return up to which position that was done; 0: never."""
        row = self._database.one("SELECT position FROM looked WHERE account = ?", key(account))
        return integer(row[0]) if row else 0


def _held(words: str) -> str:
    """Return WORDS, which a server may have said, as UTF-8 can hold them."""
    return words.encode("utf-8", "replace").decode()


def _is_held(status: Status) -> bool:
    numbers = (status.uidvalidity, status.uidnext, status.exists, status.modseq or 0)
    return min(numbers) >= 0 and max(numbers) <= LARGEST


def _row(cursor: Cursor) -> tuple[Value, ...]:
    status = cursor.status
    return (
        key(cursor.folder),
        status.uidvalidity,
        status.uidnext,
        status.exists,
        status.modseq,
        key(status.mailbox_id),
        cursor.whole.isoformat(),
        int(cursor.done),
        cursor.rules,
    )


def _cursor(row: tuple[Value, ...]) -> Cursor | None:
    folder, uidvalidity, uidnext, exists, modseq, mailbox_id, whole, done, rules = row
    try:
        moment = datetime.fromisoformat(text(whole))
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return Cursor(
        folder=unkey(text(folder)),
        status=Status(
            uidvalidity=integer(uidvalidity),
            uidnext=integer(uidnext),
            exists=integer(exists),
            modseq=None if modseq is None else integer(modseq),
            mailbox_id=unkey(text(mailbox_id)),
        ),
        whole=moment,
        done=done == 1,
        rules=text(rules),
    )
