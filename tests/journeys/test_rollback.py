"""What a run did is undone by the command line: planned first, carried out through the gateway, and told in the record."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from journeys.command_line import Command

OPERATOR = "otto@shop.example"
SMALL = '{"order_id": "R-1", "message": "Please refund 40.00 of my order R-1."}'


@pytest.fixture
def run(remit: Command, refunds: Path) -> str:
    """A refund that was paid out by itself, in a fleet with an operator."""
    with (refunds / "people.yaml").open("a", encoding="utf-8") as people:
        people.write(f"  - {{id: {OPERATOR}, name: Otto Operator, roles: [operator]}}\n")
    done = remit("run", "refund-desk", "--input", SMALL, "--fleet", refunds, "--json")
    assert done.value["output"]["refund"] is True
    return done.value["run"]


def refunds_in(folder: Path) -> list[tuple[object, ...]]:
    """Returns what the shop's own record says of refunds."""
    (file,) = (folder / ".remit").glob("shop*.db")
    with closing(sqlite3.connect(file)) as shop:
        return shop.execute("select * from refunds").fetchall()


def test_a_plan_changes_nothing(remit: Command, refunds: Path, run: str) -> None:
    before = refunds_in(refunds)
    plan = remit("rollback", run, "--plan", "--fleet", refunds)
    assert plan.code == 0
    assert "shop__issue_refund by shop__cancel_refund" in plan.out
    assert refunds_in(refunds) == before


def test_a_refund_is_undone_once_and_the_log_verifies(remit: Command, refunds: Path, run: str) -> None:
    before = refunds_in(refunds)
    undone = remit("rollback", run, "--because", "wrong order", "--as", OPERATOR, "--fleet", refunds, "--json")
    assert undone.code == 0, undone.out + undone.err
    assert undone.value["state"] == "done"
    assert undone.value["left"] == []
    after = refunds_in(refunds)
    assert after != before
    again = remit("rollback", run, "--because", "once more", "--as", OPERATOR, "--fleet", refunds, "--json")
    assert again.value.get("nothing"), again.out
    assert refunds_in(refunds) == after
    assert remit("log", "verify", "--fleet", refunds).code == 0


def test_who_may_not_is_refused_and_nothing_is_undone(remit: Command, refunds: Path, run: str) -> None:
    before = refunds_in(refunds)
    refused = remit("rollback", run, "--because", "mine", "--as", "tom.treasurer@shop.example", "--fleet", refunds)
    assert refused.code != 0
    assert "fleet:runs:rollback" in refused.err
    assert refunds_in(refunds) == before
    stopped = remit("stop", "fleet", "--because", "looking", "--as", OPERATOR, "--fleet", refunds)
    assert stopped.code == 0
    remit("rollback", run, "--because", "stopped", "--as", OPERATOR, "--fleet", refunds)
    assert refunds_in(refunds) == before


def test_an_agent_cannot_call_the_undoing_tool_itself(remit: Command, refunds: Path, run: str) -> None:
    """The compensation is granted to rollbacks alone: the contract does not name it."""
    contract = (refunds / "agents" / "refund-desk.agent.md").read_text(encoding="utf-8")
    assert "cancel_refund" not in contract
    shown = remit("show", run, "--fleet", refunds, "--json")
    assert "cancel_refund" not in shown.out
