"""The part of a query that words do not answer: attributes, days, sizes."""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from archiver.catalogue.database import Database, bounded, clean, listed
from archiver.catalogue.queries import resolve
from archiver.catalogue.rows import seconds
from index.query import All, DateRange, Query, Size, Term

RoleOf = Callable[[str], str | None]
"""What a folder is for, told by its name: ``junk``, ``trash``, ``sent``, ``drafts`` …"""

NONE = ("none", "aucune", "aucun")
"""``tag:none``, ``engagement:none``, in French ``mission:aucune``: records in no engagement."""

HAS = ("attachment", "defect")
IS = ("undecided", "untagged", "unreadable", "junk", "trash", "sent", "drafts")
FRENCH = {
    "has": {
        "piece": "attachment",
        "pieces": "attachment",
        "piece jointe": "attachment",
        "pieces jointes": "attachment",
        "piece-jointe": "attachment",
        "pj": "attachment",
        "defaut": "defect",
    },
    "is": {
        "indecis": "undecided",
        "indecise": "undecided",
        "sans-mission": "untagged",
        "illisible": "unreadable",
        "indesirable": "junk",
        "corbeille": "trash",
        "envoye": "sent",
        "envoyes": "sent",
        "brouillon": "drafts",
        "brouillons": "drafts",
    },
}
"""French values of ``has:`` and ``is:``, without accents."""
FIELDS = ("tag", "engagement", "id", "thread", "folder", "account", "has", "is")

_EVERYTHING = "SELECT position FROM record"
_SQL = {
    # A picture that the text shows (a logo in a signature) is not what people mean.
    "has:attachment": "SELECT record FROM attachment WHERE NOT (inline AND content_id <> '')",
    "has:defect": "SELECT record FROM defect",
    "is:undecided": "SELECT record FROM undecided",
    "is:untagged": "SELECT position FROM record WHERE position NOT IN (SELECT record FROM tag)",
    "is:unreadable": "SELECT position FROM record WHERE NOT readable",
}
_ROLES = {"is:junk": "junk", "is:trash": "trash", "is:sent": "sent", "is:drafts": "drafts"}
_DELIMITERS = re.compile(r"[/.]")


class UnknownValue(ValueError):  # noqa: N818 - reads as what it is: a value that is not known
    """A query asks ``has:`` or ``is:`` for something that does not exist, or an unknown field."""

    def __init__(self, field: str, value: str, known: tuple[str, ...]) -> None:
        """Name the FIELD, the VALUE asked for and the values that are KNOWN."""
        super().__init__(f"{field}:{value}")
        self.field = field
        self.value = value
        self.known = known


def select(
    database: Database, query: Query, *, time_zone: ZoneInfo, role_of: RoleOf
) -> frozenset[int]:
    """Return the positions of the records that one attribute node finds.

    Raises UnknownValue for a value of ``has:`` or ``is:``, or a field, that does not exist, and
    TypeError for a node that is not for the catalogue.
    """
    match query:
        case All():
            return database.numbers(_EVERYTHING)
        case Term(field=field, value=value):
            return _term(database, field.lower(), clean(value), role_of)
        case DateRange(first=first, last=last):
            return _days(database, first, last, time_zone)
        case Size(at_least=at_least, at_most=at_most):
            return _sizes(database, at_least, at_most)
        case _:
            raise TypeError(f"not for the catalogue: {type(query).__name__}")


def _term(database: Database, field: str, value: str, role_of: RoleOf) -> frozenset[int]:
    match field:
        case "tag" | "engagement":
            found = _engagement(database, value)
        case "id":
            found = _identified(database, value)
        case "thread":
            found = _thread(database, value)
        case "folder":
            found = _folder(database, value)
        case "account":
            found = _places(database, lambda account, _: _folded(account) == _folded(value))
        case "has":
            found = _known(database, "has", value, HAS, role_of)
        case "is":
            found = _known(database, "is", value, IS, role_of)
        case _:
            raise UnknownValue(field, value, FIELDS)
    return found


def _engagement(database: Database, value: str) -> frozenset[int]:
    if _folded(value) in NONE:
        return database.numbers(_SQL["is:untagged"])
    return database.numbers(
        "SELECT record FROM tag WHERE engagement IN (?, ?)", (value, value.lower())
    )


def _identified(database: Database, value: str) -> frozenset[int]:
    """Find records by the start of the digest, or by Message-ID (angle brackets or not)."""
    by_digest: frozenset[int] = frozenset()
    digests = resolve(database, value)
    if digests:
        ends = (bytes.fromhex(digests[0].hex), bytes.fromhex(digests[-1].hex))
        by_digest = database.numbers(
            "SELECT position FROM record WHERE digest BETWEEN ? AND ?", ends
        )
    by_message_id = database.numbers(
        "SELECT position FROM record WHERE message_id = ? AND message_id <> ''",
        (value.strip().removeprefix("<").removesuffix(">"),),
    )
    return by_digest | by_message_id


def _thread(database: Database, value: str) -> frozenset[int]:
    return database.numbers(
        "SELECT position FROM record WHERE thread IN"
        " (SELECT thread FROM record WHERE position IN (SELECT value FROM json_each(?)))",
        (listed(_identified(database, value)),),
    )


def _folder(database: Database, value: str) -> frozenset[int]:
    """Find by ``FOLDER`` or ``ACCOUNT/FOLDER``; a final ``/*`` takes the folders inside as well."""
    wanted = _folder_key(value.removesuffix("*").rstrip("/.") if _is_tree(value) else value)
    inside = f"{wanted}/" if _is_tree(value) else None

    def fits(account: str, folder: str) -> bool:
        names = (_folder_key(folder), _folder_key(f"{account}/{folder}"))
        return any(
            name == wanted or (inside is not None and name.startswith(inside)) for name in names
        )

    return _places(database, fits)


def _is_tree(value: str) -> bool:
    return value.endswith(("/*", ".*"))


def _folder_key(name: str) -> str:
    """Return a name for comparing, whichever delimiter the server uses (RFC 3501, 5.1.1)."""
    return _DELIMITERS.sub("/", _folded(name))


def _places(database: Database, fits: Callable[[str, str], bool]) -> frozenset[int]:
    """Find the records seen in any folder, or under any label, that fits: all are asked."""
    found: frozenset[int] = frozenset()
    for account, folder in database.all(
        "SELECT account, folder FROM sighting WHERE account <> ''"
        " UNION SELECT account, folder FROM label"
    ):
        if fits(account, folder):
            found |= database.numbers(
                "SELECT record FROM (SELECT record FROM sighting WHERE account = ? AND folder = ?"
                " UNION SELECT record FROM label WHERE account = ? AND folder = ?)"
                " WHERE record IN (SELECT position FROM record)",
                (account, folder) * 2,
            )
    return found


def _known(
    database: Database, field: str, value: str, known: tuple[str, ...], role_of: RoleOf
) -> frozenset[int]:
    wanted = _folded(value)
    name = f"{field}:{FRENCH[field].get(wanted, wanted)}"
    if name in _ROLES:
        role, told = _ROLES[name], _told_roles(database)
        return _places(database, lambda *place: (told.get(place) or role_of(place[1])) == role)
    if name not in _SQL:
        raise UnknownValue(field, value, known)
    return database.numbers(_SQL[name])


def _told_roles(database: Database) -> dict[tuple[str, str], str]:
    """Return what scans said that folders are for, by account and folder."""
    return {
        (account, folder): role
        for account, folder, role in database.all("SELECT account, folder, role FROM folder_role")
    }


def _days(
    database: Database, first: date | None, last: date | None, time_zone: ZoneInfo
) -> frozenset[int]:
    start = None if first is None else _midnight(first, time_zone)
    end = None
    if last is not None and last < date.max:
        end = _midnight(last + timedelta(days=1), time_zone)
    return database.numbers(
        "SELECT position FROM record"
        " WHERE (:start IS NULL OR date >= :start) AND (:end IS NULL OR date < :end)",
        {"start": start, "end": end},
    )


def _midnight(day: date, time_zone: ZoneInfo) -> int:
    """Return when a day begins in the time zone, in seconds since 1970 UTC."""
    local = datetime(day.year, day.month, day.day, tzinfo=time_zone)
    offset = local.utcoffset() or timedelta()
    return seconds(local.replace(tzinfo=UTC)) - int(offset.total_seconds())


def _sizes(database: Database, at_least: int | None, at_most: int | None) -> frozenset[int]:
    return database.numbers(
        "SELECT position FROM record WHERE size >= ? AND size <= ?",
        (
            0 if at_least is None else bounded(at_least),
            bounded(2**63) if at_most is None else bounded(at_most),
        ),
    )


def _folded(text: str) -> str:
    """Return TEXT without accents and case."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in parts if not unicodedata.combining(char)).strip()
