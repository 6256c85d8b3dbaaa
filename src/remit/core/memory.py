"""What a process remembers of late: any amount of it would fill its memory."""

from collections import OrderedDict
from typing import TypeVar

_K = TypeVar("_K")
_V = TypeVar("_V")


def remember(memory: OrderedDict[_K, _V], key: _K, value: _V, most: int) -> None:
    """Keeps `value` in `memory`, and of everything there no more than `most`: the oldest goes."""
    memory[key] = value
    while len(memory) > most:
        memory.popitem(last=False)
