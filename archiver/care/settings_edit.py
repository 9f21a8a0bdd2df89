"""Change and remove accounts in the text of ``archive.toml``: a person's own words in it stay."""

import re
from collections.abc import Mapping
from gettext import gettext as _
from typing import TYPE_CHECKING, cast

from archiver.accounts import Account, account_table
from archiver.config import approved, find_account, parse_settings, problems_of
from archiver.errors import UsageError

if TYPE_CHECKING:
    from tomlkit.items import AbstractTable


def with_changed_account(text: str, account: Account) -> str:
    """Return the settings TEXT in which the account of that name is ACCOUNT; comments stay.

    Raises UsageError when there is none or ACCOUNT is not valid, ConfigurationError when TEXT was
    not valid before.
    """
    import tomlkit  # only what edits a file needs it

    find_account(parse_settings(text), account.name)
    document = tomlkit.parse(text.removeprefix("\ufeff"))
    table = cast("dict[str, AbstractTable]", document["account"])[account.name]
    wanted = account_table(account)
    for key in [key for key in table if key not in wanted]:
        table.remove(key)
    for key, value in wanted.items():
        if key in table and table[key] != value:
            table[key] = value
    _append(table, {key: value for key, value in wanted.items() if key not in table})
    result = approved(tomlkit.dumps(document), _("This account cannot be changed so:"))
    if find_account(parse_settings(result), account.name) != account:
        raise _not_editable(account.name)
    return _with_line_ends_of(text, result)


def without_account(text: str, name: str) -> str:
    """Return the settings TEXT without the account NAME; comments stay.

    Raises UsageError when there is none, ConfigurationError when TEXT was not valid before.
    """
    before = parse_settings(text)
    find_account(before, name)
    result = cut(text, "account", name)
    if result is None:
        raise _not_editable(name)
    wanted = tuple(account for account in before.accounts if account.name != name)
    if problems_of(result) or parse_settings(result).accounts != wanted:
        raise _not_editable(name)
    return result


def _not_editable(name: str) -> UsageError:
    return UsageError(
        _("The account {name} is written in a way that no command can change.").format(name=name),
        advice=_("Change [account.{name}] in archive.toml with any text editor.").format(name=name),
    )


def _append(table: "AbstractTable", values: Mapping[str, object]) -> None:
    """Write VALUES right behind the last key of TABLE.

    The library would write them behind the comments that stand before the next table.
    """
    from tomlkit import dumps  # as above
    from tomlkit.items import Item, Table

    for key, value in values.items():
        last = table[list(table)[-1]]
        if isinstance(table, Table) and isinstance(last, Item):
            last.trivia.trail = (last.trivia.trail or "\n") + dumps({key: value})
        else:
            table[key] = value


def cut(text: str, kind: str, name: str) -> str | None:
    """Cut the table ``[KIND.NAME]`` out of TEXT; None when it is not written so.

    The library would cut the comments that stand before the next table as well.
    """
    lines = text.splitlines(keepends=True)
    header = re.compile(rf"\s*\[\s*{kind}\s*\.\s*([\"']?){re.escape(name)}\1\s*\]")
    first = next((place for place, line in enumerate(lines) if header.match(line)), None)
    if first is None:
        return None
    end = first + 1
    while end < len(lines) and not lines[end].lstrip().startswith("["):
        end += 1
    while not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#"):
        end -= 1
    return "".join((*lines[:first], *lines[end:]))


def _with_line_ends_of(text: str, result: str) -> str:
    plain = result.replace("\r\n", "\n")
    return plain.replace("\n", "\r\n") if "\r\n" in text else plain
