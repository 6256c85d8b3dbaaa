"""What became of an event, as whoever sent it is told."""

from remit.operations import Shown
from remit.runtime import Received, Started


class TakenReceipt(Shown):
    """A task that an event started."""

    agent: str
    task: str
    run: str
    is_new: bool

    @classmethod
    def of(cls, started: Started) -> "TakenReceipt":
        """Tells of a task."""
        return cls(agent=started.task.agent, task=started.task.id, run=started.run.id, is_new=started.is_new)


class NotTakenReceipt(Shown):
    """An agent that was meant and could not take an event."""

    agent: str
    why: str


class EventReceipt(Shown):
    """What became of an event."""

    event: str
    tasks: tuple[TakenReceipt, ...]
    refused: tuple[NotTakenReceipt, ...]

    @classmethod
    def of(cls, received: Received, *, recorded: bool = False) -> "EventReceipt":
        """Tells of an event; `recorded` tells it without anything taken from its data."""
        return cls(
            event=received.event.id,
            tasks=tuple(TakenReceipt.of(one) for one in received.tasks),
            refused=tuple(
                NotTakenReceipt(agent=one.agent, why=one.recorded if recorded else one.why) for one in received.refused
            ),
        )
