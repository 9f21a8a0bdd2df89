"""The part of a check that looks at the states of UIDs: kept, fetched since, vanished, erased."""

from collections import Counter
from collections.abc import Callable, Mapping
from gettext import ngettext

from archiver.evidence.journal.database import Database, integer
from archiver.evidence.journal.names import key
from archiver.model.entries import Vanished
from archiver.model.uidset import parse_uids

_STATES = {
    "uid": "('kept', 'vanished', 'erased')",
    "presumed": "('kept', 'fetched', 'vanished', 'erased')",
}
_HERE = "account = ? AND folder = ? AND uidvalidity = ? AND uid = ?"
_FETCHED = (
    "SELECT count(*) FROM presumed p WHERE p.state <> 'erased'"
    " AND (p.state = 'fetched') <> EXISTS (SELECT 1 FROM uid u WHERE u.account = p.account"
    " AND u.folder = p.folder AND u.uidvalidity = p.uidvalidity AND u.uid = p.uid)"
)


class UidCheck:
    """Compares the states of ``uid`` and ``presumed`` with what entries say."""

    def __init__(
        self,
        database: Database,
        not_found: Callable[[int, str], None],
        extra: Callable[[str, str], None],
        *,
        start: int,
    ) -> None:
        """NOT_FOUND is told (position, table), EXTRA (table, message)."""
        self._database = database
        self._not_found = not_found
        self._extra = extra
        self._start = start
        self._vanished: Counter[str] = Counter()

    def check(self, position: int, payload: Vanished) -> None:
        """Check that no row of a message that vanished says that it is still there.

        Unless it was presumed, or fetched, later: a server may list again what it had left out.
        Raises ValueError when the set of UIDs is none.
        """
        here = key(payload.account), key(payload.folder), payload.uidvalidity
        for uid in sorted(parse_uids(payload.uids)):
            for table in _STATES:
                for state, entry in self._database.all(
                    f"SELECT state, entry FROM {table} WHERE {_HERE}",  # noqa: S608 - constants
                    *here,
                    uid,
                ):
                    again = integer(entry) > position
                    if state == "kept" and not again:
                        self._not_found(position, table)
                    self._vanished[table] += state == "vanished" and not again

    def odd(self) -> Mapping[str, int]:
        """Return how many rows of which table have a state that there is not.

        Whether SQLite's own check looks at this constraint depends on its version.
        """
        return {
            table: self._database.number(
                f"SELECT count(*) FROM {table} WHERE state NOT IN {states}"  # noqa: S608
            )
            for table, states in _STATES.items()
        }

    def finish(self) -> None:
        """Check that what counts as vanished or as fetched is what entries say."""
        if fetched := self._database.number(_FETCHED):
            self._extra(
                "presumed",
                ngettext(
                    "Of {count} presumed message it is not as recorded whether its bytes came.",
                    "Of {count} presumed messages it is not as recorded whether their bytes came.",
                    fetched,
                ).format(count=fetched),
            )
        if self._start:
            return  # the entries that say what vanished may be older
        for table in _STATES:
            rows = self._database.number(
                f"SELECT count(*) FROM {table} WHERE state = 'vanished'"  # noqa: S608
            )
            count = rows - self._vanished[table]
            if count > 0:
                self._extra(
                    table,
                    ngettext(
                        "{count} message counts as vanished, and no entry says so.",
                        "{count} messages count as vanished, and no entry says so.",
                        count,
                    ).format(count=count),
                )
