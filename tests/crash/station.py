"""A fleet whose workers are killed: its files, its processes, and what must be true when all is over."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.crash.crew import DESK
from tests.crash.worker import IMPORTED_FROM, Worker
from tests.databases import execute

from remit.app import Cell, build
from remit.approvals import Approval, ApprovalState
from remit.audit import verify_export, write_export
from remit.core import SECOND, ConflictError, RefusedError, load_settings
from remit.journal import Run, RunState
from remit.operations import lock_server

HERE = Path(__file__).parent
ANN, LEA = "ann@desk.example", "lea.lead@desk.example"
# Generous: what takes a second here may take twenty on a machine that does ten things at once.
PATIENCE = float(os.environ.get("REMIT_CRASH_PATIENCE", "120"))
LOOK_SECONDS = 0.05
NOTHING: Mapping[str, str] = MappingProxyType({})
TOOLS = ("mark", "send", "post")
DATABASES = ("sqlite", "postgresql")

SETTINGS = """name = "crew"
releases = "on-load"
[limits]
lock_seconds = 0.3
"""
PEOPLE = """people:
  - {id: olga@desk.example, roles: [owner]}
  - {id: emil@desk.example, roles: [expert]}
  - {id: lea.lead@desk.example, roles: [lead]}
"""
CONTRACT = """---
agent: AGENT
version: 1.0.0
purpose: Is killed and goes on.
owner: olga@desk.example
experts: [emil@desk.example]
unit: care
class: user-facing
triggers:
  - on: task
TAKENcode: tests.crash.crew:CODE
input:
  type: object
  properties:
    tool: {enum: [mark, send, post]}
    account: {type: string}
    steps: {type: integer}
    heavy_at: {type: integer}
    slow_at: {type: integer}
    seconds: {type: number}
    sleep_at: {type: integer}
    mended: {type: string}
  required: [account]
  additionalProperties: false
output:
  type: object
  properties: {done: {type: integer}}
  required: [done]
  additionalProperties: false
tools:
  - {use: desk__mark, autonomy: LEVELS}
  - {use: desk__send, autonomy: LEVELS}
  - {use: desk__post, autonomy: LEVELS}
approvers: [lead]
handoffs: [GIVEN]
limits: {steps: 200, cost_per_run: RUN_CAP EUR, cost_per_day: DAY_CAP EUR}
---
# AGENT
You work.
"""
LEVELS = """[{when: weight < 100, level: autonomous, because: it is a test}, {level: human-in-the-loop, by: lead}]"""
SERVER = """server: desk
url: http://127.0.0.1:PORT/mcp
concurrency: 8
tools:
  mark:
    {risk: low, reversible: true, idempotent: true, price: 0.01 EUR, locks: [account], cell_concurrency: 4,
     compensation: {use: desk__post, arguments: {n: arguments.n, account: arguments.account}}}
  send:
    {risk: low, reversible: true, price: 0.02 EUR, locks: [account], lookup: tests.crash.crew:look_up,
     compensation: {use: desk__mark, arguments: {n: arguments.n, account: arguments.account}}}
  post: {risk: low, reversible: true, price: 0.03 EUR, cell_concurrency: PLACES}
"""
POST_PLACES = 2
RUN_CAP, SPENDER_CAP, SPENDERS_DAY_CAP = 1_000_000, 50_000, 400_000


def contract(
    name: str, *, code: str = "steps", taken: str = "", given: str = "", run: int = 1_000_000, day: int = 10**9
) -> str:
    """Returns a contract; caps are in micro-units."""
    takes = f"  - on: handoff\n    from: [{taken}]\n" if taken else ""
    text = (
        CONTRACT.replace("AGENT", name)
        .replace("TAKEN", takes)
        .replace("CODE", code)
        .replace("GIVEN", given)
        .replace("LEVELS", LEVELS)
    )
    return text.replace("RUN_CAP", f"{run / 1e6:.2f}").replace("DAY_CAP", f"{day / 1e6:.2f}")


CONTRACTS = {
    "worker": contract("worker"),
    "spender": contract("spender", run=SPENDER_CAP, day=SPENDERS_DAY_CAP),
    "giver": contract("giver", code="giver", given="taker"),
    "taker": contract("taker", taken="giver"),
    "deadly": contract("deadly", code="deadly"),
}


@dataclass(frozen=True, slots=True)
class Desk:
    """The tool server, and the log of its calls."""

    port: int
    log: Path

    @property
    def pages(self) -> str:
        """Where its own pages are."""
        return f"http://127.0.0.1:{self.port}"

    def calls(self, run: str = "") -> list[dict[str, Any]]:
        """Returns every call that came, of one run or of all."""
        text = self.log.read_text(encoding="utf-8") if self.log.exists() else ""
        lines = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
        return [line for line in lines if run in ("", line["run"])]


@contextmanager
def open_desk(folder: Path) -> Generator[Desk]:
    """Starts the tool server."""
    log = folder / "calls.jsonl"
    command = [sys.executable, str(HERE / "tool_server.py"), str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        try:
            assert process.stdout
            yield Desk(int(process.stdout.readline()), log)
        finally:
            process.kill()


def environment(**more: str) -> dict[str, str]:
    """Returns the variables a process is started with."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REMIT_", "PYTEST_"))}
    return {**kept, "PYTHONPATH": IMPORTED_FROM, **more}


@dataclass(slots=True)
class Station:
    """A fleet's folder, its processes, and the cell of the people who look at it from a process of their own."""

    folder: Path
    desk: Desk
    cell: Cell
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    """What every process is told: which database, and which engine."""
    hesitates: float = 0.0
    """For how many seconds people wait before they say that a call has not happened: whoever made it may be frozen."""
    processes: list["Worker | subprocess.Popen[str]"] = field(default_factory=list["Worker | subprocess.Popen[str]"])

    async def submit(self, agent: str = "worker", **told: Any) -> Run:
        """Takes a task on; nobody drives it here."""
        value = {"account": "a-1", **told}
        return (await self.cell.operations.submit(agent, value, on_behalf_of=ANN)).run

    def driver(self, point: str = "", nth: int = 1, variables: Mapping[str, str] = NOTHING) -> Worker:
        """Starts a worker that dies at `point`, or works until nothing is left to do."""
        at = [point, str(nth)] if point else []
        told = self.folder.parent / f"worker-{len(self.processes)}.txt"
        worker = Worker([str(self.folder), str(PATIENCE), *at], self._environment(variables), told)
        self.processes.append(worker)
        return worker

    def work(self, point: str = "", nth: int = 1) -> None:
        """Works until nothing is left to do, or until it is killed at `point`."""
        self._ends(self.driver(point, nth), -signal.SIGKILL if point else 0)

    def work_until_dead(self) -> None:
        """Works until the work itself has taken the process down."""
        self._ends(self.driver(), -signal.SIGKILL)

    def ended(self, process: Worker) -> None:
        """Waits until a worker has ended because nothing is left to do."""
        self._ends(process, 0)

    def died(self, process: Worker) -> None:
        """Waits until a worker was killed."""
        self._ends(process, -signal.SIGKILL)

    def _ends(self, process: Worker, code: int) -> None:
        _, told = process.communicate(timeout=PATIENCE * 2)
        assert process.returncode == code, told

    def up(self, **variables: str) -> "subprocess.Popen[str]":
        """Starts `remit up` and returns once it is at work."""
        command = ["-m", "remit.cli", "up", "--fleet", str(self.folder), "--port", "0", "--json"]
        process = subprocess.Popen(
            [sys.executable, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment(variables),
        )
        self.processes.append(process)
        assert process.stdout
        for line in process.stdout:
            if line.rstrip() == "}":  # the end of what it says, as JSON
                return process
        raise AssertionError(process.communicate())

    def _environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        return environment(**{DESK: self.desk.pages, **self.variables, **variables})

    def run(self, run: Run) -> Run:
        """Returns a run as it is now."""
        return self.cell.parts.journal.run(run.id)

    def told(self, run: Run) -> tuple[dict[str, Any], dict[str, Any]]:
        """Returns what a run was given and what came of it; it must be done."""
        ended, journal = self.run(run), self.cell.parts.journal
        assert (ended.state, ended.reason) == (RunState.DONE, "")
        given: Any = journal.content(ended.input or journal.task(ended.task).input)
        output: Any = journal.content(ended.output or "")
        return given, output

    def story(self, run: Run) -> list[tuple[int, int, str, str, Any]]:
        """Returns what every step of a run came to, for the message of a test that fails."""
        journal = self.cell.parts.journal
        return [
            (
                step.step,
                step.attempt,
                step.name,
                step.state.value,
                journal.content(step.result) if step.result else None,
            )
            for step in journal.steps(run.id)
        ]

    def attempts(self, run: Run) -> list[tuple[int, str]]:
        """Returns number and state of every attempt."""
        rows = self.read("select number, state from attempts where run = ? order by number", run.id)
        return [(row[0], row[1]) for row in rows]

    def read(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Reads the cell's database."""
        return execute(self.cell.database, sql, *parameters)

    # --- people

    def questions(self) -> list[Approval]:
        """Returns what people are asked."""
        return self.cell.parts.approvals.listing(state=ApprovalState.PENDING.value)

    async def answer(self, most: int = 1_000) -> int:
        """Answers questions: yes, or where nobody knows whether a call happened, what the desk's log says."""
        questions = self.questions()[-most:]
        for asked in questions:
            happened = any(call["key"] == f"{asked.run}:{asked.step}" for call in self.desk.calls(asked.run))
            if asked.kind == "unknown" and not happened and time.time() < asked.asked_at / SECOND + self.hesitates:
                continue
            yes = asked.kind != "unknown" or happened
            try:
                await self.cell.operations.answer(
                    asked.id, person=LEA, answer="approve" if yes else "reject", reason="as the desk says"
                )
            except (ConflictError, RefusedError):
                # Between our look and our answer its outcome may have come after all, from whoever made the call.
                if asked.id in {each.id for each in self.questions()}:
                    raise
        return len(questions)

    # --- what must be true

    def check_effects(self, run: Run, *, tool: str, count: int) -> None:
        """Each number happened once; a call that is no use to repeat was made once."""
        calls = self.desk.calls(run.id)
        happened = Counter(call["n"] for call in calls if call["fate"] == "done")
        assert happened == {n: 1 for n in range(1, count + 1)}, calls
        if tool != "mark":
            assert max(Counter(call["key"] for call in calls).values()) == 1, calls

    def check_done(self, runs: Iterable[Run], steps: int, folder: Path) -> None:
        """Each run has done what it was to do, once, and nothing is left."""
        for run in runs:
            given, output = self.told(run)
            assert output == {"done": steps}, self.story(run)
            self.check_effects(run, tool=given["tool"], count=steps)
        self.check_over(folder)

    def check_over(self, folder: Path) -> None:
        """Nothing is held, locked, owed or asked any more, the money adds up, and the log verifies."""
        assert self.read("select * from holds") == []
        assert self.read("select * from locks where holder is not null") == []
        assert self.read("select id from runs where state in ('queued', 'running', 'waiting')") == []
        assert self.read("select * from attempts where state = 'running'") == []
        assert self.read("select * from approvals where state = 'pending'") == []
        assert self.read("select * from steps where state in ('waiting', 'decided', 'unknown')") == []
        assert self.read("select id from tasks where state = 'open' or outcome = ''") == []
        self.check_money()
        if commit := self.cell.log.checkpoint_commit():
            self.cell.parts.writer.commit_now(commit)
        write_export(self.cell.log, folder / "export")
        report = verify_export(folder / "export", self.cell.log.public_key)
        assert report.ok, report

    def check_money(self) -> None:
        """Budgets have spent what was charged on them, nothing is held, and no cap was passed."""
        # By payer: what is held before midnight and charged after it belongs to the day before.
        paid: Counter[tuple[str, str]] = Counter()
        for identifier, cap, held, spent in self.read("select id, cap, held, spent from budgets"):
            kind, name = identifier.split(":")[:2]
            paid[kind, name] += spent
            assert held == 0, identifier
            assert cap is None or spent <= cap, identifier
        for (column, name), spent in paid.items():
            ((charged,),) = self.read(f"select coalesce(sum(amount), 0) from charges where {column} = ?", name)  # noqa: S608
            assert spent == charged, (column, name)
        twice = "select run, step from charges group by run, step having count(*) > 1"
        assert self.read(twice) == []


def write_fleet(folder: Path, desk: Desk, contracts: Mapping[str, str] = CONTRACTS) -> Path:
    """Writes the fleet's files; its tools are not pinned yet."""
    fleet = folder / "fleet"
    for path, text in {
        "remit.toml": SETTINGS,
        "people.yaml": PEOPLE,
        "tools/desk.yaml": SERVER.replace("PORT", str(desk.port)).replace("PLACES", str(POST_PLACES)),
        **{f"agents/{name}.agent.md": text for name, text in contracts.items()},
    }.items():
        (fleet / path).parent.mkdir(parents=True, exist_ok=True)
        (fleet / path).write_text(text, encoding="utf-8")
    return fleet


@asynccontextmanager
async def open_station(folder: Path, desk: Desk, variables: Mapping[str, str] = NOTHING) -> AsyncGenerator[Station]:
    """Writes the fleet, pins its tools, and opens a cell that drives nothing; every worker is killed at the end."""
    fleet = write_fleet(folder, desk)
    await lock_server(fleet, "desk")
    settings = load_settings(fleet)
    if url := variables.get("REMIT_DATABASE_URL"):
        settings = settings.model_copy(update={"database_url": url})
    cell = build(fleet, settings=settings)
    station = Station(fleet, desk, cell, variables)
    try:
        await cell.operations.load()
        yield station
    finally:
        for process in station.processes:
            process.kill()
            process.communicate()
        await cell.close()


def wait_for(what: Callable[[], Any], *, seconds: float = PATIENCE) -> Any:
    """Returns `what` once it is true."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(LOOK_SECONDS)
    return found
