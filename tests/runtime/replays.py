"""What the tests of replay share: fleets, a replay that changes nothing, and a hand that changes the record."""

import json
import shutil
from pathlib import Path
from typing import Any

from tests.databases import edit_log, everything, execute
from tests.gateway.desk import CARA, REFUNDS, swap

from remit.app import Cell
from remit.journal import Run
from remit.operations import Replays
from remit.runtime import Replayed
from remit.testing import says

FINAL = {"resolved": True, "text": "please wait"}
POLITE = {"tools/shop.yaml": swap(("gates:\n", "gates:\n  polite: tests.runtime.agents:polite\n"))}
REFINED = "models: {turns: 6}\nrefine: {gates: [polite], times: 2, to: care-lead}"
CEILING = """@id("org/money-ceiling")
@because("above 5.00 no agent moves money without people")
forbid (principal is Fleet::Agent, action in Fleet::Action::"money_movement", resource)
when { context.session.autonomy == Fleet::Autonomy::"autonomous" }
unless { context.facts has amount_minor && context.facts.amount_minor <= 500 };
"""


SECOND = """@id("org/second-desk")
@because("the second desk moves no money")
forbid (principal == Fleet::Agent::"second-desk", action in Fleet::Action::"money_movement", resource);
"""


def code(name: str) -> str:
    """Returns the terms of a code agent."""
    return f"models: {{turns: 6}}\ncode: tests.runtime.agents:{name}"


def line(value: Any) -> dict[str, Any]:
    """Returns a model's line that is this JSON."""
    return says(json.dumps(value))


async def replayed(cell: Cell, run: Run, *, policies: Path | None = None) -> Replayed:
    """Replays a run and makes sure that it left every table as it was."""
    before, size = everything(cell.database), cell.log.size()
    told = await Replays(parts=cell.parts, log=cell.log, fleet=cell.fleet).replay(run.id, policies=policies)
    assert everything(cell.database) == before
    assert cell.log.size() == size
    json.dumps(told.as_json())
    return told


def change(cell: Cell, query: str, *values: Any) -> None:
    """Changes the database behind Remit; what is signed before, no checkpoint will look at again."""
    _sign(cell)
    assert len(execute(cell.database, f"{query} returning 1", *values)) == 1


def change_verdict(cell: Cell, run: Run, old: str, new: str) -> None:
    """Changes what the log says of the decision of a run's third step, likewise."""
    _sign(cell)
    assert edit_log(cell.database, old, new, cell.parts.journal.steps(run.id)[2].decision) == 1


def _sign(cell: Cell) -> None:
    if commit := cell.log.checkpoint_commit():
        cell.parts.writer.commit_now(commit)


def fleet_of_two(folder: Path, second: str) -> Path:
    """Makes a fleet that has this contract too, for an agent called `second-desk`."""
    fleet = folder / "fleet"
    shutil.copytree(REFUNDS, fleet, ignore=shutil.ignore_patterns("__pycache__", ".remit", "*.py"))
    text = swap(("agent: refund-desk", "agent: second-desk"))(second)
    (fleet / "agents/second-desk.agent.md").write_text(text, encoding="utf-8")
    return fleet


def verdicts(told: Replayed) -> list[tuple[int, str, str, str]]:
    """Returns step, verdict, and both forms of each."""
    return [(step.step, step.decided, step.recorded, step.replayed) for step in told.judged]


async def answered(cell: Cell, run: Run, answer: Any = "approve", *, person: str = CARA, **more: Any) -> Run:
    """Answers the latest question of a run and drives it on."""
    question = cell.parts.approvals.of_run(run.id)[-1]
    await cell.operations.answer(question.id, person=person, answer=answer, **more)
    return await cell.operations.drive(run.id)
