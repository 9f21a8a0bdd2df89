"""Change and remove accounts in the text of ``archive.toml``: a person's own words in it stay."""

import re
from collections.abc import Mapping
from dataclasses import replace
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

    before = parse_settings(text)
    find_account(before, account.name)
    shorter = text if account.oauth else _cut_below(text, account.name, "oauth")
    document = tomlkit.parse(shorter.removeprefix("\ufeff"))
    table = cast("dict[str, AbstractTable]", document["account"])[account.name]
    _change(table, account_table(account))
    result = approved(tomlkit.dumps(document), _("This account cannot be changed so:"))
    others = (account if each.name == account.name else each for each in before.accounts)
    if parse_settings(result) != replace(before, accounts=tuple(others)):
        raise _not_editable(account.name)
    return _with_line_ends_of(text, result)


def _change(table: "AbstractTable", wanted: Mapping[str, object]) -> None:
    """Make TABLE say what is WANTED, and touch no line of it that does already."""
    from tomlkit.items import AbstractTable

    for key in [key for key in table if key not in wanted]:
        table.remove(key)
    for key, value in wanted.items():
        if key not in table or table[key] == value:
            continue
        inner = table[key]
        if isinstance(inner, AbstractTable) and isinstance(value, dict):
            _change(inner, value)
        else:
            table[key] = value
    _append(table, {key: value for key, value in wanted.items() if key not in table})


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
    """Write VALUES right behind the last key of TABLE, tables among them within braces.

    The library would write them behind the comments that stand before the next table.
    """
    from tomlkit import dumps, inline_table  # as above
    from tomlkit.items import AbstractTable, Item, Table

    for key, value in values.items():
        plain = [each for each in table if not isinstance(table[each], AbstractTable)]
        last = table[plain[-1]] if plain else None
        item = value
        if isinstance(value, dict):
            item = inline_table()
            item.update(value)
        if isinstance(table, Table) and isinstance(last, Item):
            last.trivia.trail = (last.trivia.trail or "\n") + dumps({key: item})
        else:
            table[key] = item


def cut(text: str, kind: str, name: str) -> str | None:
    """Cut the table ``[KIND.NAME]`` and those below it out of TEXT; None when it is not written so.

    The library would cut the comments that stand before the next table as well.
    """
    head = _head(kind, name)
    lines = text.splitlines(keepends=True)
    if not any(re.match(head + r"\]", line) for line in lines):
        return None
    return _without(lines, re.compile(head + r"[\].]"))


def _cut_below(text: str, name: str, below: str) -> str:
    """Cut the table ``[account.NAME.BELOW]`` out of TEXT, where there is one."""
    own = re.compile(_head("account", name) + rf"\.\s*{below}\s*\]")
    return _without(text.splitlines(keepends=True), own)


def _head(kind: str, name: str) -> str:
    return rf"\s*\[\s*{kind}\s*\.\s*([\"']?){re.escape(name)}\1\s*"


def _without(lines: list[str], header: re.Pattern[str]) -> str:
    """Join LINES without the tables whose first line matches HEADER."""
    while (start := next((n for n, line in enumerate(lines) if header.match(line)), -1)) >= 0:
        end = start + 1
        while end < len(lines) and not lines[end].lstrip().startswith("["):
            end += 1
        while not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#"):
            end -= 1
        del lines[start:end]
    return "".join(lines)


def _with_line_ends_of(text: str, result: str) -> str:
    plain = result.replace("\r\n", "\n")
    return plain.replace("\n", "\r\n") if "\r\n" in text else plain
