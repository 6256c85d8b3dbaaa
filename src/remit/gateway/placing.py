"""A place at the upstream for each action: taken before it is committed, left when its effect has ended.

Who finds none is parked with a time to come back. What was permitted and could not be sent is withdrawn, as if it had
never been decided, but for the log; it is judged anew then.
"""

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable

from remit.controls import ROOM_SECONDS
from remit.core import MICRO, MINUTE
from remit.gateway.context import ActionContext, Parts
from remit.gateway.holding import NoPlaceError, let_go
from remit.gateway.model import Check, Denied, Waiting
from remit.gateway.records import commit_denied, decision_entry
from remit.gateway.upstreams import Upstream, UpstreamBusyError
from remit.guardrails import UNDECIDED
from remit.store import Commit, CommitRefused, Statement


async def enter(parts: Parts, ctx: ActionContext) -> None:
    """Takes a place for an action that calls out, unless it has one; raises `UpstreamBusyError` when there is none."""
    if ctx.place is not None or (upstream := _upstream(parts, ctx)) is None:
        return
    if ctx.tool is not None and ctx.tool_place is None and (own := parts.tools.own_upstream(ctx.tool)) is not None:
        ctx.tool_place = await own.enter()
    try:
        ctx.place = await upstream.enter()
    except UpstreamBusyError:
        leave(ctx)
        raise


async def commit_in_place(
    parts: Parts, ctx: ActionContext, commit: Callable[[Parts, ActionContext], Awaitable[Denied | None]]
) -> Denied | None:
    """Commits with room for the call: here, and within what its tool may do at once over all processes.

    For that it waits a little, as for a place here, and keeps nobody from the server meanwhile; then `UpstreamBusyError`
    is raised.
    """
    await enter(parts, ctx)
    until = time.monotonic() + parts.settings.limits.busy_seconds
    while True:
        try:
            return await commit(parts, ctx)
        except NoPlaceError:
            await _wait_for_room(parts, ctx, until)


async def _wait_for_room(parts: Parts, ctx: ActionContext, until: float) -> None:
    tool = ctx.tool
    assert tool is not None and tool.cell_concurrency is not None  # noqa: PT018, S101  who is bounded
    leave_upstream(ctx, is_used=False)
    while time.monotonic() < until:
        await asyncio.sleep(ROOM_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311  keeps no secret
        if parts.controls.has_room(tool.name, tool.cell_concurrency):
            await enter(parts, ctx)
            return
    own = parts.tools.own_upstream(tool)
    assert own is not None and ctx.tool_place is not None  # noqa: PT018, S101  as above
    busy = own.busy()
    ctx.tool_place.leave(is_used=False)
    raise busy


def leave(ctx: ActionContext) -> None:
    """Gives its places here to the next."""
    leave_upstream(ctx)
    if ctx.tool_place is not None:
        ctx.tool_place.leave()
        ctx.tool_place = None


def leave_upstream(ctx: ActionContext, *, is_used: bool = True) -> None:
    """Gives its place at the server or route to the next; that of its tool it has for as long as it holds one in the cell."""
    if ctx.place is not None:
        ctx.place.leave(is_used=is_used)
        ctx.place = None


async def come_back(parts: Parts, ctx: ActionContext, busy: UpstreamBusyError) -> Waiting | Denied:
    """Parks the run until there may be a place; a person, and who has waited for too long, is told instead.

    What was decided and not sent is withdrawn before; what may have been sent stays decided, and is taken up again.
    """
    if not may_come_back(parts, ctx, busy.upstream):
        hint = f"Try again in {math.ceil(busy.seconds)} seconds"
        return await commit_denied(parts, ctx, Denied(Check.PERFORM, f"it {UNDECIDED}: {busy}", hint))
    if ctx.performed and not busy.is_repeat and not await _withdraw(parts, ctx):
        return Denied(Check.IDENTIFY, "this attempt of the run does not hold the pen", "Stop; a newer attempt goes on")
    until = parts.clock.now() + math.ceil(busy.seconds * MICRO)
    return Waiting("upstream", busy.upstream, ctx.decision, until=until)


def may_come_back(parts: Parts, ctx: ActionContext, upstream: str) -> bool:
    """Whether a run may be parked for an upstream: no person waits for it, and it has not waited for too long."""
    if ctx.person is not None:
        return False
    since = parts.journal.parked_since(ctx.run.id, waits_for(upstream, ctx.action.step))
    return since is None or parts.clock.now() - since < parts.settings.limits.upstream_minutes * MINUTE


def waits_for(upstream: str, step: int) -> str:
    """Returns the reason of such a parking: the same one each time, so that it is known how long a run has waited."""
    return f"waits for {upstream} at step {step}"


async def _withdraw(parts: Parts, ctx: ActionContext) -> bool:
    """Takes back the decision of an action that was not sent; whether that stands, or somebody else has the run by now."""
    statements: list[Statement] = [
        parts.journal.guard(ctx.run.id, ctx.run.attempt),
        parts.journal.write_step("withdraw_step", run=ctx.run.id, step=ctx.action.step),
        *let_go(parts, ctx),
    ]
    if ctx.approval is not None and not ctx.moot:
        statements.append(parts.approvals.give_back(ctx.approval.id))
    if ctx.hold is not None:
        statements += parts.ledger.release(ctx.run.id, ctx.action.step, ctx.hold)
    entry = decision_entry(ctx, "withdraw")
    result = await parts.writer.commit(Commit(statements, [entry], ctx.key))
    return not isinstance(result, CommitRefused)


def _upstream(parts: Parts, ctx: ActionContext) -> Upstream | None:
    if ctx.tool is not None:
        return parts.tools.upstream(ctx.tool)
    return parts.models.upstream(ctx.action.name) if ctx.action.kind == "model" else None
