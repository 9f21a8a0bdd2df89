"""Canonical JSON (RFC 8785 for what stands in the journal), and typed access to what it holds."""

import json
from collections.abc import Mapping
from datetime import datetime

from archiver.model.digest import Digest, Position

JSON = bool | int | str | list["JSON"] | dict[str, "JSON"] | None
Fields = Mapping[str, JSON]

LARGEST = 2**63 - 1
"""The largest integer of an entry: SQLite and most languages know no larger one."""


class CodecError(ValueError):
    """Bytes that are not an entry as docs/journal.md describes it: every reader here raises it."""


def _no_float(text: str) -> JSON:
    raise CodecError(f"a number that is not an integer: {text[:40]}")


_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
)
_DECODER = json.JSONDecoder(parse_float=_no_float, parse_constant=_no_float)


def canonical(value: JSON) -> bytes:
    r"""Return the one canonical form of VALUE.

    A lone surrogate, which UTF-8 cannot hold, is written as its JSON escape (``\udc80``); a pair
    of them is the character that they stand for.
    """
    text = _ENCODER.encode(value)
    try:
        return text.encode()
    except UnicodeEncodeError:
        joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        return joined.encode(errors="backslashreplace")


def parse(body: bytes) -> dict[str, JSON]:
    """Read the JSON object in BODY; raises CodecError when there is none, or a float in it."""
    try:
        value = _DECODER.decode(body.decode())
    except (ValueError, RecursionError) as error:
        raise CodecError(str(error)) from error
    if not isinstance(value, dict):
        raise CodecError("not a JSON object")
    return value


def as_text(value: JSON) -> str:
    """Return VALUE, which must be text."""
    if not isinstance(value, str):
        raise CodecError(f"text expected, not {type(value).__name__}")
    return value


def as_integer(value: JSON) -> int:
    """Return VALUE, which must be an integer from 0 to 2^63 - 1."""
    if type(value) is not int or not 0 <= value <= LARGEST:
        raise CodecError("an integer from 0 to 2^63 - 1 expected")
    return value


def as_pair(value: JSON) -> tuple[JSON, JSON]:
    """Return the two items of VALUE."""
    if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 - a pair
        raise CodecError("a pair expected")
    return value[0], value[1]


def as_fields(value: JSON) -> Fields:
    """Return VALUE, which must be an object."""
    if not isinstance(value, dict):
        raise CodecError("an object expected")
    return value


def text_of(fields: Fields, name: str) -> str:
    """Return the text under NAME."""
    try:
        return as_text(fields.get(name))
    except CodecError as error:
        raise CodecError(f"{name}: {error}") from error


def integer_of(fields: Fields, name: str) -> int:
    """Return the integer under NAME, not negative."""
    try:
        return as_integer(fields.get(name))
    except CodecError as error:
        raise CodecError(f"{name}: {error}") from error


def position_of(fields: Fields, name: str) -> Position:
    """Return the journal position under NAME."""
    return Position(integer_of(fields, name))


def list_of(fields: Fields, name: str) -> list[JSON]:
    """Return the list under NAME."""
    value = fields.get(name)
    if not isinstance(value, list):
        raise CodecError(f"{name}: a list expected")
    return value


def digest_of(fields: Fields, name: str) -> Digest:
    """Return the SHA-256 under NAME."""
    try:
        return Digest(text_of(fields, name))
    except ValueError as error:
        raise CodecError(f"{name}: {error}") from error


def choice_of(fields: Fields, name: str, *choices: str) -> str:
    """Return the text under NAME, which must be one of CHOICES."""
    value = text_of(fields, name)
    if value not in choices:
        raise CodecError(f"{name}: {value!r} is not one of {', '.join(choices)}")
    return value


def time_of(fields: Fields, name: str) -> datetime:
    """Return the time under NAME (RFC 3339), aware."""
    try:
        moment = datetime.fromisoformat(text_of(fields, name))
    except ValueError as error:
        raise CodecError(f"{name}: {error}") from error
    if moment.tzinfo is None:
        raise CodecError(f"{name}: a time without an offset")
    return moment
