"""What a live demo comes to: read from the journal, the log and the questions, and from the outside world's own record."""

import math
import resource
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from remit.app import Answered, Cell, LiveDemo
from remit.approvals import Approval, ApprovalState
from remit.audit import verify_log
from remit.cli.demo.arrivals import Arrivals, Piece
from remit.core import MICRO, SECOND
from remit.kpis import Figures, WorkCounts

PLACES = 6


@dataclass(frozen=True, slots=True)
class LiveReport:
    """The report as `--json` has it, and what is wrong."""

    value: dict[str, Any]
    wrong: dict[str, list[str]]
    """By the key of the arrival."""
    failed: dict[str, int]
    """Why tasks failed, and how many."""


def make_report(
    cell: Cell, work: LiveDemo, arrivals: Arrivals, *, killed_at: Sequence[int], started: float
) -> LiveReport:
    """Counts everything once more from what was kept, and has the log verified with its public key alone."""
    counts, figures = cell.kpis.work(), cell.kpis.figures()
    wrong = _wrong(cell, work, arrivals)
    tasks = _tasks(arrivals, counts)
    value = {
        "tasks": tasks,
        "actions": {"total": sum(counts.actions.values()), **counts.actions},
        "blocked": dict(counts.blocked),
        "gates": dict(counts.gates),
        "approvals": {"asked": sum(counts.questions.values()), **counts.questions},
        "cost": _money(figures.cost, cell),
        "cpso": _money(figures.cpso, cell),
        "ttr_seconds": _times(arrivals),
        "hir": _share(figures.hir),
        "log": _log(cell),
        "crashes_survived": _survived(arrivals, killed_at),
        "correct_outcomes": _correct(work, tasks, {arrivals.pieces[key].belongs_to for key in wrong}),
        "wall_seconds": round(time.monotonic() - started, 2),
        "cpu_seconds": round(_cpu_seconds(), 2),
        "simulated": _is_simulated(cell, figures),
    }
    return LiveReport(value, wrong, _failed(cell, arrivals))


def _tasks(arrivals: Arrivals, counts: WorkCounts) -> dict[str, int]:
    ends: dict[str, int] = {"total": 0, "resolved": 0, "escalated": 0, "failed": 0, "unfinished": 0}
    for ticket in arrivals.tickets:
        ends["total"] += 1
        ends[_end(arrivals.of(ticket.arrival.key), counts)] += 1
    return ends


def _end(pieces: Sequence[Piece], counts: WorkCounts) -> str:
    """Returns how an arrival ended, with what was appealed against it."""
    if not all(piece.has_ended for piece in pieces):
        return "unfinished"
    if not all(piece.succeeded for piece in pieces):
        return "failed"
    has_hand = any(task in counts.taken_over for piece in pieces for task in piece.tasks)
    return "escalated" if has_hand else "resolved"


def _failed(cell: Cell, arrivals: Arrivals) -> dict[str, int]:
    """Counts why tasks failed: in the words of the last run that says so, which is the one nearest to the cause."""
    ended = [task for piece in arrivals.pieces.values() for task in piece.tasks.values() if task is not None]
    reasons: Counter[str] = Counter()
    for task in ended:
        if task.outcome != "success":
            told = [run.reason for run in cell.parts.journal.runs_of(task.id) if run.reason]
            reasons[told[-1] if told else "its answer is not what the contract calls a success"] += 1
    return dict(reasons.most_common())


def _wrong(cell: Cell, work: LiveDemo, arrivals: Arrivals) -> dict[str, list[str]]:
    """Asks the demo's truth about the end state of everything that has ended."""
    if not work.has_truth:
        return {}
    found: dict[str, list[str]] = {}
    for key, piece in arrivals.pieces.items():
        if not piece.has_ended:
            continue
        complaints = [] if piece.tasks else [piece.refused or "no agent took it"]
        for task in piece.tasks:
            complaints += work.wrong(piece.arrival, task, answers_of(cell, task))
        if complaints:
            found[key] = complaints
    return found


def answers_of(cell: Cell, task: str) -> list[Answered]:
    """Returns what people said to a task's actions, proposals and runs that were stuck."""
    asked = [each for run in cell.parts.journal.runs_of(task) for each in cell.parts.approvals.of_run(run.id)]
    told = [_answered(cell, each) for each in asked if each.kind in ("action", "proposal", "stuck")]
    return [each for each in told if each is not None]


def _answered(cell: Cell, asked: Approval) -> Answered | None:
    step = cell.parts.journal.step(asked.run, asked.step)
    if asked.state in (ApprovalState.PENDING, ApprovalState.WITHDRAWN, ApprovalState.EXPIRED):
        return None
    is_no = asked.state is ApprovalState.REJECTED
    if asked.kind == "stuck" or step is None:
        return Answered(asked.kind, _content(cell, asked.proposed), "reject" if is_no else "approve", {})
    proposed = _content(cell, step.asked)
    if is_no:
        return Answered(asked.name, proposed, "reject", {})
    # A person who acts may have changed it as they did.
    done = _content(cell, step.judged if step.person else asked.proposed)
    votes = cell.parts.approvals.votes(asked.id)
    edited = done != proposed and (bool(step.person) or any(vote.answer == "edit" for vote in votes))
    return Answered(asked.name, proposed, "edit" if edited else "approve", done)


def _content(cell: Cell, digest: str) -> dict[str, Any]:
    """Returns the arguments that were asked for; of a run that was stuck, what it could not go on with."""
    told: dict[str, Any] = cell.parts.journal.content(digest)
    arguments: dict[str, Any] = told.get("arguments") or told.get("answer") or {}
    return arguments


def _correct(work: LiveDemo, tasks: dict[str, int], wrong: set[str]) -> float | None:
    """Returns the share of ended arrivals that are right; one counts as wrong once, whatever is wrong with it."""
    ended = tasks["total"] - tasks["unfinished"]
    if not work.has_truth or not ended:
        return None
    return round(max(0, ended - len(wrong)) / ended, PLACES)


def _times(arrivals: Arrivals) -> dict[str, float | None]:
    """Returns percentiles of the time from taken on to ended, by nearest rank."""
    ended = [task for piece in arrivals.tickets for task in piece.tasks.values() if task and task.ended_at]
    times = sorted(((task.ended_at or 0) - task.created_at) / SECOND for task in ended)
    if not times:
        return {"p50": None, "p90": None}
    return {f"p{rank}": round(times[math.ceil(len(times) * rank / 100) - 1], 3) for rank in (50, 90)}


def _survived(arrivals: Arrivals, killed_at: Sequence[int]) -> int:
    """Counts kills after which a task still came to its end."""
    ends = [task.ended_at or 0 for piece in arrivals.pieces.values() for task in piece.tasks.values() if task]
    last = max(ends, default=0)
    return sum(at < last for at in killed_at)


def _log(cell: Cell) -> dict[str, Any]:
    cell.sign()
    report = verify_log(cell.log)
    return {"size": report.size, "verified": report.ok}


def _is_simulated(cell: Cell, figures: Figures) -> bool:
    return figures.simulated > 0 or any(route.kind == "simulated" for route in cell.settings.models.values())


def _money(micros: int | None, cell: Cell) -> dict[str, Any]:
    return {"amount": None if micros is None else micros / MICRO, "currency": cell.settings.currency}


def _share(value: float | None) -> float | None:
    return None if value is None else round(value, PLACES)


def _cpu_seconds() -> float:
    """Returns what this process and those it has waited for have used; a killed worker's shop is not among them."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)
