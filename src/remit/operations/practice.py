"""What a demo lets people break on purpose, to see that nothing is lost."""

from typing import Protocol

KILL = "kill -9 of the worker"


class Practice(Protocol):
    """A worker that may be killed, an outside world that may be broken, colleagues that are simulated; only `remit demo`
    hands one out."""

    @property
    def faults(self) -> tuple[str, ...]:
        """What can befall the outside world, by name."""
        ...

    async def kill_worker(self) -> str:
        """Ends the worker with `kill -9`; returns in a sentence what was killed and what follows."""
        ...

    async def break_outside(self, fault: str) -> str:
        """Has one of `faults` befall the outside world; returns in a sentence what is broken now, and for how long."""
        ...

    def look_at(self, approval: str) -> float:
        """Leaves a question to whoever looks at it and may answer; returns for how many seconds from now."""
        ...
