"""The support fleet at work in this process: its shop over stdio, tickets of a world, and people who answer."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Literal

from remit.app import Arrival, Cell, DemoTerms, build
from remit.approvals import Approval, ApprovalState, OverrideCategory
from remit.cli.demo.report import answers_of
from remit.journal import Run, RunState, StepRow
from remit.runtime import Event
from remit_fleets.support.demo import SupportDemo, work
from remit_fleets.support.shop import DATABASE, Effect, effects_of, open_shop

Say = Literal["approve", "reject"]
Rule = Callable[[Approval], Say]


@dataclass(frozen=True, slots=True)
class Worked:
    """What came of one arrival."""

    task: str
    state: RunState
    output: Mapping[str, Any]
    effects: tuple[Effect, ...]
    steps: tuple[StepRow, ...]
    asked: tuple[Approval, ...]
    wrong: tuple[str, ...]
    """What the truth has against it."""

    @property
    def denied(self) -> list[str]:
        """The names of what was denied."""
        return [step.name for step in self.steps if step.state == "denied"]

    @property
    def message(self) -> str:
        """The answer the customer got."""
        texts = [str(effect.detail["text"]) for effect in self.effects if effect.tool == "send_message"]
        return "\n".join(texts)

    def done(self, tool: str) -> list[Effect]:
        """The effects of one tool."""
        return [effect for effect in self.effects if effect.tool == tool]


@dataclass(slots=True)
class Office:
    """One cell with its queue."""

    cell: Cell
    demo: SupportDemo
    folder: Path
    rule: Rule = field(default=lambda asked: "approve")

    @classmethod
    async def open(cls, folder: Path, *, seed: int, tickets: int, model: str = "") -> "Office":
        """Opens an office over a copy of the fleet's files, where a function in place of the simulated model may answer."""
        with as_file(files("remit_fleets.support")) as fleet:
            shutil.copytree(fleet, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__", ".remit"))
        if model:
            settings = folder / "remit.toml"
            text = settings.read_text(encoding="utf-8")
            settings.write_text(text.replace("remit_fleets.support.simulated:answer", model), encoding="utf-8")
        demo = work(DemoTerms(folder, seed, tickets, None))
        cell = build(folder)
        await cell.operations.load()
        return cls(cell, demo, folder)

    async def close(self) -> None:
        """Closes everything."""
        await self.cell.close()
        self.demo.close()

    async def work(self, arrival: Arrival) -> Worked:
        """Takes one arrival to its end, with people's answers on the way."""
        self.demo.put_in([arrival])
        now = self.cell.parts.clock.now()
        event = Event(self.demo.source, arrival.key, arrival.event, arrival.data, now, self.demo.on_behalf_of)
        received = await self.cell.triggers.receive(event)
        assert [told.why for told in received.refused] == []
        run = await self.finish(received.tasks[0].run.id)
        return self._worked(arrival, run.id)

    async def finish(self, identifier: str) -> Run:
        """Drives a run to its end, with people's answers on the way."""
        run = await self.cell.operations.drive(identifier)
        while run.state is RunState.WAITING and (asked := self._asked(run.task, pending=True)):
            for question in asked:
                await self._answer(question)
            run = await self.cell.operations.drive(run.id)
        return run

    def _worked(self, arrival: Arrival, run_id: str) -> Worked:
        journal, run = self.cell.parts.journal, self.cell.parts.journal.run(run_id)
        known = arrival.key.startswith("T-")  # of a test's own ticket nobody knows what is right
        wrong = self.demo.wrong(arrival, run.task, answers_of(self.cell, run.task)) if known else []
        output: dict[str, Any] = journal.content(run.output) if run.output else {}
        steps = [step for each in journal.runs_of(run.task) for step in journal.steps(each.id)]
        asked, effects = self._asked(run.task), self.effects(run.task)
        return Worked(run.task, run.state, output, effects, tuple(steps), tuple(asked), tuple(wrong))

    def effects(self, task: str) -> tuple[Effect, ...]:
        """What the shop did for a task."""
        shop = open_shop(self.folder / DATABASE)
        try:
            return tuple(effects_of(shop, task))
        finally:
            shop.close()

    def _asked(self, task: str, *, pending: bool = False) -> list[Approval]:
        parts = self.cell.parts
        asked = [each for run in parts.journal.runs_of(task) for each in parts.approvals.of_run(run.id)]
        return [each for each in asked if each.state is ApprovalState.PENDING or not pending]

    async def _answer(self, question: Approval) -> None:
        """Has people of the roles answer, one after another, until the question is decided."""
        said = self.rule(question)
        category = OverrideCategory.OTHER if said == "reject" and question.kind in ("action", "proposal") else None
        for person in self.cell.parts.people.holding(question.roles):
            answered = await self.cell.operations.answer(
                question.id, person=person.id, answer=said, reason="by the test's rule", category=category
            )
            if answered.state is not ApprovalState.PENDING:
                return
        raise AssertionError(f"nobody could answer {question.name}")
