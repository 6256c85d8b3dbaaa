"""What a run's page tells of rollbacks, and how one is begun from there."""

from typing import Any

from remit.core import ConflictError, digest_of
from remit.operations import Actor, RollbackShown, RunShown, Views
from remit.web.console import Console

_OVER = ("done", "failed", "cancelled")
# Enough to tell two plans apart that somebody looks at within minutes.
_FINGERPRINT = 16


def undoing_of(views: Views, run: RunShown) -> RollbackShown | None:
    """Returns what can be, is and is not undone of a run that is over; at a rollback's page, of what it undoes."""
    if run.undoes:
        return views.rollbacks.get(run.undoes)
    return views.rollbacks.get(run.run) if run.state in _OVER and run.effects else None


def fingerprint_of(undoing: RollbackShown | None) -> str:
    """Names a plan, so that nobody has something else undone than what they looked at."""
    if undoing is None:
        return ""
    plan = [[each.run, each.step, each.by] for each in undoing.steps], [[each.run, each.step] for each in undoing.left]
    return digest_of(plan).rpartition(":")[2][:_FINGERPRINT]


async def begin_rollback(console: Console, actor: Actor, run: str, because: str, seen: str) -> dict[str, Any]:
    """Begins a rollback and returns its receipt. Raises `ConflictError` when the plan is another one by now."""
    plan = console.views(actor).rollbacks.get(run)
    if seen != fingerprint_of(plan):
        raise ConflictError("It is not what you looked at any more", which=run, hint="Look again")
    begun = await console.verbs(actor).rollback(run, because=because)
    if begun is None:
        raise ConflictError("There is nothing to undo", which=run, why="it is undone already")
    return {"rollback": begun.id, "undoes": run, "because": because, "by": actor.id} | {
        "steps": len(plan.steps),
        "left": len(plan.left),
    }
