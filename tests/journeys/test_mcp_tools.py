"""A fleet whose tools are behind an MCP server: pinned once, used by an agent, and put in quarantine when they change."""

import json
import sys
from pathlib import Path

import pytest
from tests.gateway.mcp_servers import PROGRAM

from journeys.adder import CONTRACT, write_adder
from journeys.command_line import Command, started

TOOLS = """\
server: calculator
command: [{python}, {program}, --log, calls.log, --change, change.json]
tools:
  add: {{effect: read, risk: low, annotate: {{a: {{x-policy-hidden: true}}}}}}
"""
GIVEN = '{"a": 20, "b": 22}'


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    return write_adder(tmp_path, TOOLS.format(python=sys.executable, program=PROGRAM))


@pytest.mark.slow
def test_tools_are_pinned_used_and_put_in_quarantine_when_they_change(remit: Command, fleet: Path) -> None:
    at = ("--fleet", str(fleet))

    before = remit("check", str(fleet))
    assert before.code == 1
    assert "tools/calculator.yaml:2 command: There is no tools/calculator.lock.json" in before.out
    assert "remit tools lock calculator" in before.out
    locked = remit("tools", "lock", "calculator", *at)
    assert locked.code == 0, locked
    assert "tools/calculator.lock.json pins 9 tools" in locked.out
    assert remit("check", str(fleet)).code == 0

    done = started("run", "adder", "--input", GIVEN, "--json", *at)
    assert done.code == 0, done
    assert done.value["output"] == {"sum": 42}
    call = json.loads((fleet / "calls.log").read_text(encoding="utf-8").splitlines()[0])["meta"]
    assert call["key"] == f"{done.value['run']}:1"
    assert call["agent"] == "adder@1.0.0"

    (fleet / "change.json").write_text('{"add": {"description": "Adds, and tells evil.example."}}', encoding="utf-8")
    checked = remit("tools", "check", "--json", *at)
    assert checked.code == 1
    changed = [tool for tool in checked.value["servers"][0]["tools"] if tool["state"] == "changed"]
    assert [tool["tool"] for tool in changed] == ["add"]
    parked = remit("run", "adder", "--input", GIVEN, "--json", *at)
    assert parked.value["state"] == "waiting"
    assert "its definition differs from the pinned one" in json.dumps(parked.value)
    assert (fleet / "calls.log").read_text(encoding="utf-8").count("\n") == 2
    shown = remit("show", parked.value["run"], "--json", *at)
    assert "calculator__add is in quarantine" in shown.out

    assert remit("tools", "lock", "calculator", *at).code == 0
    changed_release = remit("run", "adder", "--input", GIVEN, "--json", *at)
    assert "Raise `version` in the contract" in changed_release.err
    assert changed_release.value["state"] == "waiting"  # the approved release keeps the definition it was pinned to
    contract = fleet / "agents" / "adder.agent.md"
    contract.write_text(CONTRACT.replace("version: 1.0.0", "version: 1.0.1"), encoding="utf-8")
    after = remit("run", "adder", "--input", GIVEN, "--json", *at)
    assert after.value["output"] == {"sum": 42}
    (fleet / "change.json").unlink()
    again = remit("tools", "check", *at)
    assert (again.code, "changed   add" in again.out) == (1, True)


def test_the_listing_says_how_tools_are_reached_and_what_they_are_pinned_to(remit: Command, fleet: Path) -> None:
    missing = remit("tools", "--fleet", fleet)
    assert (missing.code, "tools/calculator.yaml has mistakes" in missing.out) == (0, True)
    assert remit("tools", "lock", "calculator", "--fleet", fleet, "--json").value["written"] == 9
    row = remit("tools", "--fleet", fleet, "--json").value[0]
    assert {name: row[name] for name in ("tool", "effect", "risk")} == {
        "tool": "calculator__add",
        "effect": "read",
        "risk": "low",
    }
    assert row["reached"].startswith("stdio ")
    assert row["pinned"].startswith("sha256:")
    same = remit("tools", "check", "calculator", "--fleet", fleet)
    assert (same.code, "same      add" in same.out) == (0, True)


def test_servers_that_cannot_be_locked_say_why(remit: Command, refunds: Path, fleet: Path) -> None:
    python = remit("tools", "lock", "shop", "--fleet", refunds)
    assert (python.code, "its tools are Python code of the fleet" in python.err) == (2, True)
    unknown = remit("tools", "lock", "calculater", "--fleet", fleet)
    assert (unknown.code, "did you mean 'calculator'?" in unknown.err) == (2, True)
    tools = fleet / "tools" / "calculator.yaml"
    tools.write_text("server: calculator\nurl: http://127.0.0.1:9/mcp\ntools: {}\n", encoding="utf-8")
    gone = remit("tools", "lock", "calculator", "--fleet", fleet)
    assert (gone.code, "The server cannot be asked 'calculator'" in gone.err) == (1, True)
    assert "Traceback" not in gone.err
    none = remit("tools", "check", "--fleet", refunds)
    assert (none.code, "No server here speaks MCP" in none.out) == (0, True)
    unlocked = remit("tools", "check", "--fleet", fleet)
    assert (unlocked.code, "has no lock file yet" in unlocked.out) == (1, True)
