"""The state of the model: runs, workers, the tool, and what faults may still come."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

Tool = Literal["mark", "send", "post"]
NOBODY = -1
# Fence numbers begin at 1; what a lock that is held now shows to who looks at it fits nothing.
TAKEN = -1
PRICE = 1
OVER = ("done", "cancelled")

GUARDS = {
    "claim": "a run is claimed, and begun, only by one at a time",
    "pen": "only the attempt that holds the pen decides and ends",
    "unsent": "only the latest attempt says that a call was not sent, or takes its decision back",
    "lease": "a worker whose heartbeat has lapsed sends nothing before it knows that it has the pen",
    "heartbeat": "an attempt is taken over only from a worker that was not heard of since it was looked at",
    "key": "a call has the same key however often it is made",
    "switch": "nothing is decided while a switch is pulled",
    "budget": "what is held and spent is within the cap",
    "settle": "a step ends once, and its hold with it",
    "lock": "a resource that somebody holds is not taken",
    "seen": "a resource that somebody held since it was looked at is not taken",
    "fence": "a tool that was called under a higher fencing number refuses a lower one",
    "closing": "a call that was looked up before it came is refused when it comes",
    "patience": "a person says what became of a call once none of it is on its way",
    "sign": "a sign that a run can go on stays, although it comes before the run is parked",
}
"""Everything that stands between the protocol and a wrong end; `Scope.without` leaves some out."""


@dataclass(frozen=True)
class Scope:
    """What is explored: which tool, how many runs, and how many faults there may be."""

    tool: Tool = "mark"
    runs: int = 1
    cap: int = 1
    crashes: int = 0
    lapses: int = 0
    expiries: int = 0
    losses: int = 0
    stops: int = 0
    cancels: int = 0
    without: frozenset[str] = frozenset()

    def has(self, guard: str) -> bool:
        """Whether a guard is in force."""
        return guard not in self.without


class Run(NamedTuple):
    """One run, its only step, and what the tool did for it."""

    state: str = "queued"
    attempt: int = 0
    owner: tuple[int, int] = (NOBODY, 0)
    """Worker and its incarnation: who made the latest attempt."""
    claimed: int = NOBODY
    is_ready: bool = True
    waits: str = ""
    step: str = ""
    hold: int = 0
    charged: int = 0
    answer: str = ""
    happened: int = 0
    """How often the tool has acted: under one key, or under any."""
    is_closed: bool = False


class Worker(NamedTuple):
    """One process, and how far it is with the one run it is at."""

    at: str = "idle"
    run: int = NOBODY
    attempt: int = 0
    fence: int = 0
    seen: int = 0
    facts: int = 0
    """What the tool had done to the resource when facts were read."""
    told: str = ""
    """What it knows of its call: it happened (yes), the tool refused it (no), it has not come (not), it was
    made before (again)."""
    fresh: bool = True
    """Of a takeover: whether the other was not heard of since."""
    lapsed: bool = False
    incarnation: int = 0


class Message(NamedTuple):
    """A call on its way to the tool."""

    run: int
    attempt: int
    fence: int
    worker: int
    incarnation: int


class Left(NamedTuple):
    """Faults that may still come."""

    crashes: int
    lapses: int
    expiries: int
    losses: int
    stops: int
    cancels: int


class State(NamedTuple):
    """Everything."""

    runs: tuple[Run, ...]
    workers: tuple[Worker, ...]
    left: Left
    net: frozenset[Message] = frozenset()
    held: int = 0
    spent: int = 0
    holder: int = NOBODY
    fence: int = 0
    is_expired: bool = False
    ever_expired: bool = False
    top_fence: int = 0
    """The highest fencing number the tool has seen."""
    top_run: int = NOBODY
    stopped: bool = False
    wrong: str = ""
    """What must never happen and has."""

    def with_run(self, number: int, **changes: object) -> "State":
        """Returns this state with one run changed."""
        run = self.runs[number]._replace(**changes)  # pyright: ignore[reportArgumentType]
        return self._replace(runs=(*self.runs[:number], run, *self.runs[number + 1 :]))

    def with_worker(self, number: int, **changes: object) -> "State":
        """Returns this state with one worker changed."""
        worker = self.workers[number]._replace(**changes)  # pyright: ignore[reportArgumentType]
        return self._replace(workers=(*self.workers[:number], worker, *self.workers[number + 1 :]))


def first(scope: Scope) -> State:
    """Returns the state in which everything begins."""
    left = Left(scope.crashes, scope.lapses, scope.expiries, scope.losses, scope.stops, scope.cancels)
    return State(tuple(Run() for _ in range(scope.runs)), (Worker(), Worker()), left)


class Move(NamedTuple):
    """One thing that happens. A commit stands, or is refused by a guard."""

    who: int
    """A worker, or `NOBODY`: a person, the network, time."""
    what: str
    run: int = NOBODY
    refused: str = ""
    """The statement that refused the commit."""

    def __str__(self) -> str:
        who = "      " if self.who == NOBODY else f"worker {self.who}"
        return f"{who} {self.what} {self.run if self.run != NOBODY else ''} {self.refused and 'refused by ' + self.refused}"
