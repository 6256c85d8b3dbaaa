"""What a fleet hands `remit demo` when its work comes in as events: arrivals, an outside world, and the truth about both."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

Given = Literal["approve", "edit", "reject"]
SignalKind = Literal["satisfaction", "appeal", "person"]


@dataclass(frozen=True, slots=True)
class DemoTerms:
    """What `remit demo` was asked for."""

    folder: Path
    """The fleet's folder, in which the demo works."""
    seed: int
    tasks: int | None
    """At most so many arrivals; None lets them come until somebody ends the demo."""
    file: Path | None
    """The user's own arrivals instead of generated ones."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One event of the queue."""

    key: str
    """Unique in the queue; the event's id."""
    event: str
    data: Mapping[str, Any]
    title: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What people said to one question of a task."""

    tool: str
    proposed: Mapping[str, Any]
    answer: Given
    arguments: Mapping[str, Any]
    """What was let go ahead: as proposed, as edited; empty after a no."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What a customer says after their task was resolved; an appeal brings an event of its own."""

    kind: SignalKind
    score: int | None
    words: str = ""
    arrival: Arrival | None = None


@runtime_checkable
class LiveDemo(Protocol):
    """A queue of events with the world around it. `label` says on its face which parts are simulated."""

    label: str
    source: str
    """Who tells of the events."""
    on_behalf_of: str
    guide: str
    """The person of people.yaml who gets the login link."""
    faults: tuple[str, ...]
    has_truth: bool
    """False for a user's own file: nobody knows there what is right."""

    def arrivals(self) -> Iterator[Arrival]:
        """Yields arrivals in order, as many as the terms ask for."""
        ...

    def put_in(self, arrivals: Sequence[Arrival]) -> None:
        """Puts arrivals into the outside world, before their events are sent."""
        ...

    def signals(self, arrival: Arrival) -> tuple[Signal, ...]:
        """Returns what the customer says once the task is resolved."""
        ...

    def wrong(self, arrival: Arrival, task: str, answers: Sequence[Answered]) -> list[str]:
        """Returns what is wrong with the end state, given what people answered; an empty list is right."""
        ...

    def happened(self, key: str) -> Mapping[str, Any] | None:
        """Returns what the outside did under a call's idempotency key, as the call would have answered; None if nothing."""
        ...

    def edited(self, tool: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns what a person would change the arguments to."""
        ...

    def break_outside(self, fault: str, seconds: float) -> None:
        """Switches one of `faults` on for some seconds."""
        ...

    def close(self) -> None:
        """Lets go of what the demo holds open."""
        ...
