"""One attempt of a run: the agent's code or contract is driven, and the attempt ends in an outcome or a parked run."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from remit.approvals import Approval, ApprovalState, Asking, anyone_of
from remit.audit import make_entry
from remit.contracts import holds, parse_condition
from remit.core import HOUR, BusyError, JsonValue, RemitError
from remit.gateway import Gateway, Parts, Release, plain
from remit.guardrails import load_function
from remit.journal import Payload, Run, RunState
from remit.runtime.handle import LOOK_AGAIN, RunHandle
from remit.runtime.hosted import HostedAgent
from remit.runtime.model import (
    ActionDeniedError,
    AstraySignal,
    Attempt,
    EndedSignal,
    LeavingSignal,
    ParkedSignal,
    RunFailedError,
    ToolFailedError,
)
from remit.runtime.rollback import RollbackAgent, ended, undone_at_once
from remit.store import Commit, CommitRefused, Entry, Statement

_log = logging.getLogger("remit.runtime")
AgentFunction = Callable[[RunHandle], Awaitable[JsonValue]]
_REFUSALS = (ActionDeniedError, ToolFailedError, RemitError, AstraySignal)
# Steps that the agent's code leaves under way have so long to end; most are in the middle of a commit or a short read.
LAST_STEP_SECONDS = 2.0
# As often is a step broken off whose code does not heed it.
BREAK_OFFS = 3
# What the question is called when a run has lost too many attempts.
LOST = "lost attempts"


def agent_of(parts: Parts, release: Release, *, undoes: str | None = None) -> AgentFunction:
    """Returns what is driven: the contract's code, or the contract itself; in a rollback, what undoes."""
    if undoes:
        return RollbackAgent(parts)
    code = release.contract.terms.code
    return load_function(code) if code else HostedAgent(parts, release)


async def drive_agent(parts: Parts, release: Release, handle: RunHandle, *, undoes: str | None = None) -> JsonValue:
    """Runs the agent's code and returns what it returns; a signal that it has swallowed or wrapped is raised again.

    What failed besides, in code that does several things at once, is the agent's own failure.
    """
    output: JsonValue = None
    try:
        output = await agent_of(parts, release, undoes=undoes)(handle)
    except BaseExceptionGroup as group:
        if failures := group.split((LeavingSignal, BusyError))[1]:
            raise failures from None
    except (Exception, LeavingSignal) as fault:
        if handle.left is None or not _came_of_leaving(fault):
            raise
    if handle.left is not None:
        raise handle.left
    return output


def _came_of_leaving(fault: BaseException | None) -> bool:
    while fault is not None and not isinstance(fault, (LeavingSignal, BusyError)):
        fault = fault.__cause__ or fault.__context__
    return fault is not None


def why_failed(fault: BaseException) -> str:
    """Returns the reason a run fails with: a refusal in its own words, any other fault as one of the agent's code."""
    if isinstance(fault, _REFUSALS):
        return str(fault)
    return plain(f"{type(fault).__name__} in the agent's code: {fault}")


def check_output(release: Release, output: JsonValue) -> None:
    """Raises `RunFailedError` for an output that is not what the contract promises."""
    if problems := release.output.problems(output):
        raise RunFailedError("The output does not fit the contract", why="; ".join(problems))


async def _end_steps(attempt: Attempt, seconds: float) -> None:
    """Waits for steps that the agent's code has left under way; those that take longer are broken off."""
    if seconds and (taking := attempt.being_taken()):
        await asyncio.wait(taking, timeout=seconds)
    for _ in range(BREAK_OFFS):
        if not (taking := attempt.being_taken()):
            return
        for task in taking.values():
            task.cancel()
        await asyncio.wait(taking, timeout=LAST_STEP_SECONDS)
    if attempt.being_taken():
        _log.warning("run %s ends beside a step that cannot be broken off; its commit will be refused", attempt.run.id)


class Attempts:
    """Drives attempts that have begun, each to its end."""

    def __init__(self, parts: Parts, gateway: Gateway) -> None:
        self._parts = parts
        self._gateway = gateway

    async def drive(self, attempt: Attempt) -> bool:
        """Drives one attempt; whatever happens in it, it ends as done, failed or parked. Returns whether it is done."""
        try:
            release = self._pinned(attempt)
            await self._check_lost(attempt)
            output = await self._drive_agent(release, attempt)
            return await self._complete(release, attempt, output)
        except ParkedSignal as parked:
            await self._park(attempt, parked)
            return False
        except BusyError:
            raise  # the store's trouble is not the run's: it is taken up again
        except (Exception, AstraySignal) as fault:  # noqa: BLE001  agent code may raise anything; the run fails, not the runtime
            if not isinstance(fault, _REFUSALS):
                _log.warning("run %s failed", attempt.run.id, exc_info=fault)
            await self._fail(attempt, why_failed(fault))
            return False

    def _pinned(self, attempt: Attempt) -> Release:
        """Returns what the run is pinned to; one that is not loaded here may be again, so the run waits for it."""
        if attempt.release is None:
            again = self._parts.clock.now() + LOOK_AGAIN
            raise ParkedSignal("the release it is pinned to is not loaded", waits_for="release", until=again)
        return attempt.release

    async def _drive_agent(self, release: Release, attempt: Attempt) -> JsonValue:
        """Runs the agent's code; whatever way it ends, its steps and permitted actions have ended before the attempt does."""
        handle, seconds = RunHandle(parts=self._parts, gateway=self._gateway, attempt=attempt), LAST_STEP_SECONDS
        try:
            return await drive_agent(self._parts, release, handle, undoes=attempt.run.undoes)
        except asyncio.CancelledError:
            seconds = 0
            raise
        finally:
            attempt.ended.append(EndedSignal("the attempt has ended"))
            if attempt.under_way:
                await _end_steps(attempt, seconds)
            await self._gateway.settle(handle.id)

    # --- a run that takes its process down

    async def _check_lost(self, attempt: Attempt) -> None:
        """Leaves a run alone that lost too many attempts with their processes, until a person says what to do."""
        most, run = self._parts.settings.limits.lost_attempts, attempt.run
        if attempt.credentials.attempt <= most:
            return
        asked = [one for one in self._parts.approvals.of_run(run.id) if one.name == LOST]
        last = asked[-1] if asked else None
        if last is not None and last.state is not ApprovalState.USED:
            await self._heed(attempt, last)
        lost = self._parts.journal.lost_attempts(run.id, since=last.step if last else 0)
        if lost >= most:
            raise await self._ask_about(attempt, lost)

    async def _heed(self, attempt: Attempt, asked: Approval) -> None:
        if asked.state is ApprovalState.PENDING and self._parts.clock.now() < asked.expires_at:
            raise ParkedSignal("waits for a person", waits_for=asked.id, until=asked.expires_at)
        if asked.state is not ApprovalState.APPROVED:
            raise RunFailedError(
                "Too many attempts were lost", which=attempt.run.id, why=asked.reason or "nobody answered"
            )
        await self._commit(attempt, [self._parts.approvals.close(asked.id, ApprovalState.USED, asked.reason)])

    async def _ask_about(self, attempt: Attempt, lost: int) -> ParkedSignal:
        parts, run, task, now = self._parts, attempt.run, attempt.task, self._parts.clock.now()
        told = Payload.of({"arguments": {"lost_attempts": lost}}, task=task.id, salt=task.salt)
        version, until = (
            parts.registry.find(run.agent, run.version),
            now + int(parts.settings.limits.approval_hours * HOUR),
        )
        question, ask = parts.approvals.ask(
            Asking(
                kind="stuck",
                run=run.id,
                step=run.attempt,
                task=task.id,
                agent=run.agent,
                version=run.version,
                name=LOST,
                digest=told.digest,
                proposed=told.digest,
                needs=anyone_of(attempt.contract.terms.approvers, version.owner if version else ""),
                because=f"its process died in {lost} attempts; approve lets it try again, reject ends it",
                on_behalf_of=task.on_behalf_of,
                expires_at=until,
            )
        )
        entry = make_entry(run.id, "question", question, now, {"approval": question, "lost_attempts": lost})
        await self._commit(attempt, [ask, parts.journal.keep(told)], entry)
        return ParkedSignal(f"waits for a person: {lost} attempts were lost", waits_for=question, until=until)

    async def _commit(self, attempt: Attempt, statements: list[Statement], *entries: Entry) -> None:
        """Commits unless another attempt has taken over, or somebody has cancelled the run."""
        run = attempt.run.id
        guard = self._parts.journal.guard(run, attempt.credentials.attempt)
        result = await self._parts.writer.commit(Commit([guard, *statements], entries, run))
        if isinstance(result, CommitRefused):
            raise RunFailedError("This attempt was overtaken", which=run, why=result.refusal)

    # --- how it ends

    async def _complete(self, release: Release, attempt: Attempt, output: JsonValue) -> bool:
        """Ends a run with its output; the contract's `success` says whether the task came out right."""
        if attempt.run.undoes:
            outcome, told = ended(self._parts, attempt.run, output)
            return await self._end(attempt, RunState.DONE, outcome=outcome, output=output, more=[told])
        check_output(release, output)
        success = release.contract.terms.success
        came_right = not success or holds(parse_condition(success), output if isinstance(output, dict) else {})  # pyright: ignore[reportUnknownArgumentType]
        return await self._end(attempt, RunState.DONE, outcome="success" if came_right else "failure", output=output)

    async def _fail(self, attempt: Attempt, reason: str) -> None:
        await self._end(attempt, RunState.FAILED, outcome="failure", reason=reason)

    async def _end(
        self,
        attempt: Attempt,
        state: RunState,
        *,
        outcome: str,
        output: JsonValue = None,
        reason: str = "",
        more: Sequence[Entry] = (),
    ) -> bool:
        """Ends the attempt and its run; returns whether that stands."""
        task, run, number = attempt.task, attempt.run, attempt.credentials.attempt
        if attempt.under_way:  # what it did not wait for may just be becoming durable: then it is by this
            await self._parts.writer.commit(Commit([self._parts.journal.guard(run.id, number)]))
        if busy := self._taker_at_work(attempt):
            # Whoever it handed work to still acts for the task; driven again after that, it ends like this.
            await self._park(attempt, ParkedSignal("waits for handoff", waits_for=busy.id))
            return False
        payload = Payload.of(output, task=task.id, salt=task.salt) if output is not None else None
        closed = self._parts.journal.end(run, number, state, output=payload, reason=reason)
        fields = {"state": state.value, "outcome": outcome, "attempt": number}
        fields["output"] = payload.digest if payload else ""
        entry = make_entry(run.id, "run.completed", run.id, self._parts.clock.now(), fields)
        statements = [*closed, *self._concerns(attempt, state, outcome), *self._withdrawn(attempt)]
        if state is RunState.FAILED and (undoing := undone_at_once(self._parts, run)):
            statements, more = [*statements, *undoing.statements], [*more, undoing.entry]
        result = await self._parts.writer.commit(Commit(statements, [entry, *more], run.id))
        return not isinstance(result, CommitRefused)

    def _taker_at_work(self, attempt: Attempt) -> Run | None:
        if attempt.is_plain:
            return None
        children = self._parts.journal.children(attempt.run.id)
        return next((child for child in children if child.is_child and not child.state.is_over), None)

    def _concerns(self, attempt: Attempt, state: RunState, outcome: str) -> list[Statement]:
        """A child run gives its result to its giver; only the run that carries the task closes it."""
        run, journal = attempt.run, self._parts.journal
        if run.is_child:
            return [journal.ready(run.parent_run or "")]
        if run.undoes or not run.effects:
            return []
        return [journal.end_task(attempt.task.id, "done" if state is RunState.DONE else "failed", outcome)]

    def _withdrawn(self, attempt: Attempt) -> list[Statement]:
        """Nobody need answer what a run asked that is over; what may have happened is still to be told."""
        approvals, now = self._parts.approvals, self._parts.clock.now()
        asked = [] if attempt.is_plain else approvals.of_run(attempt.run.id)
        open_ones = [one for one in asked if one.state is ApprovalState.PENDING and one.kind != "unknown"]
        return [
            approvals.close(
                one.id, ApprovalState.WITHDRAWN if now < one.expires_at else ApprovalState.EXPIRED, "the run is over"
            )
            for one in open_ones
        ]

    async def _park(self, attempt: Attempt, parked: ParkedSignal) -> None:
        run, number = attempt.run, attempt.credentials.attempt
        statements = self._parts.journal.park(
            run.id, number, parked.reason, waits_for=parked.waits_for, until=parked.until
        )
        fields = {"attempt": number, "for": parked.reason, "waits_for": parked.waits_for}
        entry = make_entry(run.id, "run.parked", run.id, self._parts.clock.now(), fields)
        await self._parts.writer.commit(Commit(statements, [entry], run.id))
        self._parts.reach("parked")
