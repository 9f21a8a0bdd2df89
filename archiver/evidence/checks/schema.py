"""The part of a check that looks at the tables themselves: what they may hold, and triggers."""

from archiver.evidence.journal.database import Database
from archiver.evidence.journal.schema import SCHEMA_VERSION, SCHEMAS

_OBJECT = 3  # words that tell which table or index a statement makes


def unlike_schema(database: Database) -> tuple[str, ...]:
    """Return the names of tables, indexes and others that are not as this program makes them.

    One that is missing, one that allows other values, and whatever somebody added: a trigger would
    change what is written. Tables of an archive that a newer version made are left to that one.
    """
    version = database.version
    if version > SCHEMA_VERSION:
        return ()
    wanted = _made_by(";".join(SCHEMAS[:version]))
    found = {
        str(name): str(statement)
        for name, statement in database.all(
            # ANALYZE, which a person may have run, keeps its figures in tables of its own.
            # A kind that is no text is passed over by programs that read the schema.
            "SELECT name, CASE WHEN type IN ('table', 'index') AND typeof(tbl_name) = 'text'"
            " THEN sql END FROM sqlite_schema"
            " WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_stat_' ESCAPE '\\'"
        )
    }
    names = wanted.keys() | found.keys()
    return tuple(sorted(name for name in names if wanted.get(name) != found.get(name)))


def _made_by(schema: str) -> dict[str, str]:
    """Return the statements of SCHEMA by the name of what they make, as SQLite keeps them."""
    statements = filter(None, (statement.strip() for statement in schema.split(";")))
    return {statement.split()[_OBJECT - 1]: statement for statement in statements}
