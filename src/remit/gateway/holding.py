"""What an action holds from its commit until it has ended: locks, and a place of a tool that is bounded over all processes."""

from collections.abc import Mapping, Sequence

from remit.contracts import Tool
from remit.controls import is_place
from remit.gateway.calls import TRIES
from remit.gateway.context import ActionContext, Parts
from remit.store import CommitRefused, Row, Statement


class NoPlaceError(Exception):
    """Every place of the tool is taken, by this process and others; nothing was committed."""


def longest_call(parts: Parts, tool: Tool | None) -> float:
    """Returns the seconds a call takes at most: every try, its check and its gate, an outage, and a margin."""
    limits = parts.settings.limits
    seconds = (tool.seconds if tool else None) or limits.tool_seconds
    return seconds * TRIES + limits.tool_seconds * 2 + limits.outage_seconds + limits.lock_seconds


def take(parts: Parts, ctx: ActionContext, *, seen: Mapping[str, int] | None = None) -> list[Statement]:
    """Returns what takes all of it, for the commit; a process that dies loses it when the longest call is over."""
    seconds = longest_call(parts, ctx.tool)
    taking = parts.controls.lock(ctx.locks, ctx.key, seconds, seen=seen)
    if bound := _bound(ctx):
        taking += parts.controls.take_place(*bound, ctx.key, seconds)
    return taking


def check_place(refused: CommitRefused) -> None:
    """Raises `NoPlaceError` when that is why: no rule says no, and it may be tried again."""
    if refused.statement == "controls.take_place":
        raise NoPlaceError(refused.refusal)


def note_taken(parts: Parts, ctx: ActionContext, rows: Sequence[Sequence[Row]]) -> None:
    """Keeps what the commit took, by the rows it returned; a lock has a fencing number."""
    taken = {row["resource"]: row["fence"] for returned in rows for row in returned}
    ctx.places = tuple(filter(is_place, taken)) or ctx.places
    ctx.fences = {resource: fence for resource, fence in taken.items() if not is_place(resource)}
    if bound := _bound(ctx):
        parts.controls.opened(*bound)


def _bound(ctx: ActionContext) -> tuple[str, int] | None:
    """Returns its tool and how many calls that may have under way in the cell; None unless it goes for one of them."""
    if ctx.tool_place is None or ctx.tool is None or ctx.tool.cell_concurrency is None:
        return None
    return ctx.tool.name, ctx.tool.cell_concurrency


def let_go(parts: Parts, ctx: ActionContext) -> list[Statement]:
    """Returns what frees all that it still has, for the commit of its outcome."""
    return parts.controls.unlock((*ctx.locks, *ctx.places), ctx.key)


def leave_tool(parts: Parts, ctx: ActionContext) -> list[Statement]:
    """Returns what frees its place only: the call has ended, as far as this side knows."""
    return parts.controls.unlock(ctx.places, ctx.key)
