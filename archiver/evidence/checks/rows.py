"""Asks the look-up tables about many rows at once, and about one when that does not add up."""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache

from archiver.evidence.checks.named import TABLES, Row
from archiver.evidence.journal.database import Database, Value, text

_BLOCK = 128  # rows in one statement; SQLite before 3.32 takes 999 values


class Rows:
    """The look-up tables, and how many of their rows the entries seen so far account for."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.explained: Counter[str] = Counter()

    def missing(self, table: str, wanted: Iterable[tuple[int, Row]]) -> list[int]:
        """Return the positions of those of WANTED (position, row) that TABLE does not have."""
        wanted = list(wanted)
        lacking: list[int] = []
        for start in range(0, len(wanted), _BLOCK):
            block = wanted[start : start + _BLOCK]
            if self._count(table, block) == len(block):
                self.explained[table] += len(block)
            else:
                lacking += [
                    position for position, row in block if not self._find(table, position, row)
                ]
        return lacking

    def _count(self, table: str, block: list[tuple[int, Row]]) -> int:
        """Count those rows of BLOCK that are there as they should be."""
        values: list[Value] = []
        for position, row in block:
            values += (*row, position)
        # Always as many rows, so that SQLite prepares the statement once; the first one fills up.
        more = _BLOCK - len(block)
        position, row = block[0]
        values += (*row, position) * more
        found = self._database.number(_join(table), *values)
        return len(block) if found == _BLOCK else -1

    def _find(self, table: str, position: int, row: Row) -> bool:
        """Tell whether the row is there; one that another entry made may do as well."""
        if table == "uid" and self._find_in("uid_other", position, row):
            return True
        return self._find_in(table, position, row)

    def _find_in(self, name: str, position: int, row: Row) -> bool:
        table = TABLES[name]
        where = " AND ".join(f"{column} IS ?" for column in table.columns)
        statement = f"SELECT {table.entry} FROM {name} WHERE {where}{table.live}"  # noqa: S608 - constants
        if not table.shared:
            found = self._database.one(f"{statement} AND {table.entry} = ?", *row, position)
        else:
            found = self._database.one(statement, *row)
        if found and found[0] == position:
            self.explained[name] += 1
        return found is not None

    def unexplained(self, start: int, size: int) -> Mapping[str, int]:
        """Return how many rows of which table follow from none of the entries START to SIZE.

        Nor from any other: a row may name a place where there is no entry at all.
        """
        extra: dict[str, int] = {}
        for name, table in TABLES.items():
            rows = self._database.number(
                f"SELECT count(*) FROM {name}"  # noqa: S608 - constants
                f" WHERE ({table.entry} >= ? AND {table.entry} < ? OR {table.entry} < 0"
                f" OR {table.entry} > (SELECT max(position) FROM entry)){table.live}",
                start,
                size,
            )
            if rows > self.explained[name]:
                extra[name] = rows - self.explained[name]
        return extra

    def types(self, positions: Iterable[int]) -> dict[int, str]:
        """Return the types of the entries at POSITIONS, as far as there are any."""
        wanted = list(positions)
        found: dict[int, str] = {}
        for start in range(0, len(wanted), _BLOCK):
            block = wanted[start : start + _BLOCK]
            block += [block[0]] * (_BLOCK - len(block))
            for position, type_ in self._database.all(_TYPES, *block):
                if isinstance(position, int):
                    found[position] = text(type_)
        return found


_TYPES = f"SELECT position, type FROM entry WHERE position IN ({','.join('?' * _BLOCK)})"  # noqa: S608 - constants


@cache
def _join(name: str) -> str:
    """Return the statement that counts which of a block of rows TABLE has; a seek for each."""
    table = TABLES[name]
    columns = (*table.columns, table.entry)
    row = f"({','.join('?' * len(columns))})"
    same = " AND ".join(
        # IS, because a working copy that was removed has no digest. A record is sought by that,
        # not by its position: the + keeps SQLite from using the other, longer way.
        f"{'+' if column == 'position' else ''}t.{column} IS w.column{number}"
        for number, column in enumerate(columns, 1)
    )
    block = ",".join([row] * _BLOCK)
    return (
        f"SELECT count(*) FROM (VALUES {block}) AS w"  # noqa: S608 - constants
        f" CROSS JOIN {name} AS t ON {same}{table.live}"
    )
