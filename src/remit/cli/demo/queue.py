"""A queue of work in the terminal, task by task; people answer at the prompt, or a rule does."""

import asyncio
import random
import signal
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.prompt import Confirm, Prompt

from remit.app import Cell, Demo, DemoTask, build
from remit.approvals import Approval, ApprovalState, VoteAnswer
from remit.audit import verify_log
from remit.cli.demo.terms import Answers
from remit.cli.figures import readable, spent_row
from remit.cli.output import screen
from remit.core import InputError, load_settings
from remit.journal import Run, RunState
from remit.operations import Views, local_actor

# As much of a request as fits on one line beside its marks.
SHOWN = 110


@contextmanager
def _interruptible() -> Generator[None]:
    """Lets Ctrl-C end a prompt at once; asyncio would only note it, and go on waiting for an answer."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@dataclass(slots=True)
class _People:
    """Answers questions at the prompt, or by rule."""

    rule: Answers | None
    seed: int
    approvals: int = 0
    approved: dict[str, bool] = field(default_factory=dict[str, bool])

    def answer(self, approval: Approval, told: dict[str, Any], person: str) -> tuple[VoteAnswer, str]:
        """Returns the answer and its reason."""
        self.approvals += 1
        if self.rule is None:
            screen.print(f"    [bold]{person}[/bold] is asked: {escape(approval.name)} {escape(str(told['proposed']))}")
            screen.print(f"    because: {escape(approval.because)}")
            with _interruptible():
                choice = "approve" if Confirm.ask("    Approve?", console=screen) else "reject"
                reason = Prompt.ask("    Why?", default="looked at it", console=screen)
        elif self.rule is Answers.SEEDED:
            yes = random.Random(f"{self.seed}:{told['proposed']}").random() < 0.8  # noqa: S311  a demo's coin, not a key
            choice, reason = ("approve", "seeded answer: yes") if yes else ("reject", "seeded answer: no")
        else:
            choice, reason = self.rule.value, f"by rule: {self.rule.value}"
        self.approved[approval.run] = self.approved.get(approval.run, True) and choice == "approve"
        return ("approve" if choice == "approve" else "reject"), reason


def play(folder: Path, queue: Demo, people: Answers | None, seed: int, most: int, *, quiet: bool) -> dict[str, Any]:
    """Takes a queue through, task by task, and returns the report; `people` None asks at the prompt."""
    return asyncio.run(_work(folder, queue, _People(people, seed), most, quiet=quiet))


async def _work(folder: Path, queue: Demo, people: _People, most: int, *, quiet: bool) -> dict[str, Any]:
    settings = load_settings(folder)
    if queue.models:
        settings = settings.model_copy(update={"models": dict(queue.models)})
    cell = build(folder, settings=settings, servers=queue.servers, providers=queue.providers)
    started = time.monotonic()
    try:
        await cell.operations.load()
        views = cell.views(local_actor("demo"))
        if not quiet:
            screen.print(f"[bold]{escape(cell.settings.name)}[/bold]: {escape(queue.label)}\n")
        chosen = list(queue.tasks)[:most]
        done = [
            await _task(cell, views, task, people, (n, len(chosen)), quiet=quiet) for n, task in enumerate(chosen, 1)
        ]
        wrong = {
            task.key: found
            for task, run in zip(chosen, done, strict=True)
            if (found := queue.wrong(task, run, people.approved.get(run.id, True)))
        }
        return _report(cell, views, queue, done, wrong, people) | {"seconds": round(time.monotonic() - started, 2)}
    finally:
        await cell.close()


async def _task(
    cell: Cell, views: Views, task: DemoTask, people: _People, place: tuple[int, int], *, quiet: bool
) -> Run:
    """Takes one task from its start to its end, with people's answers on the way."""
    if not quiet:
        said = " ".join(str(task.input.get("message", "")).split())
        screen.print(f"[bold]{place[0]}/{place[1]}[/bold] {escape(task.title)}")
        if said:
            screen.print(f"    [dim]“{escape(said[:SHOWN])}{'…' if len(said) > SHOWN else ''}”[/dim]")
    started = await cell.operations.submit(task.agent, task.input, on_behalf_of=task.on_behalf_of, dedup=task.key)
    run = await cell.operations.drive(started.run.id)
    while run.state is RunState.WAITING and (asked := _pending(cell, run)):
        for approval in asked:
            await _ask(cell, views, approval, people, quiet=quiet)
        run = await cell.operations.drive(run.id)
    if not quiet:
        _tell(cell, views, run)
    return run


def _pending(cell: Cell, run: Run) -> list[Approval]:
    return [a for a in cell.parts.approvals.of_run(run.id) if a.state is ApprovalState.PENDING]


async def _ask(cell: Cell, views: Views, approval: Approval, people: _People, *, quiet: bool) -> None:
    """Asks people with the needed roles, one after another, until the question is decided."""
    for person in cell.parts.people.holding(approval.roles):
        told = views.approvals.get(approval.id).model_dump()
        answer, reason = people.answer(approval, told, person.id)
        approval = await cell.operations.answer(
            approval.id, person=person.id, answer=answer, reason=reason, seen=told["fingerprint"]
        )
        if not quiet:
            screen.print(f"    [yellow]{answer}d[/yellow] by {person.id}: {escape(approval.name)} ({escape(reason)})")
        if approval.state is not ApprovalState.PENDING:
            return
    raise InputError("Nobody is left to answer", which=approval.id, why=f"it takes {', '.join(approval.roles)}")


def _tell(cell: Cell, views: Views, run: Run) -> None:
    """Says what was done and what was stopped, in a few lines."""
    shown = views.runs.get(run.id).model_dump()
    writes = [s for s in shown["steps"] if s["kind"] == "tool" and _is_write(cell, s["name"])]
    for step in writes:
        refused = step["state"] == "denied"
        mark = "[red]denied[/red]" if refused else "[red]failed[/red]" if step["error"] else "[green]done[/green]  "
        screen.print(f"    {mark} {escape(step['name'])}  [dim]{step['decision']}[/dim]")
        if refused:
            why = next((r["reason"] for r in shown["refusals"] if r["decision"] == step["decision"]), "")
            screen.print(f"           {escape(' '.join(str(why).split()))}")
    word = "[green]resolved[/green]" if run.state is RunState.DONE else f"[red]{run.state}[/red] {escape(run.reason)}"
    screen.print(f"    {word}: {len(shown['steps'])} steps, {shown['cost']}\n")


def _is_write(cell: Cell, name: str) -> bool:
    tool = cell.fleet.tools.get(name)
    return tool is None or (tool.effect == "write" and not name.startswith("customer__"))


def _report(
    cell: Cell, views: Views, queue: Demo, runs: list[Run], wrong: dict[str, list[str]], people: _People
) -> dict[str, Any]:
    cell.sign()
    figures = cell.kpis.figures().as_json() | {"currency": cell.settings.currency}
    steps = cell.kpis.steps()
    return {
        "fleet": cell.settings.name,
        "label": queue.label,
        "tasks": len(runs),
        "done": sum(run.state is RunState.DONE for run in runs),
        "actions": sum(count for kind, states in steps.items() if kind != "value" for count in states.values()),
        "denied": sum(states.get("denied", 0) for states in steps.values()),
        "asked_people": people.approvals,
        "wrong_ends": wrong,
        "figures": figures,
        "costs": [spent_row(row) for row in views.figures.spending()],
        "holds_open": cell.parts.ledger.holds(),
        "locks_held": len(cell.parts.controls.locks()),
        "log": verify_log(cell.log).as_json(),
    }


def show(report: dict[str, Any], keep: Path | None) -> None:
    """Shows the report of a queue."""
    figures = readable(report["figures"])
    right = report["tasks"] - len(report["wrong_ends"])
    screen.rule("report", align="left")
    screen.print(f"tasks        {report['tasks']}, finished {report['done']}, right end state {right}")
    screen.print(
        f"actions      {report['actions']}, denied {report['denied']}, people asked {report['asked_people']} times"
    )
    for key, found in report["wrong_ends"].items():
        screen.print(f"  [yellow]{escape(key)}[/yellow] {escape('; '.join(found))}")
    screen.print(
        f"cost         {figures['cost']}; per successful outcome {figures['cpso']}; time to resolution {figures['ttr']}"
    )
    if report["figures"]["unpriced"] or report["figures"]["not_live"]:
        screen.print(
            f"             [dim]{report['figures']['unpriced']} tasks have calls without a known price; "
            f"{report['figures']['not_live']} used a recorded or simulated model: no saving may be claimed from these[/dim]"
        )
    screen.print(f"people       unplanned {figures['hir']} of tasks, planned approvals {figures['asked']}")
    screen.print(f"left open    {report['holds_open']} holds, {report['locks_held']} locks")
    log = report["log"]
    word = "[green]verified[/green]" if log["ok"] else "[red]NOT VERIFIED[/red]"
    screen.print(f"log          {word}, {log['size']} entries; {report['seconds']} s in all")
    if keep:
        screen.print(
            f"\nLook around: `remit runs --fleet {keep}`, `remit show RUN …`, `remit explain DECISION …`, `remit log verify …`"
        )
