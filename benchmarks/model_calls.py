"""Model calls at 50,000 an hour for ten minutes, with budgets exact; then as fast as it goes.

Calls come at the moments, and have the tokens, of a production trace (Azure LLM inference 2023; without it, drawn ones,
and the figures say so). Each is a task of its own of one of eight agents in four units: taken on, decided, held at its
worst case, answered, settled, logged. The model is simulated: it answers after ten milliseconds a token, with the
trace's usage, so that holds overlap. One agent's budget of the day is too small for its calls: it has to end within it.
While they come, all budgets are looked at; at the end each is held against its charges and against what the provider
itself has counted. Then the same calls again, twenty to a run, with a model that answers at once.
"""

import argparse
import asyncio
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from string import Template
from typing import Any

from _fleet_checks import share
from _report import Goal, Measured, main
from _server import server
from _trace import AN_HOUR, Call, trace_calls
from remit.app import Cell, build
from remit.gateway.providers import Completion, Usage
from remit.journal import RunState
from remit.store import Query

TEMPLATE = Path(__file__).parent / "fleets" / "calls"
SECONDS, QUICK_SECONDS = 600.0, 12.0
TOKEN_MS = 10.0
FAST, QUICK_FAST = 10_000, 1_000
CALLS_A_RUN = 20
CONCURRENT_RUNS = 100
AGENTS, UNITS = 8, 4
WIDE, MICRO = 1_000, 1_000_000
# What one of eight may spend, as a share of what its calls would cost.
TIGHT = 0.5
LOOK_SECONDS = 0.2
IN, OUT = Decimal("2.5"), Decimal("10.0")

_BUDGETS = Query("calls.budgets", "select id, cap, held, spent from budgets")
_CHARGED = Query(
    "calls.charged", "select agent, unit, sum(amount) as micros, count(*) as n from charges group by agent, unit"
)
_STEPS = Query("calls.steps", "select at, ended_at from steps where state = 'done' and kind = 'model'")


def cost(call: Call) -> int:
    """Returns the micro-units of a call, worked out apart from Remit."""
    return int((IN * call.context + OUT * call.generated).to_integral_value(ROUND_CEILING))


@dataclass(slots=True)
class TraceModel:
    """Answers each call with the tokens of the trace, and counts what that costs."""

    calls: Sequence[Call]
    token_seconds: float
    micros: int = 0
    answered: int = 0
    under_way: int = 0
    most_under_way: int = 0
    lateness: list[float] = field(default_factory=list[float])

    async def complete(self, request: Mapping[str, Any], *, task: str, **_: Any) -> Completion:
        """Returns an answer of the size that the trace has."""
        call = self.calls[int(request["messages"][-1]["content"].partition(" ")[0])]
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        if self.token_seconds:
            await asyncio.sleep(call.generated * self.token_seconds)
        self.under_way -= 1
        self.micros += cost(call)
        self.answered += 1
        message = {"role": "assistant", "content": "word" * call.generated}
        return Completion(message, Usage(call.context, call.generated), "trace", "simulated", 0, "stop")

    async def close(self) -> None:
        """Has nothing to let go of."""


@dataclass(slots=True)
class Played:
    """What a round took, and what was found wrong with money in it."""

    model: TraceModel
    wall: float = 0.0
    cpu: float = 0.0
    server_cpu: float = 0.0
    refused: int = 0
    faults: list[str] = field(default_factory=list[str])
    looks: int = 0
    steps: list[float] = field(default_factory=list[float])


def agent_name(number: int) -> str:
    """Returns the name of the agent that makes a call; the last has the small budget."""
    return f"caller-{number % AGENTS}"


def make_fleet(folder: Path, calls: Sequence[Call], *, url: str, tight: bool) -> None:
    """Writes the fleet."""
    shutil.copytree(TEMPLATE, folder, ignore=shutil.ignore_patterns("__pycache__", "*.template"))
    if url:
        path = folder / "remit.toml"
        path.write_text(path.read_text("utf-8").replace("sqlite:///.remit/remit.db", url), encoding="utf-8")
    contract = Template((TEMPLATE / "contract.md.template").read_text(encoding="utf-8"))
    (folder / "agents").mkdir()
    whole = sum(cost(call) for number, call in enumerate(calls) if number % AGENTS == AGENTS - 1)
    for number in range(AGENTS):
        small = f"{Decimal(int(whole * TIGHT)) / MICRO:.6f}"
        cap = small if tight and number == AGENTS - 1 else str(WIDE)
        text = contract.substitute(agent=agent_name(number), unit=f"unit-{number % UNITS}", cap=cap)
        (folder / "agents" / f"{agent_name(number)}.agent.md").write_text(text, encoding="utf-8")


async def play(folder: Path, calls: Sequence[Call], *, token_ms: float, at_rate: bool, server_cpu: Any) -> Played:
    """Makes the calls at their moments, or all as fast as it goes, and checks the money."""
    model = TraceModel(calls, token_ms / 1000 if at_rate else 0.0)
    played = Played(model)
    cell = build(folder, providers={"trace": model})
    try:
        await cell.operations.load()
        looking = asyncio.create_task(_look(cell, played))
        before, began, cpu = server_cpu(), time.perf_counter(), time.process_time()
        tasks = await (_at_rate(cell, calls, played) if at_rate else _fast(cell, calls))
        played.wall, played.cpu = time.perf_counter() - began, time.process_time() - cpu
        played.server_cpu = server_cpu() - before
        looking.cancel()
        played.refused = sum(each["refused"] for each in tasks)
        played.steps = [(row["ended_at"] - row["at"]) / 1000 for row in cell.database.read(_STEPS)]
        _check(cell, played)
    finally:
        await cell.close()
    return played


async def _at_rate(cell: Cell, calls: Sequence[Call], played: Played) -> list[dict[str, int]]:
    began, doing = time.perf_counter(), list[asyncio.Task[dict[str, int]]]()
    for number, call in enumerate(calls):
        if (wait := began + call.at - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        played.model.lateness.append(time.perf_counter() - began - call.at)
        doing.append(asyncio.create_task(_drive(cell, number, [[number, call.context]])))
    return list(await asyncio.gather(*doing))


async def _fast(cell: Cell, calls: Sequence[Call]) -> list[dict[str, int]]:
    slots = asyncio.Semaphore(CONCURRENT_RUNS)

    async def one(first: int) -> dict[str, int]:
        async with slots:
            part = [[number, calls[number].context] for number in range(first, min(len(calls), first + CALLS_A_RUN))]
            return await _drive(cell, first // CALLS_A_RUN, part)

    return list(await asyncio.gather(*(one(first) for first in range(0, len(calls), CALLS_A_RUN))))


async def _drive(cell: Cell, number: int, calls: list[list[int]]) -> dict[str, int]:
    started = await cell.operations.submit(agent_name(number), {"calls": calls}, on_behalf_of="trace@calls.example")
    run = await cell.runtime.drive(started.run.id)
    assert run.state is RunState.DONE, run.reason
    return cell.parts.journal.content(run.output or "")


async def _look(cell: Cell, played: Played) -> None:
    """Sees to it that no budget is above its cap at any moment."""
    while True:
        for row in cell.database.read(_BUDGETS):
            if row["cap"] is not None and row["held"] + row["spent"] > row["cap"]:
                played.faults.append(f"{row['id']}: {row['held']} held and {row['spent']} spent of {row['cap']}")
        played.looks += 1
        await asyncio.sleep(LOOK_SECONDS)


def _check(cell: Cell, played: Played) -> None:
    """Holds budgets, charges and the provider's own count against each other."""
    charged: dict[str, int] = {}
    answers = 0
    for row in cell.database.read(_CHARGED):
        answers += row["n"]
        for scope in (f"agent:{row['agent']}", f"unit:{row['unit']}"):
            charged[scope] = charged.get(scope, 0) + int(row["micros"])
    spent: dict[str, int] = {}
    for row in cell.database.read(_BUDGETS):
        kind, name, *_ = row["id"].split(":")
        spent[f"{kind}:{name}"] = spent.get(f"{kind}:{name}", 0) + row["spent"]
        if row["held"]:
            played.faults.append(f"{row['id']}: {row['held']} is still held")
    wrong = [scope for scope, micros in charged.items() if spent.get(scope) != micros]
    played.faults += [f"{scope}: spent {spent.get(scope)}, charged {charged[scope]}" for scope in wrong]
    whole = sum(micros for scope, micros in charged.items() if scope.startswith("agent:"))
    if (whole, answers) != (played.model.micros, played.model.answered):
        told = f"the provider counts {played.model.micros} for {played.model.answered}"
        played.faults.append(f"charged {whole} for {answers} answers, {told}")
    if left := cell.parts.ledger.holds():
        played.faults.append(f"{left} holds are left")


def measure(arguments: argparse.Namespace) -> Measured:
    """Plays both rounds."""
    logging.disable(logging.WARNING)
    seconds = arguments.seconds or (QUICK_SECONDS if arguments.quick else SECONDS)
    calls, shape = trace_calls(seconds)
    many, _ = trace_calls(SECONDS)
    many = (many * 3)[: QUICK_FAST if arguments.quick else FAST]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgres = stack.enter_context(server()) if arguments.database == "postgresql" else None
        sys.path.insert(0, str(TEMPLATE))

        def round_of(name: str, part: Sequence[Call], *, at_rate: bool) -> Played:
            make_fleet(folder / name, part, url=postgres.fresh() if postgres else "", tight=at_rate)
            cpu = postgres.cpu if postgres else float
            return asyncio.run(play(folder / name, part, token_ms=arguments.token_ms, at_rate=at_rate, server_cpu=cpu))

        rate, fast = round_of("rate", calls, at_rate=True), round_of("fast", many, at_rate=False)
    figures = _figures(seconds, rate, fast)
    figures |= {"shape": shape, "database": arguments.database, "simulated": True}
    return figures, [
        Goal("calls an hour at the rate", figures["calls an hour"], AN_HOUR * 0.95, at_least=True),
        Goal("faults of money", len(rate.faults) + len(fast.faults), 0),
        Goal("calls begun late p99 s", figures["begun late p99 s"], 1.0),
        Goal("calls a second, as fast as it goes / the rate", figures["fast: times the rate"], 10, at_least=True),
    ]


def _figures(seconds: float, rate: Played, fast: Played) -> dict[str, Any]:
    calls = len(rate.model.calls)
    a_second = len(fast.model.calls) / fast.wall
    waited = sorted(call.generated * rate.model.token_seconds * 1000 for call in rate.model.calls)
    return {
        "calls": calls,
        "seconds": seconds,
        "calls an hour": round(calls / seconds * 3_600),
        "answered": rate.model.answered,
        "refused, the small budget being used up": rate.refused,
        "charged EUR": rate.model.micros / MICRO,
        "looked at all budgets, times": rate.looks,
        "faults of money": [*rate.faults[:3], *fast.faults[:3]],
        "calls under way at most": rate.model.most_under_way,
        "begun late p99 s": share(rate.model.lateness, 0.99),
        "step p50 ms": share(rate.steps, 0.5),
        "step p99 ms": share(rate.steps, 0.99),
        "of it the model p50 ms": share(waited, 0.5),
        "of it the model p99 ms": share(waited, 0.99),
        "CPU ms a call, a task each": round(rate.cpu / calls * 1000, 3),
        "cores in use": round(rate.cpu / rate.wall, 3),
        "database server CPU ms a call": round(rate.server_cpu / calls * 1000, 3),
        "fast: calls": len(fast.model.calls),
        "fast: calls a second": round(a_second, 1),
        "fast: times the rate": round(a_second / (AN_HOUR / 3_600), 1),
        "fast: CPU ms a call": round(fast.cpu / len(fast.model.calls) * 1000, 3),
        "fast: database server CPU ms a call": round(fast.server_cpu / len(fast.model.calls) * 1000, 3),
    }


OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("--seconds", {"type": float, "default": 0.0, "help": f"how long calls come in at the rate (default {SECONDS:g})"}),
    ("--token-ms", {"type": float, "default": TOKEN_MS, "help": "how long the model takes for a token"}),
    ("--database", {"choices": ["postgresql", "sqlite"], "default": "sqlite", "help": "where Remit keeps everything"}),
)

if __name__ == "__main__":
    main("Model calls at 50,000 an hour, then as fast as it goes", measure, *OPTIONS)
