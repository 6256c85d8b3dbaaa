"""Which of many combinations are tried: each value of the first kind once, or all of them with `REMIT_CRASH_FULL=1`."""

import itertools
import os
import random
from collections.abc import Iterable, Sequence
from typing import Any

FULL = bool(os.environ.get("REMIT_CRASH_FULL"))
SEED = int(os.environ.get("REMIT_CRASH_SEED", "20261121"))
"""Whatever is drawn is drawn by it; another one draws others."""
_turns = itertools.count(SEED)


def pairs(firsts: Iterable[Any], seconds: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Returns each first with each second; a sample has each first with one second, and all seconds in turns."""
    every = [(first, second) for first in firsts for second in seconds]
    if FULL:
        return every
    begin = random.Random(SEED).randrange(len(seconds))
    return [each for i, each in enumerate(every) if i % len(seconds) == (i // len(seconds) + begin) % len(seconds)]


def some(values: Sequence[Any], count: int = 1) -> list[Any]:
    """Returns all values; a sample has `count` of them, and the next one has others."""
    if FULL:
        return [*values]
    begin = next(_turns)
    return [values[(begin + i * len(values) // count) % len(values)] for i in range(count)]
