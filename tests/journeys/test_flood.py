"""A flood of starts over 64 connections against a tool that hangs: refused beyond the bound, memory flat, and a stop gets through.

`REMIT_FLOOD=50000` makes it a longer one.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from journeys.command_line import REFUNDS, REPOSITORY, environment, typed

pytestmark = pytest.mark.slow

STARTS = int(os.environ.get("REMIT_FLOOD", "1000"))
CONNECTIONS = 64
BOUND = 300
# What the flood may add: a journal of what was taken on is in the database, and in memory only what is under way.
MOST_GROWTH_KB = 120_000
PIA, OTTO = "pia.platform@shop.example", "otto.operator@shop.example"
GIVEN = {"agent": "refund-desk", "input": {"order_id": "R-1", "message": "please"}}
SHOP = """import asyncio
from remit_fleets.refunds.shop import Shop

class Hanging(Shop):
    async def get_order(self, call, *, order_id):
        await asyncio.sleep(3600)

def connect(folder):
    return Hanging()
"""
AGENT = """async def work(run):
    await run.tool("shop__get_order", order_id=run.input["order_id"])
"""
SETTINGS = f"""
[limits]
queued_runs = {BOUND}
drain_seconds = 1
"""


@dataclass
class Flood:
    """The fleet under flood, from outside."""

    process: subprocess.Popen[str]
    address: str
    tokens: dict[str, dict[str, str]]
    answers: Counter[int] = field(default_factory=Counter[int])
    waits: list[int] = field(default_factory=list[int])
    sent: int = 0

    def memory(self) -> int:
        """Returns the resident memory of the process in kilobytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(status.partition("VmRSS:")[2].split()[0])

    async def start_many(self, client: httpx2.AsyncClient, most: int) -> None:
        """Starts tasks, one after another, until so many have been asked for by all."""
        while self.sent < most:
            self.sent += 1
            answer = await client.post("/tasks", json=GIVEN, headers=self.tokens[OTTO])
            self.answers[answer.status_code] += 1
            if answer.status_code in (429, 503):
                self.waits.append(int(answer.headers["retry-after"]))

    async def stop(self, client: httpx2.AsyncClient) -> float:
        """Pulls the fleet's switch, and returns how long that took."""
        began = time.monotonic()
        body = {"stopped": True, "because": "a flood"}
        answer = await client.put("/switches/fleet", json=body, headers=self.tokens[PIA])
        assert answer.status_code == 200, answer.text
        return time.monotonic() - began


def make_fleet(folder: Path) -> Path:
    """Copies the refund desk, with a shop that hangs and an agent that asks it."""
    shutil.copytree(REFUNDS, folder, ignore=shutil.ignore_patterns("__pycache__", ".remit", "*.py"))
    (folder / "flooded.py").write_text(SHOP + AGENT, encoding="utf-8")
    for path, old, new in (
        ("tools/shop.yaml", "remit_fleets.refunds.shop:connect", "flooded:connect"),
        ("agents/refund-desk.agent.md", "class: ", "code: flooded:work\nclass: "),
    ):
        text = (folder / path).read_text(encoding="utf-8")
        assert old in text
        (folder / path).write_text(text.replace(old, new, 1), encoding="utf-8")
    with (folder / "remit.toml").open("a", encoding="utf-8") as settings:
        settings.write(SETTINGS)
    with (folder / "people.yaml").open("a", encoding="utf-8") as people:
        people.write(f"  - {{id: {OTTO}, name: Otto Operator, roles: [operator]}}\n")
    return folder


def token(folder: Path, person: str) -> dict[str, str]:
    """Returns the header that shows a token made for `person`."""
    made = typed("tokens", "create", "flood", "--as", person, "--fleet", str(folder), "--json")
    assert made.code == 0, made.err
    return {"authorization": f"Bearer {made.value['token']}"}


@contextmanager
def flooded(folder: Path) -> Generator[Flood]:
    """Keeps the fleet at work in a process of its own."""
    command = [sys.executable, "-m", "remit.cli", "up", "--fleet", str(folder), "--port", "0", "--json"]
    process = subprocess.Popen(command, env=environment(), cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline()]
        while lines[-1] and lines[-1].rstrip() != "}":
            lines.append(process.stdout.readline())
        address = json.loads("".join(lines))["address"]
        yield Flood(process, address, {person: token(folder, person) for person in (PIA, OTTO)})
    finally:
        process.terminate()
        try:
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()
            process.stdout.close()


async def poured(flood: Flood) -> tuple[float, int, int]:
    """Floods the fleet and stops it meanwhile; returns how long the stop took, and the memory before and after."""
    options: dict[str, Any] = {"timeout": 60, "limits": httpx2.Limits(max_connections=CONNECTIONS + 1)}
    async with httpx2.AsyncClient(base_url=f"{flood.address}/api/v1", **options) as client:
        await asyncio.gather(*(flood.start_many(client, STARTS // 6) for _ in range(CONNECTIONS)))
        before = flood.memory()
        coming = [asyncio.create_task(flood.start_many(client, STARTS)) for _ in range(CONNECTIONS)]
        while flood.sent < STARTS // 2:  # noqa: ASYNC110  the flood is another task's
            await asyncio.sleep(0.05)
        took = await flood.stop(client)
        await asyncio.gather(*coming)
        # What waits goes back to waiting for the switch; as soon as there is room again, the switch is what refuses.
        for _ in range(200):
            if flood.answers[403]:
                break
            await flood.start_many(client, flood.sent + 1)
            await asyncio.sleep(0.05)
        return took, before, flood.memory()


def test_a_flood_is_refused_beyond_the_bound_in_flat_memory_and_a_stop_gets_through(tmp_path: Path) -> None:
    with flooded(make_fleet(tmp_path / "refunds")) as flood:
        took, before, after = asyncio.run(poured(flood))
    told = f"{dict(flood.answers)}, stop in {took:.2f} s, {before} -> {after} kB"
    assert took < 5, told
    assert after - before < MOST_GROWTH_KB, told
    # Below the bound they are taken on; above it, and after the stop, they are not.
    assert 0 < flood.answers[201] <= BOUND + CONNECTIONS + 300, told
    assert set(flood.answers) <= {201, 403, 503}, told
    assert flood.answers[503] > 0, told
    assert flood.answers[403] > 0, told
    assert all(1 <= seconds <= 300 for seconds in flood.waits), told
