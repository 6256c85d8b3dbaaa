"""Events from outside: what one is, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from remit.core import InputError, RemitError
from remit.runtime.intake import Started

# Names are on the record and in keys; what is longer is no name.
LONGEST_NAME = 256


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened elsewhere; its data is the input of the tasks it starts.

    A source that tells of it again must give the same `id`. Names that cannot be recorded are an `InputError`.
    """

    source: str
    id: str
    name: str
    data: Mapping[str, Any]
    at: int
    on_behalf_of: str
    """The person for whom the agents work that it starts."""

    def __post_init__(self) -> None:
        for field, value in (("source", self.source), ("id", self.id), ("name", self.name)):
            if not value or len(value) > LONGEST_NAME or not value.isprintable():
                why = f"it must be printable and of 1 to {LONGEST_NAME} characters"
                raise InputError(f"This cannot be an event's {field}", which=value[:40], why=why)

    @property
    def key(self) -> str:
        """The key under which each agent takes it once."""
        return f"event:{self.source}:{self.id}"


@dataclass(frozen=True, slots=True)
class NotTaken:
    """An agent that was meant and could not take the event."""

    agent: str
    fault: RemitError

    @property
    def why(self) -> str:
        """The reason, for whoever sent the event."""
        return self.fault.text()

    @property
    def recorded(self) -> str:
        """The reason without anything taken from the event, for the log."""
        return self.fault.what if isinstance(self.fault, InputError) else self.why


@dataclass(frozen=True, slots=True)
class Received:
    """What became of an event; both empty means that no agent takes it."""

    event: Event
    tasks: tuple[Started, ...] = ()
    refused: tuple[NotTaken, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether it had been received before and started nothing new."""
        return bool(self.tasks) and not self.refused and not any(started.is_new for started in self.tasks)
