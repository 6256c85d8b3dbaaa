"""What an agent is handed: its input, and what it can do. Each call is one numbered, saved step."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any, Literal, cast

from remit.approvals import ApprovalState, Asking, anyone_of
from remit.audit import make_entry
from remit.controls import LOOKBACK
from remit.core import HOUR, MINUTE, SECOND, BusyError, JsonValue, NotFoundError, iso
from remit.gateway import Action, AnotherActionError, Check, Denied, Done, Outcome, Parts, Waiting, waits_for
from remit.journal import ActionKind, Payload, StepRow, StepState
from remit.runtime.model import (
    ActionDeniedError,
    AstraySignal,
    Attempt,
    LeavingSignal,
    ParkedSignal,
    RunFailedError,
    TakesActions,
    ToolFailedError,
)
from remit.store import Commit, CommitRefused

# A paused version or a quarantined tool is looked at again after a minute; nobody tells the run when it is mended.
LOOK_AGAIN = MINUTE
STUCK = "approve lets the run go on without handing the work over, reject ends it"
# Of what was attempted, the latest; a longer list is a report.
MOST_ATTEMPTED = 50


class RunHandle:
    """One attempt's view of its run."""

    def __init__(self, *, parts: Parts, gateway: TakesActions, attempt: Attempt) -> None:
        self._parts = parts
        self._gateway = gateway
        self._attempt = attempt
        self._credentials = attempt.credentials
        self._steps = 0
        self._task = attempt.task
        self._run = attempt.run
        self.contract = attempt.contract
        self.input: dict[str, Any] = parts.journal.given(attempt.run, attempt.task)

    @property
    def left(self) -> LeavingSignal | BusyError | None:
        """Why the attempt ends, once it does; code that swallows the signal does not go on."""
        return self._attempt.left[0] if self._attempt.left else None

    @property
    def id(self) -> str:
        """The run's id."""
        return self._run.id

    @property
    def steps(self) -> int:
        """How many steps were taken so far."""
        return self._steps

    @property
    def has_effects(self) -> bool:
        """Whether the run may change the world; a fork may be made only to look."""
        return self._run.effects

    @property
    def is_child(self) -> bool:
        """Whether another run handed the work to it."""
        return self._run.is_child

    @cached_property
    def envelope(self) -> Mapping[str, Any]:
        """What came with the work when an agent handed it over: `intent`, `constraints` and so on; else empty."""
        first = self._parts.journal.first(self._run)
        row = self._parts.journal.step(first.parent_run or "", first.parent_step or 0) if first.is_child else None
        return self._parts.journal.content(row.judged)["arguments"] if row else {}

    async def tool(self, name: str, /, **arguments: JsonValue) -> JsonValue:
        """Calls a tool. Raises `ActionDeniedError` when it is not permitted, `ToolFailedError` when it refused."""
        outcome = await self.try_action("tool", name, arguments)
        if isinstance(outcome, Denied):
            raise ActionDeniedError(outcome)
        if outcome.is_error:
            raise ToolFailedError(outcome.words())
        return outcome.value

    async def model(
        self, messages: list[dict[str, Any]], *, tools: list[dict[str, Any]] | None = None, route: str = ""
    ) -> dict[str, Any]:
        """Asks a model; returns the assistant's message. Raises like `tool`."""
        terms = self.contract.terms.models
        request: dict[str, Any] = {"messages": messages, "max_tokens": terms.max_tokens}
        if tools:
            request["tools"] = tools
        outcome = await self.try_action("model", self._parts.models.choose(route or terms.route), request)
        if isinstance(outcome, Denied):
            raise ActionDeniedError(outcome)
        if outcome.is_error:
            raise ToolFailedError(outcome.words())
        return outcome.value["message"]

    async def handoff(
        self,
        agent: str,
        /,
        *,
        intent: str,
        context: Mapping[str, Any],
        constraints: Sequence[str] = (),
        verification: Sequence[str] = (),
    ) -> JsonValue:
        """Hands work to another agent and returns its output. Raises like `tool`.

        `context` is the taker's input; `verification` are conditions its output must meet. What was attempted so far
        goes along from the journal. At the limit of hops a person is asked whether the run may go on without it.
        """
        outcome = await self.try_handoff(agent, intent, dict(context), list(constraints), list(verification))
        if isinstance(outcome, Denied):
            raise ActionDeniedError(outcome)
        if outcome.is_error:
            raise ToolFailedError(outcome.words())
        return outcome.value["output"]

    async def try_handoff(
        self,
        agent: str,
        intent: str,
        context: JsonValue,
        constraints: JsonValue = (),
        verification: JsonValue = (),
    ) -> Denied | Done:
        """As `handoff`, with its outcome as a value: `{agent, run, state, output}`; a form that is wrong is refused."""
        envelope = {"intent": intent, "context": context, "attempted": self._attempted()}
        envelope |= {"constraints": constraints, "verification": verification}
        outcome = await self.try_action("handoff", agent, envelope)
        if isinstance(outcome, Denied) and outcome.step is Check.LIMITS and self.is_at_hops:
            await self.ask_person(envelope, because=f"{outcome.reason}; {STUCK}", role=self._approver(), kind="stuck")
        return outcome

    @property
    def is_at_hops(self) -> bool:
        """Whether the work was handed on so often that this run may not hand it on."""
        most = min(self.contract.terms.limits.hops, self._parts.settings.limits.hops)
        return self._run.hops >= most

    def _approver(self) -> str:
        return next(iter(self.contract.terms.approvers), "")

    def _attempted(self) -> list[str]:
        """Returns what this run has tried, in the journal's words: the taker need not try it again.

        Driven again, a hand-off says what it said before: what ran beside it has got further since.
        """
        rows = self._parts.journal.steps(self._run.id)
        if said := next((row for row in rows if row.step == self._steps + 1 and row.kind == "handoff"), None):
            with suppress(NotFoundError, KeyError):  # withheld, erased, or handed over without
                return self._parts.journal.content(said.asked)["arguments"]["attempted"]
        before = [row for row in rows if row.step <= self._steps]
        return [f"{row.name}: {_came_of(row)}" for row in before if row.kind in ("tool", "handoff")][-MOST_ATTEMPTED:]

    async def sleep(self, seconds: float) -> None:
        """Waits without holding anything: the run is parked and goes on at its time, in whatever process."""
        now = self._parts.clock.now
        due = cast("int", await self.value("timer", lambda: now() + int(seconds * SECOND)))
        with self._leaving():
            if now() < due:
                raise ParkedSignal(f"waits until {iso(due)}", waits_for="timer", until=due)

    async def try_action(
        self,
        kind: ActionKind,
        name: str,
        arguments: Mapping[str, Any],
        *,
        confidence: Any = None,
        reasoning: str = "",
        alternatives: Any = (),
    ) -> Denied | Done:
        """Takes the next step and returns its outcome as a value; a run that has to wait leaves from here.

        `confidence` (0 to 1), `reasoning` and `alternatives` (objects such as `{option, consequence}`) are the agent's
        own words: they are kept with the decision, and people who are asked see the alternatives.
        """
        with self._leaving():
            self._check_draining()
            self._steps += 1
            considered = _objects(alternatives)
            action = Action(kind, name, arguments, self._steps, _fraction(confidence), considered, reasoning)
            try:
                return self._settled(await self._gateway.act(self._credentials, action))
            except AnotherActionError as error:
                raise AstraySignal(error.text()) from error

    @contextmanager
    def _leaving(self) -> Generator[None]:
        """Remembers why the attempt ends; from then on nothing more is done in it."""
        if stopped := self.left or next(iter(self._attempt.ended), None):
            raise stopped
        step, under_way = asyncio.get_running_loop().create_future(), self._attempt.under_way
        under_way[step] = asyncio.current_task()
        try:
            yield
        except (LeavingSignal, BusyError) as signal:  # a store that is away is nothing for the agent's code to handle
            self._attempt.left.append(signal)
            del under_way[step]
            raise
        finally:
            step.set_result(None)
        del under_way[step]

    def _settled(self, outcome: Outcome) -> Denied | Done:
        if isinstance(outcome, Waiting) and outcome.for_what == "upstream":
            reason = waits_for(outcome.approval, self._steps)
            raise ParkedSignal(reason, waits_for=outcome.approval, until=outcome.until)
        if isinstance(outcome, Waiting):
            raise self._parked(outcome.for_what, outcome.approval or outcome.child)
        if isinstance(outcome, Denied) and outcome.step is Check.IDENTIFY:
            raise RunFailedError("This attempt was overtaken", which=self._run.id, why=outcome.reason)
        if isinstance(outcome, Denied) and outcome.step is Check.SWITCHES:
            raise ParkedSignal(outcome.reason, waits_for="switch")
        if isinstance(outcome, Denied) and outcome.step is Check.LIFECYCLE:
            raise ParkedSignal(outcome.reason, waits_for="release", until=self._parts.clock.now() + LOOK_AGAIN)
        return outcome

    def _parked(self, what: str, whom: str) -> ParkedSignal:
        """Says what the run waits for; a question is looked at again when its time is over."""
        asked = self._parts.approvals.find(whom)
        return ParkedSignal(f"waits for {what}", waits_for=whom, until=asked.expires_at if asked else None)

    def _check_draining(self) -> None:
        if self._attempt.is_draining():
            before = self._attempt.run  # it keeps its place; a process may stop because its clock has jumped
            raise ParkedSignal("its process stops", until=before.ready_at or before.created_at)

    async def value(self, name: str, make: Callable[[], Awaitable[JsonValue] | JsonValue]) -> JsonValue:
        """Makes a value once (a time, a random choice, a check) and returns the same one whenever the run is driven again."""
        with self._leaving():
            return await self._value(name, make)

    async def _value(self, name: str, make: Callable[[], Awaitable[JsonValue] | JsonValue]) -> JsonValue:
        self._steps += 1
        asked = self._payload({"kind": "value", "name": name})
        row = self._recorded()
        if row is not None:
            if row.asked != asked.digest:
                raise AstraySignal(f"The run does not repeat itself at step {self._steps}, value {name!r}.")
            return self._parts.journal.content(row.result)["value"]
        made = make()
        result = self._payload({"value": await made if inspect.isawaitable(made) else made})
        keep = self._parts.journal.write_step(
            "keep_value",
            run=self._run.id,
            step=self._steps,
            attempt=self._credentials.attempt,
            name=name,
            asked=asked.digest,
            result=result.digest,
            at=self._parts.clock.now(),
        )
        await self._commit([keep, self._parts.journal.keep(result), self._parts.journal.keep(asked)])
        self._taken(asked)
        return result.value()["value"]

    async def ask_person(
        self, answer: Mapping[str, Any], *, because: str, role: str, kind: Literal["answer", "stuck"] = "answer"
    ) -> Mapping[str, Any]:
        """Puts the agent's answer to a person: approved or edited it comes back, rejected the run fails.

        A `stuck` question asks whether the run may go on at all.
        """
        with self._leaving():
            return await self._ask_person(answer, because, role, kind)

    async def _ask_person(
        self, answer: Mapping[str, Any], because: str, role: str, kind: Literal["answer", "stuck"]
    ) -> Mapping[str, Any]:
        self._steps += 1
        asked = self._payload({"kind": "value", "name": kind, "answer": dict(answer)})
        row = self._recorded()
        if row is None:
            raise self._parked("answer", await self._park_answer(asked, answer, because, role, kind))
        if row.asked != asked.digest:
            raise AstraySignal(f"The run does not repeat itself at step {self._steps}, an answer for a person.")
        approval = self._parts.approvals.get(row.approval)
        if approval.state is ApprovalState.PENDING and self._parts.clock.now() < approval.expires_at:
            raise self._parked("answer", approval.id)
        if approval.state not in (ApprovalState.APPROVED, ApprovalState.USED):
            told = "A person did not accept the answer" if kind == "answer" else "A person ended the run"
            raise RunFailedError(told, why=approval.reason or "nobody answered in time")
        accepted: Mapping[str, Any] = self._parts.journal.content(approval.proposed)["answer"]
        if row.state is StepState.WAITING:
            result = self._payload({"value": accepted})
            closed = self._parts.journal.write_step(
                "close_waiting", run=self._run.id, step=self._steps, result=result.digest, at=self._parts.clock.now()
            )
            await self._commit(
                [
                    self._parts.journal.guard(self._run.id, self._credentials.attempt),
                    closed,
                    self._parts.journal.keep(result),
                    self._parts.approvals.close(approval.id, ApprovalState.USED, approval.reason),
                ]
            )
        return accepted

    async def _park_answer(
        self, asked: Payload, answer: Mapping[str, Any], because: str, role: str, kind: Literal["answer", "stuck"]
    ) -> str:
        parts, now = self._parts, self._parts.clock.now()
        proposed = self._payload({"answer": dict(answer)})
        version = parts.registry.find(self._run.agent, self._run.version)
        identifier, ask = parts.approvals.ask(
            Asking(
                kind=kind,
                run=self._run.id,
                step=self._steps,
                task=self._task.id,
                agent=self._run.agent,
                version=self._run.version,
                name=kind,
                digest=proposed.digest,
                proposed=proposed.digest,
                needs=anyone_of([role] if role else [], version.owner if version else ""),
                because=because,
                on_behalf_of=self._task.on_behalf_of,
                expires_at=now + int(parts.settings.limits.approval_hours * HOUR),
            )
        )
        waiting = parts.journal.write_step(
            "open_step",
            run=self._run.id,
            step=self._steps,
            attempt=self._credentials.attempt,
            kind="value",
            name=kind,
            asked=asked.digest,
            judged=proposed.digest,
            sent="",
            state="waiting",
            decision="",
            approval=identifier,
            at=now,
        )
        entry = make_entry(
            self._run.id, "question", identifier, now, {"approval": identifier, "answer": proposed.digest}
        )
        await self._commit([waiting, ask, parts.journal.keep(proposed), parts.journal.keep(asked)], entry)
        self._taken(asked)
        return identifier

    def _recorded(self) -> StepRow | None:
        """Returns what the journal has of the step that is being taken, or None when it is new."""
        underway, attempt = self._parts.journal.underway, self._credentials.attempt
        return underway.recent(self._run.id, attempt, self._steps, LOOKBACK)[0]

    def _taken(self, asked: Payload) -> None:
        self._parts.journal.underway.taken(self._run.id, self._credentials.attempt, self._steps, asked.digest)

    def _payload(self, value: JsonValue) -> Payload:
        return Payload.of(value, task=self._task.id, salt=self._task.salt)

    async def _commit(self, statements: list[Any], *entries: Any) -> None:
        result = await self._parts.writer.commit(Commit(statements, entries, f"{self._run.id}:{self._steps}"))
        if isinstance(result, CommitRefused):
            raise RunFailedError("This attempt was overtaken", which=self._run.id, why=result.refusal)


def _came_of(row: StepRow) -> str:
    return "refused" if row.state is StepState.DENIED else "failed" if row.is_error else row.state.value


def _fraction(confidence: Any) -> Decimal | None:
    try:
        value = Decimal(str(confidence))
    except InvalidOperation:
        return None
    return value if value.is_finite() and 0 <= value <= 1 else None


def _objects(value: Any) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(value, list | tuple):
        return ()
    listed = cast("list[Any] | tuple[Any, ...]", value)
    return tuple(cast("Mapping[str, Any]", one) for one in listed if isinstance(one, Mapping))
