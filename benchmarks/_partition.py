"""Business units over cells: a directory says which cell a unit is in, and units differ in size by Zipf's law."""

import heapq
from collections.abc import Sequence


def unit_shares(units: int, skew: float) -> list[float]:
    """Returns the share of all work that each unit has, the largest first."""
    weights = [1 / rank**skew for rank in range(1, units + 1)]
    whole = sum(weights)
    return [weight / whole for weight in weights]


def split(shares: Sequence[float], cells: int) -> list[float]:
    """Returns the shares when every unit larger than half a cell is made several units, with a budget each."""
    most, parts = 0.5 / cells, list[float]()
    for share in shares:
        pieces = max(1, -int(-share // most))
        parts += [share / pieces] * pieces
    return sorted(parts, reverse=True)


def by_hash(shares: Sequence[float], cells: int) -> list[float]:
    """Returns each cell's share when units are spread without looking at their size."""
    loads = [0.0] * cells
    for unit, share in enumerate(shares):
        loads[unit * 7_919 % 10_007 % cells] += share
    return loads


def by_size(shares: Sequence[float], cells: int) -> list[float]:
    """Returns each cell's share when the directory puts every unit, the largest first, where there is most room."""
    loads = [(0.0, cell) for cell in range(cells)]
    for share in shares:
        load, cell = heapq.heappop(loads)
        heapq.heappush(loads, (load + share, cell))
    return [load for load, _ in loads]
