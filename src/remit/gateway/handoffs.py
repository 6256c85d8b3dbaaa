"""Hand-offs: work goes to another contract with an envelope, as a child run made in the commit of the decision."""

from dataclasses import dataclass, replace

from remit.contracts import Contract, compile_envelope, compile_schema, trigger_problem, unreadable_criteria
from remit.core import InputError, NotFoundError, check_depth
from remit.gateway.context import ActionContext, Handover, Parts
from remit.gateway.model import Check, Denied
from remit.gateway.undoing import carrier, plan_rollback, taker_to_undo, undoing_run
from remit.journal import Run
from remit.store import Statement


@dataclass(frozen=True, slots=True)
class _Taker:
    """Who would take the work now."""

    handover: Handover
    contract: Contract


def check_handoff(parts: Parts, ctx: ActionContext) -> Denied | None:
    """5, for a hand-off. The envelope is sound, the taker takes work from this giver, and its input fits."""
    if ctx.run.undoes:
        return _check_undoing(parts, ctx)
    name, arguments = ctx.action.name, dict(ctx.action.arguments)
    granted = ctx.release.contract.terms.handoffs
    if name not in granted:
        hint = f"It hands off to: {', '.join(granted) or 'nobody'}"
        return Denied(Check.INPUT, "the contract does not hand off to this agent", hint)
    try:
        check_depth(arguments, name="The envelope")
        judged = ctx.payload({"kind": "handoff", "name": name, "arguments": arguments})
    except (InputError, TypeError, ValueError) as fault:
        return Denied(Check.INPUT, "the envelope cannot be taken", "Send a JSON object", words=str(fault))
    if (size := len(judged.body)) > (most := parts.settings.limits.argument_bytes):
        return Denied(Check.INPUT, f"the envelope has {size} bytes, the limit is {most}", "Hand over references")
    # Read back from the judged bytes, as for tools: nobody else holds these objects.
    ctx.judged, ctx.arguments = judged, judged.value()["arguments"]
    problems = compile_envelope().problems(ctx.arguments) or unreadable_criteria(ctx.arguments)
    if problems:
        return Denied(
            Check.INPUT, "the envelope is not sound", "See the schema of hand-offs", words="; ".join(problems)
        )
    taker = _taker(parts, name)
    if isinstance(taker, Denied):
        return taker
    return _check_taking(ctx, taker)


def _check_undoing(parts: Parts, ctx: ActionContext) -> Denied | None:
    """5, for a hand-off of a rollback: who took work over undoes its own changes, as itself."""
    taker = taker_to_undo(parts, ctx)
    if taker is None:
        return Denied(Check.INPUT, "a rollback hands on only what was handed over before")
    carried = carrier(parts, taker)
    if carried is None:
        return Denied(Check.INPUT, f"no version of {taker.agent} may act, so nobody can undo what it did")
    ctx.judged = ctx.payload({"kind": "handoff", "name": ctx.action.name, "arguments": dict(ctx.action.arguments)})
    ctx.arguments = ctx.judged.value()["arguments"]
    ctx.handover = Handover(carried[0], undoes=taker)
    return None


def _taker(parts: Parts, name: str) -> _Taker | Denied:
    try:
        version = parts.registry.current(name)
    except NotFoundError:
        return Denied(Check.LIFECYCLE, f"{name} has no live version", "It waits until one is approved")
    contract = parts.releases.contract(version.release)
    if contract is None:
        return Denied(Check.LIFECYCLE, f"the release of {version.id} is not loaded", "It waits until it is")
    return _Taker(Handover(version), contract)


def _check_taking(ctx: ActionContext, taker: _Taker) -> Denied | None:
    contract, context = taker.contract, ctx.arguments["context"]
    if problem := trigger_problem(contract, "handoff", giver=ctx.version.agent, value=context):
        return Denied(Check.INPUT, problem)
    if (hops := ctx.run.hops + 1) > (most := contract.terms.limits.hops):
        why = f"{contract.name} takes work that was handed on {most} times at most, and this would be the {hops}."
        return Denied(Check.LIMITS, why, "Ask a person")
    if problems := compile_schema(contract.terms.input).problems(context):
        told = "; ".join(problems)
        hint = f"Send a context that fits the input of {contract.name}"
        return Denied(Check.INPUT, "the context does not fit the taker's input", hint, words=told)
    ctx.handover = taker.handover
    return None


def plan_child(parts: Parts, ctx: ActionContext, handover: Handover) -> list[Statement]:
    """11a. Plans the taker's run and returns its statements, for the commit of the decision."""
    if handover.undoes is not None:
        return _plan_undoing(parts, ctx, handover, handover.undoes)
    version, labels = handover.version, ",".join(sorted(ctx.labels))
    given = replace(ctx.payload(ctx.arguments["context"]), labels=labels)
    handover.child, queued = parts.journal.new_run(
        ctx.task,
        agent=version.agent,
        version=version.version,
        release=version.release,
        origin=ctx.run.handed(ctx.action.step, given.digest),
        priority=ctx.run.priority,
    )
    return [
        parts.controls.guard(version.scopes),
        parts.registry.guard(version.agent, version.version, version.release),
        queued,
        parts.journal.keep(given),
    ]


def _plan_undoing(parts: Parts, ctx: ActionContext, handover: Handover, taker: Run) -> list[Statement]:
    plan, version = plan_rollback(parts, taker), handover.version
    origin = replace(ctx.run.handed(ctx.action.step, ""), asked_by=ctx.run.asked_by)
    handover.child, statements = undoing_run(parts, ctx.task, version, plan, origin, because=f"with {ctx.run.undoes}")
    guard = parts.registry.guard(version.agent, version.version, version.release)
    return [parts.controls.guard(version.scopes), guard, *statements]
