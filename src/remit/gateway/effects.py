"""Steps 11 to 13: perform once, check the result, commit the outcome; and what to do when nobody knows the outcome."""

import asyncio
from collections.abc import Awaitable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from remit.approvals import Approval, ApprovalState, Asking, anyone_of
from remit.contracts import Tool
from remit.core import BusyError, InputError, JsonValue
from remit.gateway.calls import TRIES, OvertakenError, ToolCall, ToolError, plain
from remit.gateway.context import ActionContext, Parts
from remit.gateway.holding import leave_tool, let_go
from remit.gateway.model import REFUTED, Check, Done, Outcome, Waiting
from remit.gateway.patience import Patience
from remit.gateway.placing import leave_upstream, may_come_back
from remit.gateway.providers import Completion, ProviderAwayError, ProviderError
from remit.gateway.records import MOST_READS, CommitRefusedError, commit_outcome, decision_entry
from remit.gateway.steps import Reader
from remit.gateway.tools import NotSentError, OutcomeUnknownError, UnusableResultError
from remit.gateway.upstreams import UpstreamBusyError
from remit.guardrails import load_function, run_gate
from remit.journal import StepState
from remit.ledger import Charge, Source
from remit.store import Commit, CommitRefused, Statement

# A question whose answer nobody may guess stays open until somebody knows.
NEVER = 2**62
# Seconds until a server that cannot be reached is tried again, when a try before may have happened.
UNSENT_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Performed:
    """What came of the effect, before anybody checked it."""

    value: JsonValue
    is_error: bool = False
    cost: int = 0
    priced: bool = True
    source: Source = "live"
    input_tokens: int = 0
    output_tokens: int = 0
    told: bool = False
    """Whether a person said so; there is no result of a tool to check then."""
    acted: bool = False
    """Of an error: whether the tool has acted all the same."""


async def perform(parts: Parts, ctx: ActionContext, fault: OutcomeUnknownError | None = None) -> Performed:
    """11b. Acts, once, under the key of run and step. Raises `OutcomeUnknownError` when nobody can tell.

    `fault` is what a try before left open: then one that cannot even be sent does not mean that nothing happened.
    """
    parts.reach("before effect")
    if ctx.tool is None:
        return await _ask_model(parts, ctx)
    price = ctx.release.prices[ctx.tool.name]
    tries, patience = TRIES if is_repeatable(ctx.tool) else 1, Patience(parts)
    for tries_left in reversed(range(tries)):
        if tries_left < tries - 1 and fault is not None and (why := why_stopped(parts, ctx)):
            fault = OutcomeUnknownError(f"{fault}; it was not tried again: {why}")
            break
        try:
            return Performed(await _called(parts, ctx, ctx.tool, patience, is_repeat=fault is not None), cost=price)
        except NotSentError as unsent:
            if fault is None:
                return Performed({"error": str(unsent)}, is_error=True)
            await asyncio.sleep(UNSENT_PAUSE if tries_left else 0)
        except (ToolError, UnusableResultError) as refusal:
            acted = isinstance(refusal, UnusableResultError)
            return Performed({"error": str(refusal)}, is_error=True, cost=price, acted=acted)
        except OutcomeUnknownError as unknown:
            fault = unknown
    assert fault is not None  # noqa: S101  every other way out of a try has returned
    if ctx.tool.effect == "read":
        return Performed({"error": f"{ctx.tool.name} failed: {fault}"}, is_error=True, cost=price)
    return await look_up(parts, ctx, fault)


async def _called(parts: Parts, ctx: ActionContext, tool: Tool, patience: Patience, *, is_repeat: bool) -> JsonValue:
    """Returns what the tool returned; a busy upstream, where the run may not come back for it, is a `NotSentError`."""
    stopped = partial(why_stopped, parts, ctx)
    try:
        calling = patience.call(
            tool, call_of(ctx), ctx.arguments, place=ctx.place, why_stopped=stopped, before=partial(_check_pen, ctx)
        )
        return await calling
    except UpstreamBusyError as busy:
        busy.is_repeat = is_repeat
        if may_come_back(parts, ctx, busy.upstream):
            raise
        raise NotSentError(f"{busy}; nothing happened") from busy


async def _check_pen(ctx: ActionContext) -> None:
    """Raises `OvertakenError` when an agent's call may not leave any more; what a person does, nobody takes over."""
    if ctx.person is None and not await ctx.may_send(ctx.run.id, ctx.run.attempt):
        raise OvertakenError(ctx.key)


def why_stopped(parts: Parts, ctx: ActionContext) -> str:
    """Returns why an action that was permitted may not be sent any more: people have stopped it since."""
    if (run := parts.journal.find_run(ctx.run.id)) is None or run.state.is_over:
        return f"the run is {run.state.value if run else 'not here any more'}"
    if switch := parts.controls.stopped(ctx.scopes):
        return f"{switch.scope} is stopped: {switch.because}"
    version = parts.registry.find(ctx.version.agent, ctx.version.version)
    return "" if version and version.may_act else f"{ctx.version.id} may not act any more"


def call_of(ctx: ActionContext) -> ToolCall:
    """Returns what the tool's code is handed."""
    actor = ctx.person.id if ctx.person else ctx.agent
    return ToolCall(ctx.key, ctx.task.id, ctx.run.id, ctx.action.step, actor, ctx.on_behalf_of, ctx.fences)


async def look_up(parts: Parts, ctx: ActionContext, fault: OutcomeUnknownError) -> Performed:
    """Finds out by the tool's declared check what became of a call; without one, or without an answer, raises."""
    assert ctx.tool is not None  # noqa: S101  only tools get here
    if not ctx.tool.lookup:
        raise fault
    try:
        async with asyncio.timeout(parts.settings.limits.tool_seconds):
            found: Mapping[str, Any] = await load_function(ctx.tool.lookup)(call_of(ctx), deepcopy(dict(ctx.arguments)))
        performed, result = found["performed"], parts.tools.checked(found.get("result"))
        if not isinstance(performed, bool):
            raise TypeError(f"performed is {type(performed).__name__}, not true or false")
    except Exception as why:
        raise OutcomeUnknownError(plain(f"{fault}; its check failed too: {why}")) from why
    if performed:
        return Performed(result, cost=ctx.release.prices[ctx.tool.name])
    return Performed({"error": f"{ctx.tool.name} failed and nothing happened: {fault}"}, is_error=True)


async def _ask_model(parts: Parts, ctx: ActionContext) -> Performed:
    route, worst = ctx.action.name, ctx.hold.amount if ctx.hold else 0
    try:
        completion = await _completed(parts, ctx, route)
    except (OvertakenError, BusyError):  # another try could not be made, and that is nothing the model has said
        raise
    except UpstreamBusyError as busy:
        if may_come_back(parts, ctx, busy.upstream):
            raise
        error = {"error": f"the model {route} was not asked: {busy}"}
        return Performed(error, is_error=True, source=parts.models.source(route))
    except Exception as fault:  # noqa: BLE001  whatever a provider raises, there is no answer and the step must end
        error = {"error": f"the model {route} gave no answer: {plain(str(fault))}"}
        lost = _lost(fault, worst)
        source = parts.models.source(route)
        return Performed(error, is_error=True, cost=lost or 0, priced=lost is not None, source=source)
    return _answered(completion, parts.models.cost(route, completion))


async def _completed(parts: Parts, ctx: ActionContext, route: str) -> Completion:
    """Returns the model's answer; a provider that is known not to be there and was not reached again is busy."""
    try:
        return await parts.models.complete(
            route, ctx.arguments, task=ctx.task.reference, place=ctx.place, before=partial(_check_pen, ctx)
        )
    except ProviderAwayError as away:
        upstream = parts.models.upstream(route)
        if away.cost_micros == 0 and not away.spent and upstream.is_shut:
            raise upstream.busy() from away
        raise


def _lost(fault: Exception, worst: int) -> int | None:
    """Returns what may be charged although no answer came: of an unknown fault, the worst case; None when unpriced."""
    if isinstance(fault, ProviderError):
        return fault.cost_micros
    return 0 if isinstance(fault, InputError) else worst


def _answered(completion: Completion, cost: int | None) -> Performed:
    usage = completion.usage
    return Performed(
        {"message": completion.message, "model": completion.model, "source": completion.kind},
        cost=cost or 0,
        priced=cost is not None,
        source=completion.kind,
        input_tokens=usage.input_tokens if usage else 0,
        output_tokens=usage.output_tokens if usage else 0,
    )


async def check_result(
    parts: Parts, ctx: ActionContext, performed: Performed
) -> tuple[JsonValue, frozenset[str], str | None]:
    """12. Masks secrets, labels the content, and asks the gate whether the claim is true: "" means it is.

    None means that there is no gate to ask.
    """
    screening = parts.guardrails.screen_output(performed.value)
    code = ctx.release.gates["after"].get(ctx.tool.name, "") if ctx.tool else ""
    if not code or performed.is_error or performed.told:
        return screening.value, ctx.labels | screening.labels, None
    seconds = parts.settings.limits.tool_seconds
    try:
        gate = load_function(code)
        why = await run_gate(gate, Reader(parts, ctx), ctx.arguments, screening.value, seconds=seconds)
    except InputError as fault:
        why = fault.text()
    return screening.value, ctx.labels | screening.labels, why


async def finish(parts: Parts, ctx: ActionContext, performed: Performed) -> Outcome:
    """12 and 13. Checks the result and commits the outcome; a result that fails its gate is kept, but not passed on."""
    before = len(ctx.reads)
    value, labels, why = await check_result(parts, ctx, performed)
    is_error, withheld = performed.is_error or bool(why), None
    acted = performed.acted or bool(why)
    if why:
        withheld = ctx.payload({"value": value})
        value = {"error": f"{REFUTED}: {why}"}
    kept = {"value": value, "acted": True} if acted else {"value": value}
    result = replace(ctx.payload(kept), labels=",".join(sorted(labels)))
    cost = performed.cost
    closing = {"run": ctx.run.id, "step": ctx.action.step, "result": result.digest, "is_error": int(is_error)}
    closing |= {"cost": cost, "at": parts.clock.now()}
    closed = parts.journal.write_step("close_doubted" if performed.told else "close_step", **closing)
    statements: list[Statement] = [
        parts.journal.keep(result),
        *([parts.journal.keep(withheld)] if withheld else []),
        *_bindings(parts, ctx, value, is_error),
        *let_go(parts, ctx),
    ]
    if ctx.person is not None:
        statements.append(parts.journal.ready(ctx.run.id))
    if ctx.run.undoes and ctx.tool is not None and not is_error:
        statements.append(parts.journal.undoing.undo_task(ctx.task.id))
    if ctx.hold is not None or cost or ctx.action.kind == "model":
        statements += parts.ledger.settle(ctx.run.id, ctx.action.step, ctx.hold, _charge(parts, ctx, performed))
    fields: dict[str, Any] = {"result": result.digest, "is_error": is_error, "cost": cost, "labels": sorted(labels)}
    fields["reads"] = ctx.reads[before:][:MOST_READS]
    fields["gate"] = "" if why is None else "does not hold" if why else "holds"
    fields["withheld"] = withheld.digest if withheld else ""
    latest: list[Statement] = []
    if performed.is_error and not (performed.acted or performed.told) and ctx.person is None:
        # That nothing happened only the latest attempt can say: whoever has taken over may have made the call since.
        latest.append(parts.journal.guard_latest(ctx.run.id, ctx.run.attempt))
    try:
        await commit_outcome(parts, ctx, [*latest, closed, *statements], **fields)
    except CommitRefusedError as refused:
        if refused.denied.step is Check.IDENTIFY:
            raise OvertakenError(ctx.key) from refused
        if performed.told or not (late := _end_doubt(parts, ctx)):
            raise
        closed = parts.journal.write_step("close_doubted", **closing)
        await commit_outcome(parts, ctx, [closed, *late, *statements], **fields)
    # What the agent gets now is what it would get from the journal, to the order of keys.
    return Done(result.value()["value"], ctx.decision, is_error, cost, acted)


def _end_doubt(parts: Parts, ctx: ActionContext) -> list[Statement]:
    """Returns what ends the question whether a step happened, asked by an attempt that took it up; none is no doubt."""
    row = parts.journal.step(ctx.run.id, ctx.action.step)
    if row is None or row.state is not StepState.UNKNOWN:
        return []
    told = "its outcome came after all"
    return [parts.approvals.close(row.approval, ApprovalState.WITHDRAWN, told), parts.journal.ready(ctx.run.id)]


def _bindings(parts: Parts, ctx: ActionContext, value: JsonValue, is_error: bool) -> list[Statement]:
    """Binds the task's subject to what a tool found out, when it has none of that kind yet.

    A fork without effects only looks: it does not say what others may write to.
    """
    if ctx.tool is None or is_error or not ctx.run.effects:
        return []
    found = {kind: _at(value, path) for kind, path in ctx.tool.binds.items() if kind not in ctx.subjects}
    return [
        parts.journal.bind_subject(ctx.task.id, kind, str(name), ctx.key)
        for kind, name in found.items()
        if name is not None
    ]


def _at(value: JsonValue, path: str) -> JsonValue:
    for name in path.removeprefix("$").strip(".").split("."):
        if name:
            value = value.get(name) if isinstance(value, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return value  # pyright: ignore[reportUnknownVariableType]


def _charge(parts: Parts, ctx: ActionContext, performed: Performed) -> Charge:
    return Charge(
        run=ctx.run.id,
        step=ctx.action.step,
        task=ctx.task.id,
        agent=ctx.version.agent,
        version=ctx.version.version,
        unit=ctx.version.unit,
        kind="tool" if ctx.tool else "model",
        name=ctx.action.name,
        amount=performed.cost,
        priced=performed.priced,
        source=performed.source,
        input_tokens=performed.input_tokens,
        output_tokens=performed.output_tokens,
        at=parts.clock.now(),
    )


async def conclude(parts: Parts, ctx: ActionContext, performing: Awaitable[Performed]) -> Outcome:
    """Sees an effect through to its outcome; one that nobody knows goes to a person."""
    try:
        performed = await performing
    except OutcomeUnknownError as fault:
        leave_upstream(ctx)
        return await doubt(parts, ctx, fault)
    leave_upstream(ctx)
    parts.reach("after effect")
    return await finish(parts, ctx, performed)


async def resume(parts: Parts, ctx: ActionContext) -> Performed:
    """Takes up a step that was decided before a crash: repeats what may be repeated, looks up what may not."""
    fault = OutcomeUnknownError("the attempt that called it ended before its answer was kept")
    if ctx.tool is None:
        # What the lost answer did cost nobody knows: the charge says that it is not the whole truth.
        again = await perform(parts, ctx)
        return replace(again, priced=again.priced and again.source != "live")
    if is_repeatable(ctx.tool):
        return await perform(parts, ctx, fault)
    return await look_up(parts, ctx, fault)


def is_repeatable(tool: Tool) -> bool:
    """Whether a call of a tool may be made again when nobody knows what became of it."""
    return tool.idempotent or tool.effect == "read"


async def doubt(parts: Parts, ctx: ActionContext, fault: OutcomeUnknownError) -> Waiting:
    """Puts an unknown outcome to a person; what it may have cost stays held until they answer."""
    terms = ctx.release.contract.terms
    identifier, asked = parts.approvals.ask(
        Asking(
            kind="unknown",
            run=ctx.run.id,
            step=ctx.action.step,
            task=ctx.task.id,
            agent=ctx.version.agent,
            version=ctx.version.version,
            name=ctx.action.name,
            digest=ctx.judged_digest,
            proposed=ctx.judged_digest,
            needs=anyone_of(terms.approvers, ctx.version.owner),
            because=f"nobody knows whether it happened: {fault}",
            on_behalf_of=ctx.on_behalf_of,
            expires_at=NEVER,
        )
    )
    doubted = parts.journal.write_step("doubt_step", run=ctx.run.id, step=ctx.action.step, approval=identifier)
    words = ctx.payload(str(fault))
    entry = decision_entry(ctx, "unknown", approval=identifier, words=words.digest)
    # Nobody here waits for it any more, and a person may take hours: others need the place.
    statements = [doubted, asked, parts.journal.keep(words), *leave_tool(parts, ctx)]
    result = await parts.writer.commit(Commit(statements, [entry], ctx.key))
    if isinstance(result, CommitRefused):
        raise CommitRefusedError(result)
    return Waiting("outcome", identifier, ctx.decision)


async def settle_doubt(parts: Parts, ctx: ActionContext, approval: Approval) -> Outcome:
    """Closes a step whose outcome a person has told: approve says that it happened, reject that it did not."""
    if approval.state is ApprovalState.PENDING:
        return Waiting("outcome", approval.id)
    happened = approval.state is ApprovalState.APPROVED
    value = {"happened": happened, "told_by_a_person": approval.reason}
    price = ctx.release.prices[ctx.tool.name] if ctx.tool else 0
    return await finish(parts, ctx, Performed(value, not happened, price if happened else 0, told=True))
