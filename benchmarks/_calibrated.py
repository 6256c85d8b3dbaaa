"""What the model of a cell is given, from three things that are measured apart: nothing to do, few tasks, all at once.

A worker with nothing to do shows what looking around takes. Of the rest, few tasks and tasks that are all there at
once have the same bursts and commits, but not the same transactions: of few, each commit has one for itself, nearly. So two
measured sums of CPU give what a burst and what a transaction take, and in the same way a commit and a transaction at the
server. How many transactions there were, PostgreSQL has counted, and those of all at once say how long the thread that
commits waits for its turn; on SQLite, where nobody counts, the model does, with the interpreter's own interval. What is
left of the time of an attempt among few is round trips and flushes.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from random import Random
from statistics import median
from typing import Any

from _queueing import BURSTS, STEPS, CellModel, Costs, Machine, Outcome

# Times that costs and the transactions they lead to are worked out from each other.
ROUNDS = 12
# Of the tasks at once so many show how commits gather; the others are like them.
MANY = 1_000
Play = Mapping[str, Any]


def costs_of(plays: Mapping[str, Play], machine: Machine) -> Costs:
    """Returns what the model is given."""
    few, at_once = plays["few"], plays["at_once"]
    costs = Costs(
        burst=at_once["worker CPU ms a step"] / 1000 * STEPS / BURSTS,
        intake=at_once["taking on, CPU ms a task"] / 1000,
        worker_idle=measured(few, "idle, CPU ms a second, worker") / 1000,
        intake_idle=measured(few, "idle, CPU ms a second, intake") / 1000,
        server_idle=measured(few, "idle, CPU ms a second, server") / 1000,
    )
    arrivals = poisson(few["tasks"], few["tasks"] / few["wall s"])
    many = min(MANY, at_once["tasks"])
    for _ in range(ROUNDS):
        single = CellModel(costs, machine).run(arrivals)
        crowd = CellModel(costs, machine).run([0.0] * many, taken_on=True)
        found = _worked_out(costs, machine, _Counted(few, single, len(arrivals)), _Counted(at_once, crowd, many))
        costs = _between(costs, found)
    return costs


def measured(play: Play, name: str) -> float:
    """Returns a figure that older plays lack: they count as if it were nothing."""
    return float(play.get(name, 0.0))


@dataclass(frozen=True, slots=True)
class _Counted:
    """A measured play, and what the model made of `tasks` of it."""

    play: Play
    made: Outcome
    tasks: int

    @property
    def by_model(self) -> float:
        """Transactions of a task, by the model."""
        return self.made.transactions / self.tasks

    @property
    def transactions(self) -> float:
        """Transactions of a task, measured where somebody has counted."""
        return measured(self.play, "transactions that write") / self.play["tasks"] or self.by_model

    @property
    def of_workers(self) -> float:
        """Those of workers: how they share is the model's."""
        return self.transactions * self.made.worker_transactions / self.made.transactions

    def cpu(self, who: str, idle: float) -> float:
        """Returns seconds of a task, without those that pass with nothing to do."""
        whole = self.play[f"{who} CPU ms a step"] / 1000 * STEPS
        return max(0.0, whole - idle * self.play["wall s"] / self.play["tasks"])


def _worked_out(costs: Costs, machine: Machine, single: _Counted, crowd: _Counted) -> Costs:
    both, idle = (single, crowd), costs.worker_idle * machine.workers
    burst, transaction = _two(
        [(each.cpu("worker", idle), each.made.bursts / each.tasks, each.of_workers) for each in both]
    )
    commit, server_transaction = _two(
        [
            (each.cpu("database server", costs.server_idle), each.made.commits / each.tasks, each.transactions)
            for each in both
        ]
    )
    waits = 2 * STEPS + 1  # transactions an attempt waits for, from its begin to its end
    left = (single.play["attempt p50 s"] - median(single.made.attempts)) / waits
    return replace(
        costs,
        burst=burst,
        transaction=transaction,
        server_commit=commit,
        server_transaction=server_transaction,
        flush=max(0.0, costs.flush + left),
        turn=costs.turn * crowd.by_model / crowd.transactions,
    )


def _between(before: Costs, found: Costs) -> Costs:
    """Goes half of the way: each is worked out from the others."""
    return Costs(**{name: (each + asdict(found)[name]) / 2 for name, each in asdict(before).items()})


def _two(sums: list[tuple[float, float, float]]) -> tuple[float, float]:
    """Returns what each of two things takes, from two sums of seconds and how many of each were in them; never less than 0."""
    (first, a, b), (second, c, d) = sums
    apart = a * d - c * b
    more = max(0.0, (a * second - c * first) / apart) if apart else 0.0
    return max(0.0, (second - more * d) / c), more


def poisson(tasks: int, rate: float, seed: int = 3) -> list[float]:
    """Returns moments that come by chance at so many a second."""
    drawn, at, moments = Random(seed), 0.0, list[float]()
    for _ in range(tasks):
        at += drawn.expovariate(rate)
        moments.append(at)
    return moments
