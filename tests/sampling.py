"""Let long runs be sampled: ``ARCHIVER_SAMPLE=COUNT`` or ``COUNT:SEED`` (docs/commands.md).

Without the variable a long run takes everything. With it, it takes COUNT items of each corpus,
drawn by a generator seeded with SEED (default 1), so that a run can be repeated.
"""

import os
import random
from collections.abc import Iterable
from typing import TypeVar

Item = TypeVar("Item")
VARIABLE = "ARCHIVER_SAMPLE"


def sample(items: Iterable[Item], *, share: float = 1.0) -> list[Item]:
    """Return ITEMS, or as many of them as ARCHIVER_SAMPLE says, in their own order.

    With SHARE, of what takes long for each item: only that part of COUNT.
    """
    everything = list(items)
    wish = os.environ.get(VARIABLE, "")
    if not wish:
        return everything
    count, _, seed = wish.partition(":")
    chosen = random.Random(int(seed or "1")).sample(
        range(len(everything)), min(round(int(count) * share), len(everything))
    )
    return [everything[place] for place in sorted(chosen)]


def sampled(number: int, *, share: float = 1.0) -> int:
    """Return how many rounds a long run of NUMBER rounds takes: all, or at most COUNT (x SHARE)."""
    wish = os.environ.get(VARIABLE, "")
    return min(number, max(1, round(int(wish.partition(":")[0]) * share))) if wish else number
