"""What starts work by itself, from the command line: an event handed in, and the schedules that are kept."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from journeys.command_line import Command, started

TICKET = {"order_id": "R-1", "category": "refund", "message": "The lamp arrived broken, I want my 25 euros back."}
DESK = "agents/refund-desk.agent.md"
SCHEDULES = """  - on: schedule
    cron: "0 7 * * mon-fri"
    timezone: Europe/Berlin
    missed: run-once
    input: {order_id: R-1, message: overdue}
  - on: schedule
    cron: "0 0 1 * *"
    input: {order_id: R-2, message: the month is over}
"""


def test_an_event_is_handed_in_and_its_run_is_driven(remit: Command, refunds: Path) -> None:
    arguments = ("event", "ticket.created", "--data", json.dumps(TICKET), "--id", "evt-1", "--fleet", refunds, "--json")
    told = remit(*arguments)
    (task,) = told.value["tasks"]
    assert (told.code, told.value["event"], task["agent"], task["is_new"]) == (0, "evt-1", "refund-desk", True)
    assert task["state"] in ("done", "waiting")
    (run,) = remit("runs", "--fleet", refunds, "--json").value
    assert run["run"] == task["run"]
    again = remit(*arguments)
    assert (again.code, again.value["tasks"][0]["is_new"], again.value["tasks"][0]["run"]) == (0, False, run["run"])


def test_the_data_may_be_in_a_file(remit: Command, refunds: Path, tmp_path: Path) -> None:
    file = tmp_path / "ticket.json"
    file.write_text(json.dumps(TICKET), encoding="utf-8")
    told = remit("event", "ticket.created", "--data", f"@{file}", "--as", "ann@shop.example", "--fleet", refunds)
    assert told.code == 0
    assert "refund-desk" in told.out


def test_an_event_for_nobody_is_told_so(remit: Command, refunds: Path) -> None:
    data = json.dumps({**TICKET, "category": "question"})
    told = remit("event", "ticket.created", "--data", data, "--fleet", refunds)
    assert told.code == 1
    assert "No agent takes this event" in told.out


def test_an_event_that_cannot_be_taken_says_why(remit: Command, refunds: Path) -> None:
    told = remit("event", "ticket.created", "--data", '{"category": "refund"}', "--fleet", refunds)
    assert told.code == 1
    assert "not taken by refund-desk: The input does not fit the contract of refund-desk" in told.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("ticket.created", "--data", "[]"),
        ("ticket.created", "--data", "@nowhere.json"),
        ("", "--data", "{}"),
        ("ticket.created", "--source", "a\nb"),
    ],
)
def test_an_event_handed_in_wrongly_is_wrong_use(remit: Command, refunds: Path, arguments: tuple[str, ...]) -> None:
    told = remit("event", *arguments, "--fleet", refunds)
    assert (told.code, told.err.startswith("remit: ")) == (2, True)


def test_schedules_are_listed(remit: Command, refunds: Path) -> None:
    path = refunds / DESK
    text = path.read_text(encoding="utf-8")
    assert remit("schedules", "--fleet", refunds).out.startswith("No live contract has a schedule.")
    path.write_text(
        text.replace("version: 1.0.0", "version: 1.1.0").replace("input: {$ref", SCHEDULES + "input: {$ref", 1),
        encoding="utf-8",
    )
    first, second = remit("schedules", "--fleet", refunds, "--json").value
    assert (first["agent"], first["cron"], first["timezone"], first["missed"], first["last_due"]) == (
        "refund-desk",
        "0 7 * * mon-fri",
        "Europe/Berlin",
        "run-once",
        "",
    )
    assert second["missed"] == "skip"
    assert all(datetime.fromisoformat(each["next_due"]) > datetime.now(UTC) for each in (first, second))
    assert "0 7 * * mon-fri" in remit("schedules", "--fleet", refunds).out


def test_the_real_command_does_the_same(refunds: Path) -> None:
    told = started("event", "ticket.created", "--data", json.dumps(TICKET), "--fleet", str(refunds), "--json")
    assert (told.code, len(told.value["tasks"]), told.err) == (0, 1, "")
