"""What one attempt is, how agent code hears of refusals, and how a parked run leaves it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from remit.contracts import Contract
from remit.core import BusyError, RemitError
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
    left: list["LeavingSignal | BusyError"] = field(default_factory=list["LeavingSignal | BusyError"])
    """Why it was left, also when the agent's code swallowed that."""
    under_way: dict[asyncio.Future[None], "asyncio.Task[Any] | None"] = field(
        default_factory=dict[asyncio.Future[None], "asyncio.Task[Any] | None"]
    )
    """Steps whose end nobody has heard, each with who takes it: the code gave up waiting, or has not come to it."""
    ended: list["EndedSignal"] = field(default_factory=list["EndedSignal"])
    """What whoever goes on beside the end of the attempt, or after it, gets to hear; empty before."""

    @property
    def is_plain(self) -> bool:
        """Whether this run has never had to wait for anybody: it has asked no people and no other agent."""
        return self.credentials.attempt == 1 and not self.left and not self.under_way

    def being_taken(self) -> dict[asyncio.Future[None], "asyncio.Task[Any]"]:
        """Returns the steps that somebody is taking just now."""
        here = asyncio.current_task()
        return {step: task for step, task in self.under_way.items() if task and task is not here and not step.done()}

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


class EndedSignal(LeavingSignal):
    """The attempt has ended: what its code has left running takes no further step."""


class AstraySignal(LeavingSignal):
    """The run does not repeat itself."""
