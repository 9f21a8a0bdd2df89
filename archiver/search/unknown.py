"""Names in a query that are of nothing there is: a search that finds nothing should say so."""

from collections.abc import Collection, Iterator
from gettext import gettext as _

from archiver.catalogue.selection import NONE
from index.query import And, Not, Or, Query, Term


def unknown_names(
    query: Query, *, engagements: Collection[str], accounts: Collection[str]
) -> tuple[str, ...]:
    """Say, a line for each, which engagements and accounts of QUERY are not among those known."""
    told = []
    for field, value in dict.fromkeys(_named(query)):
        if field == "account":
            if value not in map(str.casefold, accounts):
                told.append(
                    _("There is no account {name}. There are: {known}").format(
                        name=value, known=_listed(accounts)
                    )
                )
        elif value not in NONE and value not in map(str.casefold, engagements):
            told.append(
                _("There is no engagement {name}. There are: {known}").format(
                    name=value, known=_listed(engagements)
                )
            )
    return tuple(told)


def _named(query: Query) -> Iterator[tuple[str, str]]:
    """Yield field and name of each engagement and account that QUERY names, folded."""
    match query:
        case Term(field="account", value=value):
            yield "account", value.casefold()
        case Term(field="engagement" | "tag", value=value):
            yield "engagement", value.casefold()
        case And(parts=parts) | Or(parts=parts):
            for part in parts:
                yield from _named(part)
        case Not(part=part):
            yield from _named(part)
        case _:
            pass


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or _("none")
