"""Questions: what policy is asked about an action, and what people are asked."""

from decimal import Decimal
from typing import Any

from remit.approvals import ApprovalState, Asking, Needs
from remit.contracts import Tool
from remit.core import HOUR, MICRO, canonical_bytes
from remit.gateway.context import ActionContext, Parts
from remit.gateway.model import Waiting
from remit.gateway.records import commit_waiting
from remit.gateway.undoing import how_done, permission_used
from remit.journal import Payload
from remit.policy import ApprovalGiven, Question, Rung, Verdict, question_record
from remit.policy import Vote as PolicyVote


def question_for(parts: Parts, ctx: ActionContext) -> Question:
    """Returns the question put to policy: everything the verdict may depend on, and nothing else."""
    tool, task, person = ctx.tool, ctx.task, ctx.person
    arguments = ctx.arguments if tool else {} if ctx.handover else model_terms(ctx)
    return Question(
        kind="tool" if tool else "handoff" if ctx.handover else "model",
        name=ctx.action.name,
        arguments=arguments,
        facts=ctx.facts,
        digest=ctx.judged_digest,
        now=ctx.now,
        on_behalf_of=ctx.on_behalf_of,
        hops=ctx.run.hops,
        intent=task.intent,
        subject=subject_of(tool, ctx) if tool else "none",
        confidence=ctx.action.confidence,
        approval=approval_given(ctx),
        person=person.id if person else "",
        roles=person.roles if person else (),
        amount=amount_of(parts, ctx) if tool else None,
        undoes=how_done(parts, ctx.undone) if ctx.undone else "",
        refused_before=bool(tool and not person) and _was_refused(parts, ctx),
    )


def _was_refused(parts: Parts, ctx: ActionContext) -> bool:
    """Whether people have said no to this tool in this task; the commit of what needs no people looks again."""
    return ctx.action.name in parts.approvals.refused(ctx.task.id, ctx.run.id, ctx.run.attempt)


def question_payload(ctx: ActionContext, question: Question) -> Payload:
    """Names all that a verdict depends on, so that it can be asked again; what was judged is a payload already."""
    record = question_record(question) | {"subjects": dict(ctx.subjects)}
    if question.arguments is not ctx.arguments:
        record["arguments"] = dict(question.arguments)
    return ctx.payload(record)


def model_terms(ctx: ActionContext) -> dict[str, Any]:
    """Returns what policy sees of a model call: never the text."""
    models = ctx.release.contract.terms.models
    most = int(ctx.arguments.get("max_tokens") or models.max_tokens)
    return {"privacy": models.privacy, "max_tokens": most}


def approval_given(ctx: ActionContext) -> ApprovalGiven | None:
    """Returns the yeses to exactly what is judged now, when a person was asked before."""
    answered = ctx.approval is not None and ctx.approval.state is ApprovalState.APPROVED
    if ctx.approval is None or not answered or ctx.person is not None or ctx.judged is None:
        return None
    votes = [vote for vote in ctx.votes if vote.answer != "reject" and vote.digest == ctx.judged.digest]
    if not votes:
        return None
    given = tuple(PolicyVote(vote.person, vote.roles) for vote in votes)
    return ApprovalGiven(given, ctx.approval.digest, max(vote.at for vote in votes))


def subject_of(tool: Tool, ctx: ActionContext) -> Any:
    """Says whether a call touches only the task's subjects: inside, outside, unknown, or none named."""
    if not tool.subjects:
        return "none"
    touched = {kind: _value(ctx, path) for kind, path in tool.subjects.items()}
    if any(value is None or kind not in ctx.subjects for kind, value in touched.items()):
        return "unknown"
    return "inside" if all(str(value) == ctx.subjects[kind] for kind, value in touched.items()) else "outside"


def amount_of(parts: Parts, ctx: ActionContext) -> int | None:
    """Returns the money the call moves in micro-units of the cell's currency; None when it is not known."""
    if ctx.tool is None or ctx.tool.amount is None:
        return None
    value = _value(ctx, ctx.tool.amount.field)
    currency = ctx.tool.amount.currency
    if not (len(currency) == 3 and currency.isupper()):
        currency = str(_value(ctx, currency))
    rate = Decimal(1) if currency == parts.settings.currency else parts.settings.exchange.get(currency)
    if value is None or rate is None:
        return None
    return round(Decimal(str(value)) * rate * MICRO)


def _value(ctx: ActionContext, path: str) -> Any:
    head, _, rest = path.partition(".")
    return ctx.facts.get(rest) if head == "facts" else ctx.arguments.get(path)


async def ask_people(parts: Parts, ctx: ActionContext, tool: Tool, verdict: Verdict) -> Waiting:
    """Parks the action: a question for approvers, or a proposal for the person who will act."""
    proposal = verdict.rung is Rung.SUGGEST
    needs: Needs = tuple(tuple((need.role, need.count) for need in alternative) for alternative in verdict.approvers)
    if ctx.undone is not None and (before := permission_used(parts, ctx.undone)):
        # Whoever could say yes to what is undone, and nobody else, where that can still be asked.
        needs = tuple(one for one in needs if one in before.needs) or needs
    reasons = [reason.because for answer in verdict.answers for reason in answer.reasons if reason.because]
    asking = Asking(
        kind="proposal" if proposal else "action",
        run=ctx.run.id,
        step=ctx.action.step,
        task=ctx.task.id,
        agent=ctx.version.agent,
        version=ctx.version.version,
        name=tool.name,
        digest=ctx.judged_digest,
        proposed=ctx.judged_digest,
        needs=needs,
        because="; ".join(dict.fromkeys(reasons)),
        on_behalf_of=ctx.on_behalf_of,
        options=canonical_bytes(list(ctx.action.alternatives)).decode(),
        expires_at=ctx.now + int(parts.settings.limits.approval_hours * HOUR),
        confidence="" if ctx.action.confidence is None else str(ctx.action.confidence),
    )
    identifier = await commit_waiting(parts, ctx, asking)
    return Waiting("person" if proposal else "approval", identifier, ctx.decision)
