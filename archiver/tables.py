"""Read the archive's TOML files the way a person wants it, and add to them.

Everything that is wrong is told at once, each thing with its place, and a key that nobody knows is
never ignored in silence.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from gettext import gettext as _
from gettext import ngettext
from typing import Final, cast

from archiver.errors import ConfigurationError

Check = Callable[[str], str | None]
"""Says what is wrong with a text, or None."""

SCHEMA: Final = 1
"""The version of the archive's TOML files, ``archive.toml`` and ``engagements/*.toml``."""

_ADDRESS: Final = re.compile(r"[^\s@<>\"(),;:]+@[^\s@<>\"(),;:]+")
_SECRETS: Final = frozenset(
    {"credential", "credentials", "key", "mdp", "motdepasse", "pass", "passe", "passphrase"}
    | {"passwd", "password", "pw", "pwd", "secret", "token"}
)
"""Last words of keys under which people write secrets."""
_MISSPELT: Final = 0.6
"""How alike a key and a known one must be for advice (``difflib``, from 0 to 1)."""


class FileError(ConfigurationError):
    """A file that cannot be understood."""

    def __init__(self, what: str, *, why: str, advice: str) -> None:
        """Say WHAT is wrong with which file, and WHY, for where the file is named already."""
        super().__init__(what, advice=advice)
        self.why = why


def is_address(text: str) -> bool:
    """Tell whether TEXT is a bare mail address: no name, no angle brackets."""
    return _ADDRESS.fullmatch(text) is not None


def address_problem(text: str) -> str | None:
    """Say what is wrong with TEXT as a mail address, or return None."""
    if is_address(text):
        return None
    return _("{text!r} is not a mail address; write only name@domain").format(text=text)


class Table:
    """One table of a TOML file; takes note of all that is wrong with it instead of raising.

    Each method returns a harmless value of its type when the key is absent or wrong; the caller
    calls ``close`` once it has asked for every key that it knows, and raises if there are PROBLEMS.
    """

    def __init__(self, values: Mapping[str, object], *, place: str, problems: list[str]) -> None:
        """Read VALUES; PLACE names them in what is added to PROBLEMS."""
        self._values = values
        self._place = place
        self._asked: set[str] = set()
        self.problems = problems

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def keys(self) -> tuple[str, ...]:
        """Return all keys, in the order of the file."""
        return tuple(self._values)

    def place(self, key: str) -> str:
        """Name KEY as a person finds it in the file."""
        return f"{self._place}.{key}" if self._place else key

    def wrong(self, key: str, message: str) -> None:
        """Take note that KEY is wrong."""
        self.problems.append(f"{self.place(key)}: {message}")

    def value(self, key: str) -> object:
        """Return whatever stands at KEY, None when it is absent."""
        self._asked.add(key)
        return self._values.get(key)

    def text(self, key: str, *, missing: str = "", check: Check | None = None) -> str:
        """Return a text; when MISSING is given the key is needed, and MISSING says why."""
        value = self.value(key)
        if value is None:
            if missing:
                self.wrong(key, missing)
            return ""
        if not isinstance(value, str):
            self.wrong(key, _("must be text between quotes"))
            return ""
        if not value.strip():
            self.wrong(key, _("is empty"))
        elif check and (problem := check(value)):
            self.wrong(key, problem)
        return value

    def choice(self, key: str, options: tuple[str, ...], *, missing: str) -> str:
        """Return one of OPTIONS; MISSING says what to do when the key is absent."""

        def check(text: str) -> str | None:
            if text in options:
                return None
            return _("{text!r} is not one of {options}").format(text=text, options=quoted(options))

        return self.text(key, missing=missing, check=check)

    def integer(self, key: str, *, first: int, last: int, missing: str = "") -> int:
        """Return a whole number from FIRST to LAST, both included."""
        value = self.value(key)
        if value is None:
            if missing:
                self.wrong(key, missing)
            return first
        if isinstance(value, bool) or not isinstance(value, int) or not first <= value <= last:
            self.wrong(
                key,
                _("must be a whole number from {first} to {last}").format(first=first, last=last),
            )
            return first
        return value

    def texts(self, key: str, *, check: Check | None = None) -> tuple[str, ...]:
        """Return a list of texts, each approved by CHECK; the wrong ones are left out."""
        value = self.value(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.wrong(key, _('must be a list of texts, such as ["one", "two"]'))
            return ()
        good: list[str] = []
        for item in cast("list[str]", value):
            problem = check(item) if check else None
            if not item.strip():
                self.wrong(key, _("holds an empty text"))
            elif problem:
                self.wrong(key, problem)
            else:
                good.append(item)
        return tuple(good)

    def day(self, key: str) -> date | None:
        """Return a day, which TOML writes without quotes (``2026-03-02``)."""
        value = self.value(key)
        if value is None:
            return None
        if isinstance(value, datetime) or not isinstance(value, date):
            self.wrong(key, _("must be a day without quotes, such as 2026-03-02"))
            return None
        return value

    def table(self, key: str) -> "Table":
        """Return the table at KEY; an empty one when it is absent."""
        value = self.value(key)
        if value is not None and not isinstance(value, dict):
            self.wrong(key, _("must be a table, such as [{place}]").format(place=self.place(key)))
            value = None
        return Table(value or {}, place=self.place(key), problems=self.problems)

    def tables(self, key: str) -> tuple["Table", ...]:
        """Return the tables written ``[[KEY]]``; their places count from 1."""
        value = self.value(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.wrong(key, _("must be written as [[{place}]]").format(place=self.place(key)))
            return ()
        return tuple(
            Table(item, place=f"{self.place(key)}[{number}]", problems=self.problems)
            for number, item in enumerate(cast("list[dict[str, object]]", value), start=1)
        )

    def close(self) -> None:
        """Take note of every key that nobody asked for; their values are never repeated."""
        for key in self._values:
            if key in self._asked:
                continue
            if key.lower().replace("-", "_").rpartition("_")[2] in _SECRETS:
                self.wrong(key, _secret_advice())
            else:
                self.wrong(key, self._unknown(key))

    def _unknown(self, key: str) -> str:
        from difflib import get_close_matches  # only a misspelt key needs it

        near = get_close_matches(key.lower(), sorted(self._asked), n=1, cutoff=_MISSPELT)
        if near:
            return _("unknown key; did you mean {near}?").format(near=near[0])
        return _("unknown key; known here: {keys}").format(keys=", ".join(sorted(self._asked)))


def open_table(text: str, *, name: str) -> Table:
    """Parse TEXT and check its ``schema``; NAME is the file's, for messages.

    Raises ConfigurationError when it is no TOML, or was written for a later version.
    """
    import tomllib  # many commands read no file

    try:
        values = tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        raise FileError(
            _("{name} is not valid TOML: {error}.").format(name=name, error=error),
            why=_("It is not valid TOML: {error}.").format(error=error),
            advice=_restore_advice(),
        ) from error
    schema = values.get("schema", SCHEMA)
    if schema != SCHEMA or isinstance(schema, bool):
        raise FileError(
            _("{name} says schema = {schema!r}; this version knows {known}.").format(
                name=name, schema=schema, known=SCHEMA
            ),
            why=_("It says schema = {schema!r}; this version knows {known}.").format(
                schema=schema, known=SCHEMA
            ),
            advice=_("Install a newer archiver, or write schema = {known}.").format(known=SCHEMA),
        )
    table = Table(values, place="", problems=[])
    table.value("schema")
    return table


def raise_problems(problems: list[str], *, name: str) -> None:
    """Raise a FileError that tells all PROBLEMS of the file NAME, if there are any."""
    if not problems:
        return
    count = len(problems)
    what = ngettext("{name} has {count} error:", "{name} has {count} errors:", count)
    why = ngettext("It has {count} error:", "It has {count} errors:", count)
    raise FileError(
        "\n  ".join((what.format(name=name, count=count), *problems)),
        why="\n  ".join((why.format(count=count), *problems)),
        advice=_restore_advice(),
    )


def _restore_advice() -> str:
    return _(
        "Correct the file with any text editor; or delete it and run any command: its last good "
        "version, if there is one, is restored."
    )


def append_tables(text: str, tables: Mapping[str, object]) -> str:
    """Return the TOML TEXT with TABLES written after its end, in its own kind of line end."""
    import tomlkit  # only what edits a file needs it

    addition = tomlkit.dumps(tables)
    if "\r\n" in text:
        addition = addition.replace("\n", "\r\n")
    newline = "\r\n" if "\r\n" in text else "\n"
    head = text.rstrip("\r\n")
    return (head + 2 * newline if head else "") + addition


def insert_table(text: str, table: Mapping[str, object]) -> str:
    """Return the TOML TEXT with TABLE written before its first table, and that one's comment.

    Tables that are written ``[[so]]`` can then still be added at the end.
    """
    import tomlkit  # only what edits a file needs it

    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.split(newline)
    at = next((number for number, line in enumerate(lines) if line.startswith("[")), None)
    if at is None:
        return append_tables(text, table)
    above = at
    while above and not lines[above - 1].strip():
        above -= 1
    if above and lines[above - 1].startswith("#"):
        at = above
    while at and lines[at - 1].startswith("#"):
        at -= 1
    block = tomlkit.dumps(table).rstrip("\n").split("\n")
    changed = newline.join((*lines[:at], *block, "", *lines[at:]))
    if _values(changed) == {**(_values(text) or {}), **table}:
        return changed
    return append_tables(text, table)  # what looked like a table stands in a text of many lines


def _values(text: str) -> dict[str, object] | None:
    import tomllib

    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError:
        return None


def comment(text: str) -> str:
    """Write TEXT as comment lines of a TOML file."""
    import textwrap  # only what writes a file needs it

    return "\n".join(f"# {line}" for line in textwrap.wrap(text, 77))


def _secret_advice() -> str:
    return _(
        "a secret never stands in this file; give password_command, a command that prints it, "
        "or put it into the keyring, and change it if others could read this file"
    )


def quoted(options: tuple[str, ...]) -> str:
    """Write OPTIONS as a person would type them."""
    return ", ".join(f'"{option}"' for option in options)
