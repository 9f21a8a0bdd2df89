"""How the pipeline tells how far it is."""

from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]
"""Called with what is being done, how much is done, and how much there is (None: unknown)."""


def silent(_what: str, _done: int, _total: int | None) -> None:
    """Report no progress."""
