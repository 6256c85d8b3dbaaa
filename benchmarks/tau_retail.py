"""The retail desk against ground truth and against real models: every state and every verdict, through the gateway.

The shop runs as an MCP server in a process of its own, with a copy of the recorded database for every task. The
ground-truth actions of 749 tasks (114 τ³ tasks, 635 older ones) are handed to the desk as the answers of a recorded
model, so they travel the way any agent's actions do: policy with facts and subjects, approvals (every question is
answered yes), budget, log. Then the recorded conversations of real models are played the same way, and each of their
writes is compared with its label. The figures count; the only times in them say how long the whole thing took.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx2

from _report import Goal, Measured, main
from _tau_cases import Case, conversations, ground_truth
from _tau_judge import Judged, effects, judge
from _tau_play import Desk, Played, open_desk, shop_server
from remit.app import Cell
from remit.audit import verify_export, write_export
from remit_fleets.retail import GPT_4O, HAIKU_45, Shop

TRUTHS = ("v3", "v1")
MODELS = {"gpt-4o": GPT_4O, "haiku-4.5": HAIKU_45}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of everything that was played."""

    groups: dict[str, Judged]
    log_entries: int
    log_verified: bool
    permitted: int
    """Writes the gateway let happen and the tool accepted."""
    effects: int
    """Writes the shop's server has counted itself."""
    repeated: int
    """Keys under which it counted more than one."""


async def run(folder: Path, shared: Path, groups: dict[str, list[Case]]) -> Outcome:
    """Plays every group in one cell and judges it."""
    database, log = shared / "tau_retail" / "db.json", folder / "calls.jsonl"
    start = Shop.load(json.loads(database.read_text(encoding="utf-8")))
    with shop_server(database, log) as url:
        cell = await open_desk(folder / "fleet", [case for cases in groups.values() for case in cases], url)
        async with httpx2.AsyncClient(base_url=url.removesuffix("/mcp")) as shop:
            desk = Desk(cell, shop)
            played = {name: await desk.play_all(cases) for name, cases in groups.items()}
        entries, verified = await _verified(cell, folder / "export")
        await cell.close()
    counted = effects(log)
    return Outcome(
        groups={name: await judge(start, group) for name, group in played.items()},
        log_entries=entries,
        log_verified=verified,
        permitted=sum(_permitted(one) for group in played.values() for one in group),
        effects=counted.total(),
        repeated=sum(times > 1 for times in counted.values()),
    )


def _permitted(one: Played) -> int:
    verdicts = [one.verdicts[label.place] for label in one.case.labels]
    return sum(verdict.verdict == "allow" and not verdict.refused for verdict in verdicts)


async def _verified(cell: Cell, folder: Path) -> tuple[int, bool]:
    if commit := cell.log.checkpoint_commit():
        await cell.parts.writer.commit(commit)
    write_export(cell.log, folder)
    report = verify_export(folder, cell.log.public_key)
    return report.size, report.ok


def measure(arguments: argparse.Namespace) -> Measured:
    """Plays the work in the shared data."""
    place = arguments.data or os.environ.get("REMIT_SHARED_DATA")
    if not place or not (Path(place) / "tau_retail").is_dir():
        sys.exit("The recorded data is not here: set REMIT_SHARED_DATA or give --data. Nothing was measured.")
    shared = Path(place)
    groups = {name: ground_truth(shared / "tau_retail", name, quick=arguments.quick) for name in TRUTHS}
    groups |= {name: conversations(shared, model, quick=arguments.quick) for name, model in MODELS.items()}
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        outcome = asyncio.run(run(Path(temporary), shared, groups))
    return _figures(outcome) | {"seconds": round(time.perf_counter() - began, 1)}, _goals(outcome)


def _figures(outcome: Outcome) -> dict[str, Any]:
    """Returns the sums of both ground truths, then each group by itself, then the log and the shop's own count."""
    truths = [outcome.groups[name] for name in TRUTHS]
    names = ("states_equal", "stopped_by_gateway_only", "actions", "writes", "verdicts_right", "false_denials", "asked")
    figures: dict[str, Any] = {"tasks": sum(group.runs for group in truths)}
    figures |= {name: sum(getattr(group, name) for group in truths) for name in names}
    for name, group in outcome.groups.items():
        figures |= {f"{name} {figure}": value for figure, value in asdict(group).items()}
    told = ("log_entries", "log_verified", "permitted", "effects", "repeated")
    return figures | {name: getattr(outcome, name) for name in told}


def _goals(outcome: Outcome) -> list[Goal]:
    groups = outcome.groups
    truths = [groups[name] for name in TRUTHS]
    logged, runs = sum(one.runs_logged for one in groups.values()), sum(one.runs for one in groups.values())
    return [
        Goal("final states equal", sum(one.states_equal for one in truths), sum(one.runs for one in truths), True),
        Goal("verdicts right", sum(one.verdicts_right for one in truths), sum(one.writes for one in truths), True),
        Goal("false denials", sum(one.false_denials for one in truths), 0),
        *(
            Goal(f"verdicts right on {name}", groups[name].verdicts_right, groups[name].writes, at_least=True)
            for name in MODELS
        ),
        *(
            Goal(f"final states equal on {name}", groups[name].states_equal, groups[name].runs, at_least=True)
            for name in MODELS
        ),
        Goal("writes permitted and refused by the tool", sum(one.refused_after_permit for one in groups.values()), 0),
        Goal("runs with one decision and one outcome per action", logged, runs, at_least=True),
        Goal("effects beside the permitted ones", abs(outcome.effects - outcome.permitted) + outcome.repeated, 0),
        Goal("log verified", outcome.log_verified, 1, at_least=True),
    ]


if __name__ == "__main__":
    main(__doc__ or "", measure, ("--data", {"help": "the folder of the shared data"}))
