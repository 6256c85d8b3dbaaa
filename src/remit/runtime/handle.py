"""What an agent is handed: its input, and the four things it can do. Each call is one numbered, saved step."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from remit.approvals import ApprovalState, Asking, anyone_of
from remit.audit import make_entry
from remit.contracts import Contract
from remit.core import HOUR, JsonValue
from remit.gateway import Action, AnotherActionError, Check, Denied, Done, Gateway, Outcome, Parts, Waiting
from remit.identity import Credentials
from remit.journal import ActionKind, Payload, Run, StepState, Task
from remit.runtime.model import ActionDeniedError, AstraySignal, ParkedSignal, RunFailedError, ToolFailedError
from remit.store import Commit, CommitRefused

# Refusals that are about now, not about the action: the run waits and asks again.
_LATER = frozenset({Check.SWITCHES, Check.LIFECYCLE})


class RunHandle:
    """One attempt's view of its run."""

    def __init__(
        self, *, parts: Parts, gateway: Gateway, contract: Contract, task: Task, run: Run, credentials: Credentials
    ) -> None:
        self._parts = parts
        self._gateway = gateway
        self._credentials = credentials
        self._steps = 0
        self._task = task
        self._run = run
        self.contract = contract
        self.input: dict[str, Any] = parts.journal.content(task.input)

    @property
    def id(self) -> str:
        """The run's id."""
        return self._run.id

    @property
    def steps(self) -> int:
        """How many steps were taken so far."""
        return self._steps

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
        self._steps += 1
        considered = _objects(alternatives)
        action = Action(kind, name, arguments, self._steps, _fraction(confidence), considered, reasoning)
        try:
            return self._settled(await self._gateway.act(self._credentials, action))
        except AnotherActionError as error:
            raise AstraySignal(error.text()) from error

    def _settled(self, outcome: Outcome) -> Denied | Done:
        if isinstance(outcome, Waiting):
            raise ParkedSignal(f"waits for {outcome.for_what}", outcome.approval)
        if isinstance(outcome, Denied) and outcome.step is Check.IDENTIFY:
            raise RunFailedError("This attempt was overtaken", which=self._run.id, why=outcome.reason)
        if isinstance(outcome, Denied) and outcome.step in _LATER:
            raise ParkedSignal(outcome.reason)
        return outcome

    async def value(self, name: str, make: Callable[[], Awaitable[JsonValue] | JsonValue]) -> JsonValue:
        """Makes a value once (a time, a random choice, a check) and returns the same one whenever the run is driven again."""
        self._steps += 1
        asked = self._payload({"kind": "value", "name": name})
        row = self._parts.journal.step(self._run.id, self._steps)
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
        return result.value()["value"]

    async def ask_person(self, answer: Mapping[str, Any], *, because: str, role: str) -> Mapping[str, Any]:
        """Puts the agent's answer to a person: approved or edited it comes back, rejected the run fails."""
        self._steps += 1
        asked = self._payload({"kind": "value", "name": "answer", "answer": dict(answer)})
        row = self._parts.journal.step(self._run.id, self._steps)
        if row is None:
            raise ParkedSignal("waits for answer", await self._park_answer(asked, answer, because, role))
        if row.asked != asked.digest:
            raise AstraySignal(f"The run does not repeat itself at step {self._steps}, an answer for a person.")
        approval = self._parts.approvals.get(row.approval)
        if approval.state is ApprovalState.PENDING and self._parts.clock.now() < approval.expires_at:
            raise ParkedSignal("waits for answer", approval.id)
        if approval.state not in (ApprovalState.APPROVED, ApprovalState.USED):
            raise RunFailedError("A person did not accept the answer", why=approval.reason or "nobody answered in time")
        accepted: Mapping[str, Any] = self._parts.journal.content(approval.proposed)["answer"]
        if row.state is StepState.WAITING:
            result = self._payload({"value": accepted})
            closed = self._parts.journal.write_step(
                "close_waiting", run=self._run.id, step=self._steps, result=result.digest, at=self._parts.clock.now()
            )
            await self._commit(
                [
                    closed,
                    self._parts.journal.keep(result),
                    self._parts.approvals.close(approval.id, ApprovalState.USED, approval.reason),
                ]
            )
        return accepted

    async def _park_answer(self, asked: Payload, answer: Mapping[str, Any], because: str, role: str) -> str:
        parts, now = self._parts, self._parts.clock.now()
        proposed = self._payload({"answer": dict(answer)})
        version = parts.registry.find(self._run.agent, self._run.version)
        identifier, ask = parts.approvals.ask(
            Asking(
                kind="answer",
                run=self._run.id,
                step=self._steps,
                task=self._task.id,
                agent=self._run.agent,
                version=self._run.version,
                name="answer",
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
            name="answer",
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
        return identifier

    def _payload(self, value: JsonValue) -> Payload:
        return Payload.of(value, task=self._task.id, salt=self._task.salt)

    async def _commit(self, statements: list[Any], *entries: Any) -> None:
        result = await self._parts.writer.commit(Commit(statements, entries, f"{self._run.id}:{self._steps}"))
        if isinstance(result, CommitRefused):
            raise RunFailedError("This attempt was overtaken", which=self._run.id, why=result.refusal)


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
