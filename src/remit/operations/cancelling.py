"""Cancelling: a run that is not over ends, with all that it handed work to, in one commit or not at all."""

from collections.abc import Awaitable, Callable, Sequence

from remit.approvals import ApprovalState
from remit.audit import make_entry
from remit.core import ConflictError
from remit.gateway import Parts
from remit.journal import Run
from remit.operations.record import given_reason
from remit.store import Commit, Committed, Statement

# A family that hands work on, or ends, each time it is looked at is told to whoever asks.
TRIES = 5

MayEnd = Callable[[Sequence[Run]], Awaitable[None]]
"""Raises when one of these runs may not be ended."""


async def anybody(_ending: Sequence[Run]) -> None:
    """Lets every run be ended."""


async def cancel_run(parts: Parts, run_id: str, *, because: str, by: str, may_end: MayEnd = anybody) -> Run:
    """Ends a run that is not over and those it handed work to; their attempts are fenced off at once.

    `may_end` is asked about all that would end. Who is handed work meanwhile is asked about as well before anything ends.
    """
    because = given_reason(because, run_id, "To cancel")
    run = parts.journal.run(run_id)
    for _ in range(TRIES):
        ending = _not_over(parts, parts.journal.run(run.id))
        if not ending:
            break
        await may_end(ending)
        if await _ended(parts, ending, because, by) and ending[-1].id == run.id:
            return parts.journal.run(run.id)
    is_over = parts.journal.run(run.id).state.is_over
    why = "the run is over already" if is_over else "those it hands work to come and go just now"
    raise ConflictError("This could not be done", which=run.id, why=why, hint="" if is_over else "Try again")


def _not_over(parts: Parts, run: Run) -> list[Run]:
    """Returns what is not over of a run and of all it handed work to; takers come before their givers.

    In this order ends of runs lock the rows, too: a taker that ends has its giver go on.
    """
    takers = [child for child in parts.journal.children(run.id) if child.is_child]
    below = [each for taker in takers for each in _not_over(parts, taker)]
    return below if run.state.is_over else [*below, run]


async def _ended(parts: Parts, ending: Sequence[Run], because: str, by: str) -> bool:
    """Whether all of these runs are cancelled; nothing is when one of them was over, or had handed on more work."""
    now, journal = parts.clock.now(), parts.journal
    statements: list[Statement] = []
    for run in ending:
        statements += [journal.cancel(run.id, because), journal.stop_attempt(run.id)]
        if run.is_child:
            statements.append(journal.ready(run.parent_run or ""))
        elif run.effects:
            statements.append(journal.end_task(run.task, "cancelled", "cancelled"))
        statements += [
            parts.approvals.close(asked.id, ApprovalState.WITHDRAWN, because)
            for asked in parts.approvals.of_run(run.id)
            if asked.state is ApprovalState.PENDING and asked.kind != "unknown"  # what may have happened is to be told
        ]
    statements += [journal.guard_no_takers(run.id) for run in ending]
    entries = [
        make_entry(run.id, "run.cancelled", run.id, now, {"run": run.id, "because": because, "by": by})
        for run in reversed(ending)
    ]
    result = await parts.writer.commit(Commit(statements, entries, ending[-1].id))
    return isinstance(result, Committed)
