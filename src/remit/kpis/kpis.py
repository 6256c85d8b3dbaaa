"""Computes the key figures from what the other floors keep."""

from collections.abc import Sequence
from statistics import median

from remit.kpis.model import Figures
from remit.store import Database, Row, load_queries

_Q = load_queries("remit.kpis")


class Kpis:
    """Reads across tables; changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def figures(self, *, agent: str = "", since: int = 0) -> Figures:
        """Returns the figures of tasks created at or after `since`, of one agent or of all."""
        tasks = self._database.read(_Q["tasks"], {"agent": agent, "since": since})
        answers = self._database.read(_Q["answers"], {"agent": agent, "since": since})
        ended = [task for task in tasks if task["ended_at"] is not None]
        succeeded = [task for task in ended if task["outcome"] == "success"]
        cost = sum(task["cost"] for task in tasks)
        return Figures(
            tasks=len(tasks),
            open=len(tasks) - len(ended),
            succeeded=len(succeeded),
            failed=len(ended) - len(succeeded),
            cost=cost,
            cpso=round(cost / len(succeeded)) if succeeded else None,
            ttr=_median([task["ended_at"] - task["created_at"] for task in ended]),
            hir=_share(ended, "intervened"),
            asked=_share(ended, "asked"),
            answer_time=_median([row["decided_at"] - row["asked_at"] for row in answers]),
            unpriced=sum(not task["priced"] for task in tasks),
            not_live=sum(not task["live"] for task in tasks),
        )

    def steps(self) -> dict[str, dict[str, int]]:
        """Returns the number of steps by kind and state."""
        counts: dict[str, dict[str, int]] = {}
        for row in self._database.read(_Q["steps"]):
            counts.setdefault(row["kind"], {})[row["state"]] = row["count"]
        return counts


def _median(values: Sequence[int]) -> int | None:
    return round(median(values)) if values else None


def _share(tasks: Sequence[Row], column: str) -> float | None:
    return sum(bool(task[column]) for task in tasks) / len(tasks) if tasks else None
