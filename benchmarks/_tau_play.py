"""Plays recorded work through the desk's gateway, its shop a server of its own, and says what came of it."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import httpx2

from _tau_cases import Case, Rows
from remit.app import Cell, build
from remit.approvals import ApprovalState
from remit.core import ModelRoute, load_settings
from remit.gateway.providers import RecordedProvider
from remit.journal import Run, RunState, StepRow, StepState
from remit.operations import lock_server
from remit_fleets.retail import Customer
from remit_fleets.retail.behind_mcp import put_shop_behind_mcp

# Tasks in flight: enough to keep the gateway and the shop's server busy, few enough to leave the numbers readable.
AT_ONCE = 8
MODEL = "recorded"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gateway did with one call of the shop's tools."""

    tool: str
    verdict: str
    """`allow`, `deny`, or `missing` when the run ended before it."""
    reason: str = ""
    refused: str = ""
    """What the tool said when it was called and refused."""
    asked: bool = False
    """Whether a person had to say yes first."""


@dataclass(frozen=True, slots=True)
class Played:
    """What became of one case."""

    case: Case
    state: RunState
    reason: str
    verdicts: Sequence[Verdict]
    rows: Rows
    """The shop's documents that differ from its start."""
    logged: bool
    """Whether the log has one decision for every action, and one outcome for every permitted one."""


@contextmanager
def shop_server(database: Path, log: Path) -> Generator[str]:
    """Starts the shop as an MCP server with a copy for every task; returns its address."""
    command = [sys.executable, "-m", "remit_fleets.retail.server", "--http", "0", "--per-task"]
    command += ["--database", str(database), "--log", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()


class Desk:
    """The retail desk with recorded models, and the shop's server beside it."""

    def __init__(self, cell: Cell, shop: httpx2.AsyncClient) -> None:
        self.cell = cell
        self._shop = shop

    async def play_all(self, cases: Iterable[Case]) -> list[Played]:
        """Plays every case, several at once."""
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(case: Case) -> Played:
            async with slots:
                return await self.play(case)

        return await asyncio.gather(*(one(case) for case in cases))

    async def play(self, case: Case) -> Played:
        """Plays one case to its end; every question is answered with yes by somebody who may."""
        submitted = await self.cell.operations.submit(
            "retail-desk", case.value, on_behalf_of="the benchmark", dedup=case.key
        )
        run = await self.cell.operations.drive(submitted.run.id)
        while run.state is RunState.WAITING and await self._say_yes(run):
            run = await self.cell.operations.drive(run.id)
        return Played(
            case, run.state, run.reason, self._verdicts(case, run), await self._take_rows(run), self._is_logged(run)
        )

    async def _say_yes(self, run: Run) -> bool:
        parts = self.cell.parts
        asked = [a for a in parts.approvals.of_run(run.id) if a.state is ApprovalState.PENDING]
        for approval in asked:
            person = parts.people.holding(approval.roles)[0]
            await self.cell.operations.answer(approval.id, person=person.id, answer="approve")
        return bool(asked)

    def _verdicts(self, case: Case, run: Run) -> list[Verdict]:
        """Returns a verdict for each of the case's calls, in order."""
        steps = [s for s in self.cell.parts.journal.steps(run.id) if s.kind == "tool" and s.name.startswith("shop__")]
        reasons = {
            entry.fields["decision"]: entry.fields.get("reason", "")
            for entry in self.cell.log.entries(run.id)
            if entry.kind == "decision" and entry.fields["verdict"] == "deny"
        }
        found = [self._verdict(step, reasons) for step in steps]
        assert all(one.tool == call[0] for one, call in zip(found, case.calls, strict=False))
        return [*found, *(Verdict(tool, "missing", run.reason) for tool, _ in case.calls[len(found) :])]

    def _verdict(self, step: StepRow, reasons: Mapping[str, str]) -> Verdict:
        tool, asked = step.name.removeprefix("shop__"), bool(step.approval)
        if step.state is StepState.DENIED:
            return Verdict(tool, "deny", reasons.get(step.decision, ""), asked=asked)
        if step.state is not StepState.DONE:
            return Verdict(tool, "missing", f"the step is {step.state}", asked=asked)
        told = self.cell.parts.journal.content(step.result) if step.is_error else None
        return Verdict(tool, "allow", refused=str(told) if step.is_error else "", asked=asked)

    async def _take_rows(self, run: Run) -> Rows:
        """Reads what differs in the task's shop, and lets the shop go."""
        answer = await self._shop.get(f"/state/{run.task}")
        answer.raise_for_status()
        (await self._shop.delete(f"/state/{run.task}")).raise_for_status()
        return {(row["table"], row["key"]): row["after"] for row in answer.json()["rows"]}

    def _is_logged(self, run: Run) -> bool:
        entries = self.cell.log.entries(run.id)
        decisions = [entry.fields for entry in entries if entry.kind == "decision"]
        permits = sorted(fields["decision"] for fields in decisions if fields["verdict"] == "permit")
        denied = sorted(fields["decision"] for fields in decisions if fields["verdict"] == "deny")
        outcomes = sorted(entry.fields["decision"] for entry in entries if entry.kind == "outcome")
        steps = [step for step in self.cell.parts.journal.steps(run.id) if step.kind != "value"]
        done = sorted(step.decision for step in steps if step.state is StepState.DONE)
        refused = sorted(step.decision for step in steps if step.state is StepState.DENIED)
        return permits == outcomes == done and denied == refused and len(done) + len(refused) == len(steps)


async def open_desk(folder: Path, cases: Sequence[Case], url: str) -> Cell:
    """Returns the desk's cell in a new folder: its shop is the MCP server at `url`, its model says what was recorded."""
    source = Path(str(files("remit_fleets"))) / "retail"
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__", ".remit", "*.py"))
    put_shop_behind_mcp(folder, url=url)
    await lock_server(folder, "shop")
    route = ModelRoute(kind="recorded", model=MODEL, cloud=False)
    answers = {case.key: case.answers for case in cases}
    cell = build(
        folder,
        settings=load_settings(folder).model_copy(update={"models": {"recorded": route}}),
        servers={"customer": Customer({case.value["ticket"]: case.replies for case in cases})},
        providers={"recorded": RecordedProvider(answers, model=MODEL)},
    )
    await cell.operations.load()
    return cell
