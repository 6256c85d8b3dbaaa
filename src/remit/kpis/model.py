"""Key figures of a fleet: what an outcome costs, how long it takes, how often people have to touch it."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a period. Money in micro-units, times in microseconds; None where there is nothing to count.

    CPSO: the cost of all tasks, failed ones included, over the successful ones. TTR: median from created to ended.
    HIR: ended tasks that needed an unplanned human action, over ended ones; planned approvals are counted apart.
    """

    tasks: int
    open: int
    succeeded: int
    failed: int
    cost: int
    cpso: int | None
    ttr: int | None
    hir: float | None
    asked: float | None
    answer_time: int | None
    unpriced: int
    """Tasks in which some price is not known: their cost is not the whole truth."""
    not_live: int
    """Tasks whose model was recorded or simulated: no claim of saving may rest on them."""

    def as_json(self) -> dict[str, Any]:
        """Returns the figures by name."""
        return asdict(self)
