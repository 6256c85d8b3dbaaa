"""Steps 1 to 10 of one action: they read and plan. Each returns a refusal, or nothing when it has passed."""

import asyncio
import json
from copy import deepcopy
from typing import Any

from remit.approvals import ApprovalState
from remit.contracts import Facts, Tool, normalise
from remit.controls import LOOKBACK, is_looping
from remit.core import MINUTE, InputError, JsonValue, canonical_bytes, check_depth, day_of
from remit.gateway.calls import ToolCall, ToolError
from remit.gateway.context import ActionContext, Parts
from remit.gateway.handoffs import check_handoff
from remit.gateway.model import Check, Denied, Waiting
from remit.gateway.patience import read_patiently
from remit.gateway.questions import ask_people, question_for, question_payload
from remit.gateway.tools import OutcomeUnknownError, UnreachableError, UnusableResultError
from remit.gateway.undoing import check_undoing, check_undoing_arguments
from remit.gateway.upstreams import UpstreamBusyError
from remit.guardrails import load_function, run_gate
from remit.identity import secret_matches
from remit.journal import RunState
from remit.ledger import Budget, Hold, day_budget, run_budget
from remit.policy import Rung

_QUARANTINE = "The platform team runs `remit tools check {0}`, and `remit tools lock {0}` after looking at the change"


async def identify(parts: Parts, ctx: ActionContext) -> Denied | None:
    """1. Who is calling: an attempt that shows its secret, or a person with a proposal in hand."""
    shown = ctx.credentials
    run = parts.journal.underway.run(shown.run, shown.attempt) if shown else None
    if shown is None or run is None:
        return Denied(Check.IDENTIFY, "the caller is not known here", "Start a run first")
    acting_person = ctx.person is not None and run.state is RunState.WAITING
    if not acting_person and (run.attempt != shown.attempt or not secret_matches(shown.secret, run.secret)):
        return Denied(Check.IDENTIFY, "this attempt of the run does not hold the pen", "Stop; a newer attempt goes on")
    version = parts.registry.glance(run.agent, run.version)
    if version is None:
        return Denied(Check.IDENTIFY, f"{run.agent}@{run.version} is not registered")
    if (release := parts.releases.get(run.release)) is not None:
        ctx.release = release
    ctx.run, ctx.task, ctx.version = run, parts.journal.underway.task(run.task), version
    ctx.recorded, ctx.before = parts.journal.underway.recent(run.id, run.attempt, ctx.action.step, LOOKBACK)
    ctx.identified = True
    return None


async def check_switches(parts: Parts, ctx: ActionContext) -> Denied | None:
    """2. Nobody has pulled a switch that this action is in the scope of."""
    # A glance may be a moment old: a switch that was just reset stops nothing, and one just pulled stops the commit.
    if parts.controls.glance(ctx.scopes) and (switch := parts.controls.stopped(ctx.scopes)):
        return Denied(Check.SWITCHES, f"{switch.scope} is stopped: {switch.because}", "Wait until people resume it")
    return None


async def check_lifecycle(parts: Parts, ctx: ActionContext) -> Denied | None:
    """3. The version is live, and the run still has the release it was pinned to."""
    version = ctx.version
    if not version.may_act:
        return Denied(Check.LIFECYCLE, f"{version.id} is {version.lifecycle}, its release {version.state}")
    if not hasattr(ctx, "release") or version.release != ctx.run.release:
        return Denied(Check.LIFECYCLE, f"the release this run was pinned to is not the approved one of {version.id}")
    return None


async def check_limits(parts: Parts, ctx: ActionContext) -> Denied | None:
    """4. Hops, steps, working time and loops are within bounds; rates are counted in the commit."""
    ctx.asked = ctx.payload(ctx.action.as_asked())
    limits, bounds = ctx.release.contract.terms.limits, parts.settings.limits
    most_steps, most_hops = min(limits.steps, bounds.steps), min(limits.hops, bounds.hops)
    if ctx.action.step < 1:
        return Denied(Check.LIMITS, f"{ctx.action.step} is no number of a step", "Count steps from 1")
    if ctx.action.step > most_steps:
        return Denied(Check.LIMITS, f"the run has used its {most_steps} steps", "Finish with what is known")
    if ctx.run.hops + (ctx.action.kind == "handoff") > most_hops:
        return Denied(Check.LIMITS, f"the work was handed on {most_hops} times, which is the most", "Ask a person")
    if parts.journal.underway.working_time(ctx.run, ctx.now) > limits.minutes * MINUTE:
        return Denied(Check.LIMITS, f"the run has used its {limits.minutes} minutes", "Finish with what is known")
    # A rollback's steps are counted out beforehand; two of them may well be alike.
    if not ctx.run.undoes and (how := is_looping(ctx.asked.digest, ctx.before)):
        return Denied(Check.LIMITS, f"this goes in circles: {how}", "Do something else, or finish")
    return None


async def check_input(parts: Parts, ctx: ActionContext) -> Denied | None:
    """5. The arguments fit the tool's schema; what is normalised here is judged, approved and sent."""
    action = ctx.action
    if ctx.run.undoes and (refusal := check_undoing(parts, ctx)):
        return refusal
    if action.kind == "model":
        return _model_input(parts, ctx)
    if action.kind == "handoff":
        return check_handoff(parts, ctx)
    if action.kind != "tool":
        return Denied(
            Check.INPUT, f"this gateway does not take {action.kind} actions yet", "Use a tool, a model or a hand-off"
        )
    validators = ctx.release.undoing if ctx.run.undoes else ctx.release.inputs
    tool, validator = ctx.release.tools.get(action.name), validators.get(action.name)
    if tool is None or validator is None:
        granted = ", ".join(sorted(ctx.release.inputs)) or "none"
        return Denied(Check.INPUT, "the tool is not in the contract", f"Tools of this contract: {granted}")
    try:
        arguments = _arguments(parts, ctx)
        check_depth(arguments, name="The arguments")
        judged = ctx.payload({"kind": "tool", "name": tool.name, "arguments": normalise(tool.input, arguments)})
    except (InputError, TypeError, ValueError, RecursionError) as fault:
        return Denied(Check.INPUT, "the arguments cannot be taken", "Send a JSON object", words=str(fault))
    size, most = len(judged.body), parts.settings.limits.argument_bytes
    if size > most:
        return Denied(Check.INPUT, f"the arguments have {size} bytes, the limit is {most}")
    # Read back from the judged bytes: nobody else holds these objects, so what is judged is what is sent.
    ctx.tool, ctx.judged, ctx.arguments = tool, judged, judged.value()["arguments"]
    if problems := validator.problems(ctx.arguments):
        hint = f"Send arguments that fit the schema of {tool.name}"
        return Denied(Check.INPUT, "the arguments do not fit the schema", hint, words="; ".join(problems))
    return check_undoing_arguments(ctx)


def _model_input(parts: Parts, ctx: ActionContext) -> Denied | None:
    ctx.is_route = ctx.action.name in parts.models.names()
    if not ctx.is_route:
        return Denied(Check.INPUT, "there is no such model route", f"Routes: {', '.join(parts.models.names())}")
    asked = ctx.asked
    if asked is None or len(asked.body) > parts.settings.limits.answer_bytes:
        return Denied(Check.INPUT, "the conversation has grown too large for a model", "Start afresh with a summary")
    request = asked.value()["arguments"]
    is_whole = "max_tokens" in request and "messages" in request
    request.setdefault("max_tokens", ctx.release.contract.terms.models.max_tokens)
    try:
        ctx.worst = parts.models.worst_case(ctx.action.name, request)
    except InputError as fault:
        return Denied(Check.INPUT, "the request cannot be taken", fault.hint, words=fault.text())
    # The contract's own instructions are not somebody's content; everything else may carry labels and secrets.
    rules = {"role": "system", "content": ctx.release.contract.instructions}
    own = [message for message in request.get("messages", [])[:1] if message == rules]
    others = request.get("messages", [])[len(own) :]
    masked = parts.guardrails.screen_output(others)
    ctx.arguments, ctx.labels = {**request, "messages": [*own, *masked.value]}, masked.labels
    if masked.value is others and is_whole:  # most often, and a conversation is long
        ctx.judged = asked
    else:
        ctx.judged = ctx.payload({"kind": "model", "name": ctx.action.name, "arguments": ctx.arguments})
    return None


def _arguments(parts: Parts, ctx: ActionContext) -> dict[str, JsonValue]:
    """Returns what is asked for: the agent's arguments, or what a person made of them before saying yes."""
    waiting = ctx.recorded.approval if ctx.recorded and ctx.person is None else ""
    ctx.approval = parts.approvals.find(waiting) if waiting else ctx.approval
    if not waiting or ctx.approval is None:
        return ctx.asked.value()["arguments"] if ctx.asked else {}
    ctx.votes = parts.approvals.votes(ctx.approval.id)
    return parts.journal.content(ctx.approval.proposed)["arguments"]


async def authorize(parts: Parts, ctx: ActionContext) -> Denied | None:
    """6. Policy answers, rung by rung, with facts and the task's subjects in context."""
    if ctx.tool is not None and (why := await parts.tools.unavailable(ctx.tool)):
        return Denied(Check.LIFECYCLE, f"{ctx.tool.name} is in quarantine: {why}", _QUARANTINE.format(ctx.tool.server))
    if ctx.tool is not None:
        ctx.locks = _locks(ctx, ctx.tool)
        if ctx.tool.facts or ctx.tool.name in ctx.release.gates["before"]:  # they read what others may change
            ctx.seen = parts.controls.look(ctx.locks)
    if ctx.tool is not None and ctx.tool.facts is not None:  # they are told every subject there is
        ctx.subjects = parts.journal.subjects(ctx.task.id)
    elif ctx.tool is not None and (ctx.tool.subjects or ctx.tool.binds):
        ctx.subjects = parts.journal.underway.subjects(ctx.task.id, {*ctx.tool.subjects, *ctx.tool.binds})
    if ctx.tool is not None and ctx.tool.facts is not None:
        ctx.facts = await _find_facts(parts, ctx, ctx.tool.name, ctx.tool.facts)
    question = question_for(parts, ctx)
    ctx.question = question_payload(ctx, question)
    ctx.verdict = parts.policy.judge(ctx.release.bundle, question)
    if ctx.verdict.rung is None:
        # The last rung first: what stops it there stops it on every way, and not only without people.
        reasons = [reason for answer in reversed(ctx.verdict.answers) for reason in answer.reasons]
        forbids = [reason for reason in reasons if reason.effect == "forbid"]
        why = forbids[0].because or forbids[0].text if forbids else "no rule of the contract permits it"
        return Denied(Check.AUTHORITY, why, ctx.verdict.hint)
    return None


async def _find_facts(parts: Parts, ctx: ActionContext, tool: str, declared: Facts) -> dict[str, Any]:
    """Returns what the tool's facts function finds out, in time and as declared; anything else is a fault."""
    shown, subjects = deepcopy(dict(ctx.arguments)), dict(ctx.subjects)
    async with asyncio.timeout(parts.settings.limits.tool_seconds):
        found = await load_function(declared.code)(Reader(parts, ctx), shown, subjects)
    facts = {name: value for name, value in dict(found).items() if value is not None}
    if problems := ctx.release.facts[tool].problems(facts):
        raise InputError("The facts are not as declared", which=declared.code, why="; ".join(problems))
    # Read back from what is kept of them: asked again, policy is told exactly the same.
    return json.loads(canonical_bytes(facts))


async def screen(parts: Parts, ctx: ActionContext) -> Denied | None:
    """7. The content is sound, and the contract's gate finds the claim true."""
    if ctx.tool is None and ctx.handover is None:
        return None
    personal = ctx.release.personal[ctx.tool.name] if ctx.tool else ()
    screening = parts.guardrails.screen_input(ctx.arguments, personal_fields=personal)
    ctx.labels = screening.labels
    if screening.blocked:
        concern, ctx.withheld = screening.blocked, True
        return Denied(
            Check.GUARDRAILS, f"the arguments hold a {concern.kind} ({concern.rule}) at {concern.where}", "Leave it out"
        )
    if ctx.tool and (code := ctx.release.gates["before"].get(ctx.tool.name)):
        seconds = parts.settings.limits.tool_seconds
        why = await run_gate(load_function(code), Reader(parts, ctx), ctx.arguments, None, seconds=seconds)
        ctx.notes.append(f"gate before: {code}")
        if why:
            return Denied(Check.GUARDRAILS, "the gate does not hold", "Correct the claim and ask again", words=why)
    return None


async def require_approval(parts: Parts, ctx: ActionContext) -> Denied | Waiting | None:
    """8. A person said yes to exactly this, or is asked now; a person who acts needs no further yes."""
    approval, rung = ctx.approval, ctx.verdict.rung if ctx.verdict else None
    if ctx.person is not None or rung is Rung.AUTONOMOUS:
        ctx.moot = rung is Rung.AUTONOMOUS and approval is not None and ctx.person is None
        return None
    if approval is None and ctx.tool and ctx.verdict:
        return await ask_people(parts, ctx, ctx.tool, ctx.verdict)
    if approval is None:
        return Denied(Check.APPROVAL, f"the contract lets nobody answer for a {ctx.action.kind}", "Change the contract")
    if approval.state is ApprovalState.PENDING and ctx.now < approval.expires_at:
        return Waiting("person" if approval.kind == "proposal" else "approval", approval.id)
    if rung is Rung.APPROVED and approval.state is ApprovalState.APPROVED:
        return None
    if approval.state is ApprovalState.REJECTED:
        return Denied(Check.APPROVAL, "a person said no", "Do not ask for the same again", words=approval.reason)
    if approval.state is ApprovalState.PENDING:
        hours = f"{parts.settings.limits.approval_hours:g}"
        return Denied(Check.APPROVAL, f"nobody answered within {hours} hours", "Ask again if it is still needed")
    return Denied(Check.APPROVAL, f"the approval is {approval.state}", "Ask again if it is still needed")


async def reserve(parts: Parts, ctx: ActionContext) -> Denied | None:
    """9. The worst case is known and will be held on every budget that pays."""
    amount, caps, day = _worst_case(parts, ctx), ctx.release.caps, day_of(ctx.now)
    if amount is None and any(cap is not None for cap in caps.values()):
        hint = "Set input_price and output_price of the route"
        return Denied(Check.RESERVE, f"no price is known for {ctx.action.name}, and a budget is set", hint)
    if not amount:
        return None
    ctx.budgets = (
        Budget(run_budget(ctx.run.id), caps["run"]),
        Budget(day_budget("agent", ctx.version.agent, day), caps["agent"]),
        Budget(day_budget("unit", ctx.version.unit, day), caps["unit"]),
    )
    ctx.hold = Hold(amount, tuple(budget.id for budget in ctx.budgets))
    return None


def _worst_case(parts: Parts, ctx: ActionContext) -> int | None:
    if ctx.tool is not None:
        return ctx.release.prices[ctx.tool.name]
    if ctx.handover is not None:
        return 0
    return ctx.worst if ctx.judged is ctx.asked else parts.models.worst_case(ctx.action.name, ctx.arguments)


async def take_locks(parts: Parts, ctx: ActionContext) -> Denied | None:
    """10. The resources it will touch are named; the commit takes them all, or none."""
    if ctx.tool is not None:
        ctx.locks = _locks(ctx, ctx.tool)
    return None


def _locks(ctx: ActionContext, tool: Tool) -> tuple[str, ...]:
    given = ctx.arguments
    return tuple(f"{tool.server}:{name}:{given[name]}" for name in tool.locks if given.get(name) is not None)


class Reader:
    """Reads for facts and gates: only tools without effect, each on the record by digest."""

    def __init__(self, parts: Parts, ctx: ActionContext) -> None:
        self._parts = parts
        self._ctx = ctx

    async def __call__(self, tool: str, /, **arguments: JsonValue) -> JsonValue:
        """Returns what `tool` says; a tool that refuses says so as None."""
        declared: Tool | None = self._ctx.release.tools.get(tool)
        if declared is None or declared.effect != "read":
            raise InputError("Facts and gates read only through declared tools without effect", which=tool)
        ctx = self._ctx
        try:
            if why := await self._parts.tools.unavailable(declared):
                raise InputError("A fact could not be read", which=tool, why=f"it is in quarantine: {why}")
        except UpstreamBusyError as busy:
            raise self._later(tool, busy) from busy
        call = ToolCall(f"{ctx.key}:read", ctx.task.id, ctx.run.id, ctx.action.step, ctx.agent, ctx.task.on_behalf_of)
        try:
            result = await read_patiently(self._parts, declared, call, arguments, waits=ctx.performed)
        except UpstreamBusyError as busy:
            raise self._later(tool, busy) from busy
        except (UnreachableError, OutcomeUnknownError, UnusableResultError) as fault:
            raise InputError("A fact could not be read", which=tool, why=str(fault)) from fault
        except ToolError:
            result = None
        ctx.reads.append({"tool": tool, "result": ctx.payload(result).digest})
        return result

    def _later(self, tool: str, busy: UpstreamBusyError) -> InputError:
        """Notes that it may be read later, whatever the fleet's code makes of it; after the effect that is too late."""
        if not self._ctx.performed:
            self._ctx.busy = busy
        return InputError("A fact could not be read", which=tool, why=str(busy))
