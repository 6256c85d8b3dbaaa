"""What one attempt is, how agent code hears of refusals, and how a parked run leaves it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from remit.contracts import Contract
from remit.core import RemitError
from remit.gateway import Action, Denied, Outcome, Release
from remit.identity import Credentials
from remit.journal import Run, Task


class ActionDeniedError(Exception):
    """The gateway did not permit an action; `str` is the sentence the agent reads."""

    def __init__(self, denied: Denied) -> None:
        super().__init__(denied.sentence())
        self.denied = denied


class ToolFailedError(Exception):
    """The tool was called and refused, in its own words."""


class RunFailedError(RemitError):
    """The run cannot go on; its reason is kept."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One drive of a run, and what identifies it to the gateway."""

    release: Release | None
    """What the run is pinned to; None when it is not loaded here."""
    task: Task
    run: Run
    """As it was before this attempt began."""
    credentials: Credentials
    is_draining: Callable[[], bool]
    """Whether the process is about to stop, so that no further step is to begin."""

    @property
    def pinned(self) -> Release:
        """The release, or `RunFailedError`."""
        if self.release is None:
            raise RunFailedError("The release this run was pinned to is not loaded", which=self.run.release)
        return self.release

    @property
    def contract(self) -> Contract:
        """What was promised."""
        return self.pinned.contract


class TakesActions(Protocol):
    """What a run's actions are put to: the gateway, or for a replay the record of what it answered."""

    async def act(self, credentials: Credentials | None, action: Action) -> Outcome:
        """Returns the outcome of an action, or raises `AnotherActionError` when another one stands at its step."""
        ...


class LeavingSignal(BaseException):
    """The attempt ends here, whatever the agent's code makes of it: there is nothing to catch and go on from."""


class ParkedSignal(LeavingSignal):
    """The run waits; the attempt ends here and holds nothing."""

    def __init__(self, reason: str, *, waits_for: str = "", until: int | None = None) -> None:
        """Waits for a question or a run by id, `switch`, `timer` or `release`, and looks again at the moment `until`."""
        super().__init__(reason)
        self.reason = reason
        self.waits_for = waits_for
        self.until = until


class AstraySignal(LeavingSignal):
    """The run does not repeat itself."""
