"""`remit demo`: the support fleet works through invented tickets, and the report says truly what became of them."""

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from journeys.command_line import started, typed
from remit.testing import FakeOpenAI, says
from remit_fleets.support.simulated import answer

pytestmark = pytest.mark.slow


def report(*arguments: str) -> dict[str, Any]:
    """Runs the demo headless and returns its report; its exit code says that all is well."""
    done = started("demo", "--headless", "--json", *arguments, seconds=240)
    assert done.code == 0, done.err
    return done.value


def _rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def assert_balanced(told: dict[str, Any], tasks: int) -> None:
    """Everything that arrived has ended, and each total is the sum of what it is made of."""
    assert told["tasks"]["total"] == tasks
    assert told["tasks"]["unfinished"] == 0
    for name, total in (("tasks", "total"), ("actions", "total"), ("approvals", "asked")):
        counts = dict(told[name])
        assert counts.pop(total) == sum(counts.values()), (name, told[name])
    assert sum(told["blocked"].values()) == told["actions"]["denied"]
    assert told["log"]["verified"]
    assert told["simulated"] is True


@pytest.mark.parametrize("people", ["approve", "reject", "seeded"])
def test_tickets_end_right_whatever_people_answer(people: str) -> None:
    told = report("--tasks", "12", "--people", people, "--seed", "3")
    assert_balanced(told, 12)
    assert told["correct_outcomes"] == 1.0
    assert told["gates"]["passed"] > 12
    assert told["approvals"]["asked"] >= 1
    said_no = told["approvals"]["rejected"]
    assert (said_no == told["approvals"]["asked"]) if people == "reject" else True


def test_one_seed_gives_the_same_decisions_in_each_task(tmp_path: Path) -> None:
    traces = [tmp_path / "few", tmp_path / "many"]
    for trace, most in zip(traces, ("3", "16"), strict=True):
        assert_balanced(report("--tasks", "16", "--open", most, "--trace", str(trace)), 16)
    assert [_rights(trace) for trace in traces] == [0o600, 0o600]
    few, many = (trace.read_text(encoding="utf-8") for trace in traces)
    assert few == many
    keys = [json.loads(line)["key"] for line in few.splitlines()]
    assert keys == sorted(keys)
    assert len([key for key in keys if not key.endswith("-A")]) == 16


def test_a_fleet_that_is_killed_and_a_shop_that_breaks_end_in_a_report_that_balances(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    done = started(
        "demo", "--headless", "--json", "--tasks", "40", "--chaos", "--open", "12", "--keep", str(kept), seconds=400
    )
    assert_balanced(done.value, 40)
    assert [_rights(path) for path in (kept, kept / ".remit")] == [0o700, 0o700]
    assert done.value["crashes_survived"] == 2
    assert typed("log", "verify", "--fleet", str(kept)).code == 0


def test_tickets_of_ones_own_are_worked_on(tmp_path: Path) -> None:
    own = tmp_path / "tickets.jsonl"
    tickets = [
        {"from": "nobody@elsewhere.example", "subject": "Hello", "body": "Where is my order S-100001?"},
        {"from": "someone@elsewhere.example", "subject": "Help", "body": "I want to talk to a person."},
    ]
    own.write_text("".join(json.dumps(ticket) + "\n" for ticket in tickets), encoding="utf-8")
    told = report("--tickets", str(own))
    assert_balanced(told, 2)
    assert told["correct_outcomes"] is None


async def test_a_model_behind_an_address_works_under_the_same_contracts(tmp_path: Path) -> None:
    """What answers there is the simulation again, but Remit only knows that somebody speaks OpenAI's format."""
    async with FakeOpenAI(answer) as endpoint:
        options = ["--tasks", "8", "--people", "approve", "--model", "openai:some-model"]
        told = await asyncio.to_thread(live_report, *options, "--base-url", endpoint.base_url)
        assert len(endpoint.seen) > 8
    assert told["simulated"] is False
    assert told["tasks"]["total"] == told["tasks"]["resolved"] + told["tasks"]["escalated"]
    assert told["correct_outcomes"] == 1.0


async def test_a_model_that_talks_nonsense_does_no_harm(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    async with FakeOpenAI(lambda _: says("I would rather write a poem.")) as endpoint:
        options = ["--tasks", "4", "--people", "approve", "--model", "openai:poet", "--keep", str(kept)]
        told = await asyncio.to_thread(live_report, *options, "--base-url", endpoint.base_url)
    assert told["tasks"]["total"] == 4
    assert told["tasks"]["unfinished"] == 0
    assert told["actions"]["human_led"] == told["actions"]["approved"] == 0
    assert told["log"]["verified"]


def live_report(*arguments: str) -> dict[str, Any]:
    """Runs the demo headless and returns its report, whatever its exit code says."""
    return started("demo", "--headless", "--json", *arguments, seconds=240).value
