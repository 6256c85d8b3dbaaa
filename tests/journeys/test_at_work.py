"""A fleet at work: hand-offs that wait for people, `remit up` beside the command line, forks and cancelled runs."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from journeys.command_line import REPOSITORY, Command, environment, started, typed

TRIAGE = """---
agent: triage
version: 1.0.0
purpose: Finds out what a refund is about and hands it on.
owner: olga@shop.example
experts: [emil@shop.example]
unit: care
class: user-facing
triggers:
  - on: task
input: {type: object, properties: {order: {type: string}}, required: [order], additionalProperties: false}
output: {type: object, properties: {paid: {type: boolean}}, required: [paid], additionalProperties: false}
success: paid
tools:
  - use: desk__look
handoffs: [payer]
---
# Triage
Hand it on.

## Steps
1. `desk__look` — how much it is.
2. handoff `payer` with `amount = steps.1.amount` — pay the customer back.
"""
PAYER = """---
agent: payer
version: 1.0.0
purpose: Pays refunds back.
owner: olga@shop.example
experts: [emil@shop.example]
unit: care
class: user-facing
triggers:
  - on: handoff
    from: [triage]
input:
  type: object
  properties: {order: {type: string}, amount: {type: integer}}
  required: [order, amount]
  additionalProperties: false
output: {type: object, properties: {paid: {type: boolean}}, required: [paid], additionalProperties: false}
success: paid
tools:
  - use: desk__pay
    autonomy:
      - {level: human-in-the-loop, by: lead}
approvers: [lead]
---
# Payer
Pay.

## Steps
1. `desk__pay` — once.
"""
TOOLS = """server: desk
python: desk_of_test:connect
tools:
  look:
    description: Looks.
    input: {type: object, properties: {order: {type: string}}, required: [order], additionalProperties: false}
    output: {type: object, properties: {amount: {type: integer}}, required: [amount]}
    effect: read
    risk: low
  pay:
    description: Pays.
    input:
      type: object
      properties: {order: {type: string}, amount: {type: integer}}
      required: [order, amount]
      additionalProperties: false
    output: {type: object, properties: {paid: {type: boolean}}, required: [paid]}
    idempotent: true
"""
CODE = '''"""The desk of this fleet."""


class Desk:
    def __init__(self, folder):
        self.book = folder / "book.txt"

    async def look(self, call, *, order):
        return {"amount": 7}

    async def pay(self, call, *, order, amount):
        with self.book.open("a") as book:
            book.write(f"{call.key} {amount}\\n")
        return {"paid": True}


def connect(folder):
    return Desk(folder)
'''
PEOPLE = """people:
  - {id: olga@shop.example, roles: [owner]}
  - {id: emil@shop.example, roles: [expert]}
  - {id: cara@shop.example, roles: [lead]}
"""
ORDER = '{"order": "R-1"}'


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """Two agents, the second of which asks people."""
    for name, text in {
        "remit.toml": 'name = "desks"\nreleases = "on-load"\n',
        "people.yaml": PEOPLE,
        "tools/desk.yaml": TOOLS,
        "desk_of_test.py": CODE,
        "agents/triage.agent.md": TRIAGE,
        "agents/payer.agent.md": PAYER,
    }.items():
        (tmp_path / "desks" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "desks" / name).write_text(text, encoding="utf-8")
    return tmp_path / "desks"


def called(fleet: Path, *arguments: str) -> Any:
    """Runs a command, in another process than the fleet's, and returns its JSON."""
    ended = typed(*arguments, "--fleet", str(fleet), "--json")
    assert ended.code == 0, ended.err
    return ended.value


@pytest.fixture
def up(fleet: Path) -> Generator[Callable[[], tuple[subprocess.Popen[str], str]]]:
    """Starts `remit up` and says where it listens; whatever is left of it is killed at the end."""
    begun: list[subprocess.Popen[str]] = []

    def start() -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, "-m", "remit.cli", "up", "--fleet", str(fleet), "--port", "0", "--json"]
        process = subprocess.Popen(command, env=environment(), cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
        begun.append(process)
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        while lines[-1] and lines[-1].rstrip() != "}":
            lines.append(process.stdout.readline())
        return process, json.loads("".join(lines))["address"]

    yield start
    for process in begun:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def until(what: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Returns what `what` says as soon as it says something."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.2)
    return found


def test_an_answer_to_the_taker_brings_the_giver_to_its_end_in_the_same_command(fleet: Path) -> None:
    run = called(fleet, "run", "triage", "--input", ORDER)
    assert run["state"] == "waiting"
    (child,) = run["children"]
    assert (child["agent"], child["state"]) == ("payer", "waiting")
    (asked,) = called(fleet, "approvals")
    called(fleet, "approvals", "approve", asked["approval"], "--as", "cara@shop.example", "--because", "checked")
    ended = called(fleet, "show", run["run"])
    assert (ended["state"], ended["outcome"], ended["output"]) == ("done", "success", {"paid": True})
    assert (fleet / "book.txt").read_text().splitlines() == [f"{child['run']}:1 7"]


@pytest.mark.slow
def test_a_fleet_at_work_takes_up_what_the_command_line_answers(
    fleet: Path, up: Callable[[], tuple[subprocess.Popen[str], str]]
) -> None:
    process, address = up()
    with httpx2.Client() as client:
        assert client.get(f"{address}/healthz").json()["status"] == "ok"
    run = called(fleet, "run", "triage", "--input", ORDER)
    assert run["state"] == "waiting"
    (asked,) = called(fleet, "approvals")
    called(fleet, "approvals", "approve", asked["approval"], "--as", "cara@shop.example", "--because", "checked")
    ended = until(lambda: (shown := called(fleet, "show", run["run"]))["state"] == "done" and shown)
    assert ended["outcome"] == "success"
    assert len((fleet / "book.txt").read_text().splitlines()) == 1
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    assert typed("log", "verify", "--fleet", str(fleet)).code == 0


@pytest.mark.slow
def test_a_port_that_is_taken_is_told(fleet: Path, up: Callable[[], tuple[subprocess.Popen[str], str]]) -> None:
    _, address = up()
    second = started("up", "--fleet", str(fleet), "--port", address.rpartition(":")[2])
    assert second.code == 1
    assert "Cannot listen there" in second.err


def test_a_fork_shows_what_would_happen_and_does_not_do_it(fleet: Path, remit: Command) -> None:
    run = called(fleet, "run", "triage", "--input", ORDER)
    (child,) = run["children"]
    forked = remit("fork", child["run"], "--step", 1, "--fleet", fleet, "--json")
    assert forked.value["state"] == "failed"
    assert "policy's answer is ask" in forked.value["reason"]
    assert not (fleet / "book.txt").exists()
    wrong = remit("fork", child["run"], "--step", 9, "--fleet", fleet)
    assert (wrong.code, "cannot be forked at step 9" in wrong.err) == (2, True)


def test_a_cancelled_run_takes_the_one_it_handed_work_to_with_it(fleet: Path, remit: Command) -> None:
    run = called(fleet, "run", "triage", "--input", ORDER)
    ended = remit("cancel", run["run"], "--because", "sent twice", "--fleet", fleet, "--json")
    assert (ended.value["state"], ended.value["reason"]) == ("cancelled", "sent twice")
    assert {each["state"] for each in remit("runs", "--fleet", fleet, "--json").value} == {"cancelled"}
    assert remit("approvals", "--fleet", fleet, "--json").value == []
    again = remit("cancel", run["run"], "--because", "again", "--fleet", fleet)
    assert (again.code, "over already" in again.err) == (1, True)
