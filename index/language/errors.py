"""What is wrong with a query, where, and what to write instead."""

import unicodedata

_WINDOW = 76
_ELLIPSIS = "…"


class QueryError(Exception):
    """A query that cannot be understood."""

    def __init__(self, message: str, place: int, *, advice: str) -> None:
        """Say what is wrong in MESSAGE, where (index of the character), and give ADVICE."""
        super().__init__(message)
        self.message = message
        self.place = place
        self.advice = advice


def point_out(text: str, error: QueryError) -> str:
    """Return two lines: the query TEXT, cut around the mistake if it is long, and a caret."""
    place = min(max(error.place, 0), len(text))
    start = max(0, place - _WINDOW // 2) if len(text) > _WINDOW else 0
    shown = "".join(c if c.isprintable() else " " for c in text[start : start + _WINDOW])
    before = shown[: place - start]
    lead = _ELLIPSIS if start else ""
    trail = _ELLIPSIS if start + _WINDOW < len(text) else ""
    return f"{lead}{shown}{trail}\n{' ' * _columns(lead + before)}^"


def _columns(text: str) -> int:
    """How many columns of a terminal TEXT takes."""
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
