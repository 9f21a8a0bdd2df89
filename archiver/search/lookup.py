"""Find the one record that a person means by an identifier."""

from gettext import gettext as _
from zoneinfo import ZoneInfo

from archiver.catalogue.catalogue import Catalogue
from archiver.errors import UsageError
from archiver.model.digest import Digest, Position
from index.query import Term

_SHOWN = 5


def find(catalogue: Catalogue, identifier: str) -> Position:
    """Return the record whose digest starts with IDENTIFIER, or whose Message-ID it is.

    Raises UsageError when there is none, or more than one.
    """
    found = catalogue.select(Term("id", identifier.strip()), time_zone=ZoneInfo("UTC"))
    if len(found) == 1:
        return Position(next(iter(found)))
    if found:
        lines = catalogue.lines(catalogue.order(found, limit=_SHOWN))
        raise _ambiguous(identifier, len(found), [line.digest for line in lines])
    raise UsageError(
        _("No record is called {identifier}.").format(identifier=identifier),
        advice=_(
            "Give at least 4 digits of the identifier that `archiver search` shows,"
            " or a whole Message-ID. `archiver journal --type erase` tells what was erased."
        ),
    )


def _ambiguous(identifier: str, count: int, digests: list[Digest]) -> UsageError:
    names = ", ".join(digest.hex[:20] for digest in digests)
    if count > len(digests):
        names += ", …"
    return UsageError(
        _("{count} records are called {identifier}: {names}.").format(
            count=count, identifier=identifier, names=names
        ),
        advice=_("Give more digits of the one that you mean."),
    )
