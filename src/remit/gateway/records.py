"""What is written down: the record of each decision and outcome, in the same commit as what it speaks of."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from remit.approvals import Approval, ApprovalState, Asking
from remit.audit import make_entry
from remit.core import ConflictError, InputError
from remit.gateway.calls import plain
from remit.gateway.context import ActionContext, Parts
from remit.gateway.handoffs import plan_child
from remit.gateway.holding import check_place, note_taken, take
from remit.gateway.model import Check, Denied, Done
from remit.gateway.overrides import keep_override
from remit.journal import Payload, StepRow, StepState
from remit.policy import Rung, Verdict, verdict_record
from remit.store import Commit, CommitRefused, CommitResult, Entry, Statement

# Seconds between tries to keep an outcome while the database is busy with somebody else.
PAUSES = (0.1, 0.5, 2.0)
# Reads that are named one by one in a record; a fact that takes more is a report.
MOST_READS = 50

# Which numbered step a guard of the commit belongs to.
_STEP_OF_GUARD = {
    "journal.open_step": Check.IDENTIFY,
    "journal.act_on_step": Check.IDENTIFY,
    "journal.guard_attempt": Check.IDENTIFY,
    "journal.guard_latest": Check.IDENTIFY,
    "controls.guard_switches": Check.SWITCHES,
    "registry.guard_release": Check.LIFECYCLE,
    "controls.count_call": Check.LIMITS,
    "approvals.guard_unrefused": Check.AUTHORITY,
    "approvals.use": Check.APPROVAL,
    "approvals.act_on": Check.APPROVAL,
    "ledger.hold": Check.RESERVE,
    "controls.take_lock": Check.LOCK,
}


def decision_entry(ctx: ActionContext, verdict: str, **more: Any) -> Entry:
    """Returns the log entry of a decision (H2): who, what, why, under which rules; personal data only as digests."""
    record: dict[str, Any] = {
        "decision": ctx.decision,
        "verdict": verdict,
        "action": {"kind": ctx.action.kind, "name": _name(ctx), "step": ctx.action.step},
        **more,
    }
    if ctx.identified:
        record |= _who(ctx) | _what(ctx)
    if ctx.verdict is not None:
        record |= _why(ctx, ctx.verdict)
    return make_entry(ctx.stream, "decision", ctx.decision, ctx.now, record)


def _name(ctx: ActionContext) -> str:
    """Returns the name of a declared tool or route; any other is somebody's words, and only its digest is written."""
    name = ctx.action.name
    if ctx.declared:
        return name
    return ctx.payload(name).digest if ctx.identified else "undeclared"


def _who(ctx: ActionContext) -> dict[str, Any]:
    principal = {"human": ctx.person.id} if ctx.person else {"agent": ctx.version.agent, "version": ctx.version.version}
    return {
        "principal": principal,
        "on_behalf_of": ctx.on_behalf_of,
        "chain": ctx.task.chain,
        "task": ctx.task.id,
        "run": ctx.run.id,
        "attempt": ctx.run.attempt,
        "contract": ctx.version.contract,
        "release": ctx.run.release,
        **({"undoes": ctx.run.undoes} if ctx.run.undoes else {}),
    }


def _what(ctx: ActionContext) -> dict[str, Any]:
    return {
        "asked": ctx.asked.digest if ctx.asked else "",
        "judged": ctx.judged_digest,
        "confidence": None if ctx.action.confidence is None else str(ctx.action.confidence),
        "reasoning": told.digest if (told := reasoning(ctx)) else "",
        "alternatives": len(ctx.action.alternatives),
        "labels": sorted(ctx.labels),
    }


def reasoning(ctx: ActionContext) -> Payload | None:
    """Returns what the agent said about its action: kept as a payload, committed in the log by its digest."""
    action = ctx.action
    if not action.reasoning and not action.alternatives:
        return None
    return ctx.payload({"reasoning": action.reasoning, "alternatives": [dict(one) for one in action.alternatives]})


def _why(ctx: ActionContext, verdict: Verdict) -> dict[str, Any]:
    return {
        "bundle": ctx.release.bundle.digest,
        "question": ctx.question.digest if ctx.question and not ctx.withheld else "",
        **({"withheld": True} if ctx.withheld else {}),
        **verdict_record(verdict),
        "facts": {name: _commitment(ctx, value) for name, value in ctx.facts.items()},
        "subjects": {kind: ctx.payload(value).digest for kind, value in ctx.subjects.items()},
        "reads": ctx.reads[:MOST_READS],
        "constraints": [*ctx.release.constraints.get(ctx.action.name, ()), *ctx.notes],
    }


def _commitment(ctx: ActionContext, value: Any) -> Any:
    """Keeps typed values; text may be personal, so only its digest under the task's salt goes into the log."""
    return ctx.payload(value).digest if isinstance(value, str) else value


async def commit_permit(parts: Parts, ctx: ActionContext) -> Denied | None:
    """11a. One commit re-checks everything by row counts and appends the decision; then it may be performed."""
    guards = [
        parts.controls.guard(ctx.scopes),
        parts.registry.guard(ctx.version.agent, ctx.version.version, ctx.run.release),
        _open_step(parts, ctx, "decided", sent=ctx.judged_digest),
        *_kept(parts, ctx),
    ]
    if ctx.approval is not None:
        guards.append(_use(parts, ctx, ctx.approval))
    if ctx.tool is not None and ctx.person is None and ctx.verdict and ctx.verdict.rung is Rung.AUTONOMOUS:
        guards.append(parts.approvals.guard_unrefused(ctx.task.id, ctx.tool.name))
    if ctx.tool is not None and ctx.tool.rate is not None:
        rate = ctx.tool.rate
        guards.append(
            parts.controls.count(f"{ctx.version.agent}:{ctx.tool.name}", most=rate.calls, seconds=rate.seconds)
        )
    held: list[Statement] = []
    if ctx.hold is not None:
        held = [
            *parts.ledger.open(ctx.budgets),
            *parts.ledger.reserve(ctx.run.id, ctx.action.step, ctx.hold.amount, ctx.budgets),
        ]
    taking = take(parts, ctx, seen=ctx.seen)
    more: dict[str, Any] = {"approval": ctx.approval.id if ctx.approval else ""}
    if ctx.handover is not None:
        held += plan_child(parts, ctx, ctx.handover)
        more["child"] = ctx.handover.child.id
    if overridden := _overridden(parts, ctx):
        statements_of, more["overridden"] = overridden
        held += statements_of
    entry = decision_entry(ctx, "permit", sent=ctx.judged_digest, **more)
    statements = [*guards, *taking, *held]
    result = await parts.writer.commit(Commit(statements, [entry], ctx.key))
    if isinstance(result, CommitRefused):
        check_place(result)
        return CommitRefusedError(result).denied
    parts.ledger.opened(ctx.budgets)
    _taken(parts, ctx)
    note_taken(parts, ctx, result.rows[len(guards) : len(guards) + len(taking)])
    return None


def _overridden(parts: Parts, ctx: ActionContext) -> tuple[list[Statement], dict[str, str]] | None:
    """Keeps that a person does otherwise than was proposed to them; returns what the record says of it, too."""
    if ctx.person is None or ctx.approval is None or ctx.otherwise is None:
        return None
    if ctx.judged_digest == ctx.approval.proposed:
        return None
    category, reason = ctx.otherwise
    kept = keep_override(parts, ctx.approval, ctx.person.id, category, reason, decided=ctx.judged_digest)
    return [parts.journal.keep(reason), kept], {"category": category.value, "reason": reason.digest}


def _use(parts: Parts, ctx: ActionContext, approval: Approval) -> Statement:
    """Uses an approval up, takes a proposal into a person's hands, or withdraws a question nobody need answer."""
    if ctx.person is not None:
        return parts.approvals.act_on(approval, f"{ctx.person.id} acted")
    if ctx.moot:
        return parts.approvals.close(approval.id, ApprovalState.WITHDRAWN, "it needs no approval any more")
    return parts.approvals.use(approval)


async def commit_resumed(parts: Parts, ctx: ActionContext) -> Denied | None:
    """Takes up what was decided before a crash: nobody has stopped it since, and its resources are its own again."""
    guards = [
        parts.journal.guard(ctx.run.id, ctx.run.attempt),
        parts.journal.guard_open(ctx.run.id, ctx.action.step),
        parts.controls.guard(ctx.scopes),
        parts.registry.guard(ctx.version.agent, ctx.version.version, ctx.run.release),
    ]
    taking = take(parts, ctx)
    result = await parts.writer.commit(Commit([*guards, *taking], [decision_entry(ctx, "resume")], ctx.key))
    if isinstance(result, CommitRefused):
        check_place(result)
        return CommitRefusedError(result).denied
    note_taken(parts, ctx, result.rows[len(guards) : len(guards) + len(taking)])
    return None


async def commit_played_back(parts: Parts, ctx: ActionContext, row: StepRow) -> Done:
    """Keeps the outcome another run had for the same action as this one's, at no cost; nothing was done."""
    kept = parts.journal.write_step(
        "keep_recorded",
        **_step_key(ctx),
        judged=ctx.judged_digest,
        result=row.result,
        is_error=int(row.is_error),
        at=ctx.now,
    )
    entry = decision_entry(ctx, "played-back", of=row.decision)
    result = await parts.writer.commit(Commit([kept, *_kept(parts, ctx)], [entry], ctx.key))
    if isinstance(result, CommitRefused):
        raise CommitRefusedError(result)
    _taken(parts, ctx)
    return replace(read_done(parts, row), decision=ctx.decision, cost=0)


async def commit_waiting(parts: Parts, ctx: ActionContext, asking: Asking) -> str:
    """Parks the action: the question, the waiting step and the decision's record in one commit."""
    identifier, asked = parts.approvals.ask(asking)
    entry = decision_entry(ctx, "wait", approval=identifier)
    statements = [
        parts.controls.guard(ctx.scopes),
        _open_step(parts, ctx, "waiting", approval=identifier),
        asked,
        *_kept(parts, ctx),
    ]
    result = await parts.writer.commit(Commit(statements, [entry], ctx.key))
    if isinstance(result, CommitRefused):
        raise CommitRefusedError(result)
    _taken(parts, ctx)
    return identifier


class CommitRefusedError(Exception):
    """A commit that should have stood did not; the gateway turns it into a refusal."""

    def __init__(self, refused: CommitRefused) -> None:
        super().__init__(refused.refusal)
        self.denied = Denied(_STEP_OF_GUARD.get(refused.statement, Check.PERFORM), refused.refusal, "Try again later")


async def commit_denied(parts: Parts, ctx: ActionContext, denied: Denied) -> Denied:
    """Writes a refusal down. A caller that does not hold the pen leaves an entry, but no step.

    What may pass by itself (a switch, a paused version, a stale attempt) is not kept as the step's outcome either, so
    a run that goes on later asks again.
    """
    told = replace(denied, decision=ctx.decision)
    words = ctx.payload(denied.words).digest if denied.words and ctx.identified else ""
    entry = _denied_entry(ctx, denied, words)
    kept = _kept(parts, ctx) if ctx.identified else []
    statements = kept
    is_kept = ctx.identified and ctx.person is None and denied.step not in PASSING and ctx.asked is not None
    if is_kept:
        told_why = {"step": int(denied.step), "reason": denied.reason, "hint": denied.hint, "words": denied.words}
        words_kept = ctx.payload({"denied": told_why})
        statements = [
            parts.journal.write_step(
                "deny_step",
                **_step_key(ctx),
                judged=ctx.judged_digest,
                approval=ctx.approval.id if ctx.approval else "",
                result=words_kept.digest,
                refused_at=int(denied.step),
                at=ctx.now,
            ),
            parts.journal.keep(words_kept),
            *kept,
        ]
        if ctx.approval is not None and denied.step is Check.APPROVAL:
            statements.append(parts.approvals.close(ctx.approval.id, ApprovalState.EXPIRED, denied.reason))
    result = await parts.writer.commit(Commit(statements, [entry], ctx.key if ctx.identified else ""))
    if isinstance(result, CommitRefused):
        await parts.writer.commit(Commit(kept, [entry]))
    elif is_kept:
        _taken(parts, ctx)
    return told


def _denied_entry(ctx: ActionContext, denied: Denied, words: str) -> Entry:
    """Returns the refusal's record; one that cannot be written in full is written in short, never left out."""
    told = {"refused_at": int(denied.step), "reason": plain(denied.reason), "words": words}
    try:
        return decision_entry(ctx, "deny", **told)
    except (InputError, ValueError, TypeError):
        short = {
            "decision": ctx.decision,
            "verdict": "deny",
            "action": {"kind": ctx.action.kind, "step": 0, "name": ""},
        }
        return make_entry(ctx.stream, "decision", ctx.decision, ctx.now, {**short, **told})


PASSING = frozenset({Check.IDENTIFY, Check.SWITCHES, Check.LIFECYCLE})
"""Refusals that end the attempt. Any other the agent hears and goes on with, so driven again it must hear the same."""


async def commit_outcome(parts: Parts, ctx: ActionContext, statements: Sequence[Statement], **fields: Any) -> None:
    """13. Settlement, release, labels, result and the outcome's record in one commit."""
    entry = make_entry(ctx.stream, "outcome", ctx.decision, parts.clock.now(), {"decision": ctx.decision, **fields})
    parts.reach("before outcome")
    result = await _surely(parts, Commit(statements, [entry], ctx.key))
    parts.reach("after outcome")
    if isinstance(result, CommitRefused):
        raise CommitRefusedError(result)


async def _surely(parts: Parts, commit: Commit) -> CommitResult:
    """Commits what has happened; a database that cannot take it now is asked again before it is given up."""
    for pause in PAUSES:
        try:
            return await parts.writer.commit(commit)
        except ConflictError:
            await asyncio.sleep(pause)
    return await parts.writer.commit(commit)


def recorded_outcome(parts: Parts, row: StepRow) -> Done | Denied | None:
    """Returns the outcome of a step as it was recorded, or nothing when it has none yet."""
    match row.state:
        case StepState.DONE:
            return read_done(parts, row)
        case StepState.DENIED:
            return read_denied(parts, row)
        case _:
            return None


def read_done(parts: Parts, row: StepRow) -> Done:
    """Returns an outcome as it was recorded."""
    kept = parts.journal.content(row.result)
    return Done(kept["value"], row.decision, row.is_error, row.cost, bool(kept.get("acted")))


def read_denied(parts: Parts, row: StepRow) -> Denied:
    """Returns a refusal as it was recorded."""
    told = parts.journal.content(row.result)["denied"]
    return Denied(Check(told["step"]), told["reason"], told["hint"], row.decision, told["words"])


def _taken(parts: Parts, ctx: ActionContext) -> None:
    """Remembers a step that stands in the journal now."""
    if ctx.person is None and ctx.asked is not None:
        parts.journal.underway.taken(ctx.run.id, ctx.run.attempt, ctx.action.step, ctx.asked.digest)


def _step_key(ctx: ActionContext) -> dict[str, Any]:
    return {
        "run": ctx.run.id,
        "step": ctx.action.step,
        "attempt": ctx.run.attempt,
        "kind": ctx.action.kind,
        "name": _name(ctx),
        "asked": ctx.asked.digest if ctx.asked else "",
        "decision": ctx.decision,
    }


def _open_step(parts: Parts, ctx: ActionContext, state: str, *, sent: str = "", approval: str = "") -> Statement:
    if ctx.person is not None:
        return parts.journal.write_step(
            "act_on_step",
            run=ctx.run.id,
            step=ctx.action.step,
            judged=ctx.judged_digest,
            sent=sent,
            decision=ctx.decision,
            person=ctx.person.id,
        )
    approval = approval or (ctx.approval.id if ctx.approval else "")
    return parts.journal.write_step(
        "open_step", **_step_key(ctx), judged=ctx.judged_digest, sent=sent, state=state, approval=approval, at=ctx.now
    )


def _kept(parts: Parts, ctx: ActionContext) -> list[Statement]:
    """Keeps what was asked, what was judged where it differs, by what, and the agent's reasoning."""
    said = () if ctx.withheld else (ctx.asked, ctx.judged, ctx.question)
    payloads: list[Payload] = [payload for payload in said if payload]
    if told := reasoning(ctx):
        payloads.append(told)
    distinct = {payload.digest: payload for payload in payloads}
    bundle = ctx.release.bundle if ctx.verdict else None
    judged_by = parts.registry.keep_bundle(bundle.digest, bundle.packed) if bundle else []
    return [*judged_by, *(parts.journal.keep(payload) for payload in distinct.values())]
