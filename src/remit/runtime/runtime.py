"""Tasks become runs, runs have attempts, an attempt drives the agent; what it did is in the gateway's journal."""

import logging
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from remit.approvals import ApprovalState
from remit.audit import make_entry
from remit.contracts import Contract, compile_schema, holds, parse_condition
from remit.core import (
    ConflictError,
    InputError,
    JsonValue,
    RefusedError,
    RemitError,
    canonical_bytes,
    check_depth,
    new_id,
)
from remit.gateway import Gateway, Parts, Release, plain
from remit.guardrails import load_function
from remit.identity import Credentials, issue_secret
from remit.journal import Payload, Run, RunState, Task
from remit.registry import Version
from remit.runtime.handle import RunHandle
from remit.runtime.hosted import HostedAgent
from remit.runtime.model import ActionDeniedError, AstraySignal, ParkedSignal, RunFailedError, ToolFailedError
from remit.store import Commit, CommitRefused, Statement

_log = logging.getLogger("remit.runtime")
AgentFunction = Callable[[RunHandle], Awaitable[JsonValue]]


@dataclass(frozen=True, slots=True)
class Started:
    """A task that was taken on, and its first run."""

    task: Task
    run: Run
    is_new: bool = True


class Runtime:
    """Takes tasks on and drives attempts of their runs."""

    def __init__(self, parts: Parts, gateway: Gateway) -> None:
        self._parts = parts
        self._gateway = gateway
        self._driving: set[str] = set()
        self._executor = f"{socket.gethostname()}/{os.getpid()}/{new_id('x')[-8:]}"

    # --- taking on

    async def start(
        self, agent: str, value: Mapping[str, Any], *, on_behalf_of: str, intent: str = "", dedup: str | None = None
    ) -> Started:
        """Takes a task on: the input is checked, the release pinned, and a queued run kept.

        A `dedup` key that was seen before returns the task it started then. Raises `InputError` for an input that does
        not fit, `NotFoundError` without a live version, `RefusedError` when a switch is pulled.
        """
        if known := self._known(agent, dedup, value):
            return known
        version = self._parts.registry.current(agent)
        release = self._release(version)
        terms = release.contract.terms
        check_depth(dict(value), name="The input")
        try:
            size = len(canonical_bytes(dict(value)))
        except (TypeError, ValueError) as error:
            raise InputError("The input is not JSON", why=str(error)) from error
        if size > (most := self._parts.settings.limits.result_bytes):
            raise InputError("The input is too large", why=f"{size} bytes, the limit is {most}")
        if problems := compile_schema(terms.input).problems(dict(value)):
            raise InputError(f"The input does not fit the contract of {agent}", why="; ".join(problems))
        task, statements = self._parts.journal.new_task(
            agent=agent,
            value=dict(value),
            on_behalf_of=on_behalf_of,
            intent=intent or str(value.get(terms.intent, "") if terms.intent else ""),
            subjects={
                kind: str(value[field]) for kind, field in terms.subjects.items() if value.get(field) is not None
            },
            dedup=dedup,
        )
        run, kept = self._parts.journal.new_run(task, agent=agent, version=version.version, release=version.release)
        try:
            await self._take_on(version, run, task, [*statements, kept])
        except RemitError:
            # Somebody may have started it at the same moment; then the database refused the key to us.
            if known := self._known(agent, dedup, value):
                return known
            raise
        return Started(task, run)

    def _known(self, agent: str, dedup: str | None, value: Mapping[str, Any]) -> Started | None:
        """Returns the task this key has started before; the same key for other work is a mistake."""
        task = self._parts.journal.task_by_dedup(agent, dedup) if dedup else None
        if task is None:
            return None
        if Payload.of(dict(value), task=task.id, salt=task.salt).digest != task.input:
            raise ConflictError("This key was used for other input", which=dedup or "", hint="Use a key of its own")
        return Started(task, self._parts.journal.runs_of(task.id)[0], is_new=False)

    async def _take_on(self, version: Version, run: Run, task: Task, statements: list[Statement]) -> None:
        scopes = (
            "fleet",
            f"unit:{version.unit}",
            f"class:{version.agent_class}",
            f"agent:{version.agent}",
            f"version:{version.id}",
        )
        fields = {"task": task.id, "agent": version.agent, "version": version.version, "release": run.release}
        fields |= {"contract": version.contract, "on_behalf_of": task.on_behalf_of, "input": task.input}
        entry = make_entry(run.id, "run.queued", run.id, run.created_at, fields)
        guards = [
            self._parts.controls.guard(scopes),
            self._parts.registry.guard(version.agent, version.version, run.release),
        ]
        result = await self._parts.writer.commit(Commit([*guards, *statements], [entry], task.id))
        if isinstance(result, CommitRefused):
            switch = self._parts.controls.stopped(scopes)
            why = f"{switch.scope} is stopped: {switch.because}" if switch else result.refusal
            raise RefusedError(f"{version.agent} takes no work now", why=why, hint="`remit resume SCOPE` lets it go on")

    def _release(self, version: Version) -> Release:
        release = self._parts.releases.get(version.release)
        if release is None:
            raise ConflictError(
                f"{version.id} is approved with another text than the fleet's folder has",
                hint="Raise the version in the contract, or restore the approved text",
            )
        return release

    # --- driving

    async def drive(self, run_id: str) -> Run:
        """Begins the next attempt of a run and drives it until it ends or has to wait; returns the run after it.

        Any number of callers may try; the journal lets one attempt at a time hold the pen. An attempt whose process
        is gone is taken over; one that may be alive is left alone.
        """
        while await self._drive_once(self._parts.journal.run(run_id)):
            pass
        return self._parts.journal.run(run_id)

    async def _drive_once(self, run: Run) -> bool:
        """Makes one attempt; True when what it waited for came while it was being parked."""
        if run.state.is_over or (run.state is RunState.RUNNING and not self._is_gone(run)):
            return False
        secret, kept = issue_secret()
        begin = self._parts.journal.begin_attempt(run, kept, self._executor)
        heartbeat = self._parts.registry.heartbeat(run.agent, run.version)
        entry = make_entry(run.id, "attempt", run.id, self._parts.clock.now(), {"number": run.attempt + 1})
        begun = await self._parts.writer.commit(Commit([*begin, heartbeat], [entry], run.id))
        if isinstance(begun, CommitRefused):
            return False
        self._driving.add(run.id)
        try:
            approval = await self._attempt(run, Credentials(run.id, run.attempt + 1, secret))
        finally:
            self._driving.discard(run.id)
        return self._can_go_on(self._parts.journal.run(run.id), approval)

    def _can_go_on(self, run: Run, approval: str) -> bool:
        """Whether what the run waits for came while it was being parked."""
        if run.state is not RunState.WAITING:
            return False
        asked = self._parts.approvals.find(approval) if approval else None
        if asked is not None:
            return asked.state is not ApprovalState.PENDING
        version = self._parts.registry.find(run.agent, run.version)
        if (
            version is None
            or not version.may_act
            or version.release != run.release
            or run.release not in self._parts.releases
        ):
            return False
        return not any(switch.stopped for switch in self._parts.controls.switches())

    def _is_gone(self, run: Run) -> bool:
        """Whether the process of the running attempt was on this machine and has ended."""
        executor = self._parts.journal.executor(run.id, run.attempt)
        host, pid = executor_place(executor)
        if executor == self._executor:
            return run.id not in self._driving
        if host != socket.gethostname():
            return False
        if pid == os.getpid():
            return True  # an earlier process that had our number
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False

    async def _attempt(self, run: Run, credentials: Credentials) -> str:
        """Drives one attempt to its end; returns the question it waits for, if it does."""
        task = self._parts.journal.task(run.task)
        try:
            release = self._parts.releases.get(run.release)
            if release is None:
                raise RunFailedError("The release this run was pinned to is not loaded", which=run.release)
            handle = self._handle(release.contract, task, run, credentials)
            output = await self._drive_agent(release, handle)
            await self._complete(release, task, run, credentials, output)
        except ParkedSignal as parked:
            await self._park(run, credentials, parked)
            return parked.approval
        except (ActionDeniedError, ToolFailedError, RemitError, AstraySignal) as refused:
            await self._fail(task, run, credentials, str(refused))
        except Exception as fault:  # noqa: BLE001  agent code may raise anything; the run fails, not the runtime
            _log.warning("run %s failed", run.id, exc_info=fault)
            await self._fail(task, run, credentials, plain(f"{type(fault).__name__} in the agent's code: {fault}"))
        return ""

    async def _drive_agent(self, release: Release, handle: RunHandle) -> JsonValue:
        """Runs the agent's code; whatever way it ends, its permitted actions have ended before the attempt does."""
        try:
            return await self._agent(release)(handle)
        finally:
            await self._gateway.settle(handle.id)

    def _handle(self, contract: Contract, task: Task, run: Run, credentials: Credentials) -> RunHandle:
        return RunHandle(
            parts=self._parts, gateway=self._gateway, contract=contract, task=task, run=run, credentials=credentials
        )

    def _agent(self, release: Release) -> AgentFunction:
        code = release.contract.terms.code
        return load_function(code) if code else HostedAgent(self._parts, release)

    async def _complete(
        self, release: Release, task: Task, run: Run, credentials: Credentials, output: JsonValue
    ) -> None:
        """Ends a run with its output; the contract's `success` says whether the task came out right."""
        if problems := release.output.problems(output):
            raise RunFailedError("The output does not fit the contract", why="; ".join(problems))
        success = release.contract.terms.success
        came_right = not success or holds(parse_condition(success), output if isinstance(output, dict) else {})  # pyright: ignore[reportUnknownArgumentType]
        await self._end(
            task, run, credentials, RunState.DONE, output=output, outcome="success" if came_right else "failure"
        )

    async def _fail(self, task: Task, run: Run, credentials: Credentials, reason: str) -> None:
        await self._end(task, run, credentials, RunState.FAILED, outcome="failure", reason=reason)

    async def _end(
        self,
        task: Task,
        run: Run,
        credentials: Credentials,
        state: RunState,
        *,
        outcome: str,
        output: JsonValue = None,
        reason: str = "",
    ) -> None:
        payload = Payload.of(output, task=task.id, salt=task.salt) if output is not None else None
        ended = self._parts.journal.end(run, credentials.attempt, state, output=payload, reason=reason)
        closed = self._parts.journal.end_task(task.id, "done" if state is RunState.DONE else "failed", outcome)
        fields = {"state": state.value, "outcome": outcome, "attempt": credentials.attempt}
        fields["output"] = payload.digest if payload else ""
        entry = make_entry(run.id, "run.completed", run.id, self._parts.clock.now(), fields)
        await self._parts.writer.commit(Commit([*ended, closed], [entry], run.id))

    async def _park(self, run: Run, credentials: Credentials, parked: ParkedSignal) -> None:
        statements = self._parts.journal.park(run.id, credentials.attempt, parked.reason)
        fields = {"attempt": credentials.attempt, "for": parked.reason, "approval": parked.approval}
        entry = make_entry(run.id, "run.parked", run.id, self._parts.clock.now(), fields)
        await self._parts.writer.commit(Commit(statements, [entry], run.id))


def executor_place(executor: str) -> tuple[str, int]:
    """Returns the host and process id of an executor's name, `host/pid/unique`."""
    host, _, rest = executor.partition("/")
    pid = rest.partition("/")[0]
    return host, int(pid) if pid.isdigit() else 0
