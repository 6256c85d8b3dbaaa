"""`remit what-if`: a stricter policy is tried on what is on record before it is put in force."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from journeys.command_line import Command, environment

SMALL = '{"order_id": "R-1", "message": "Please refund 40.00 of my order R-1."}'
CEILING = """@id("org/money-ceiling")
@because("above {units}.00 no agent moves money without people")
forbid (principal is Fleet::Agent, action in Fleet::Action::"money_movement", resource)
when {{ context.session.autonomy == Fleet::Autonomy::"autonomous" }}
unless {{ context.facts has amount_minor && context.facts.amount_minor <= {units}00 }};
"""


@pytest.fixture
def worked(remit: Command, refunds: Path) -> str:
    """The run of a small refund."""
    return remit("run", "refund-desk", "--fleet", refunds, "--input", SMALL, "--json").value["run"]


def ceiling(folder: Path, units: int) -> Path:
    folder.mkdir()
    (folder / "org.cedar").write_text(CEILING.format(units=units), encoding="utf-8")
    return folder


def test_what_would_differ_is_shown_with_an_example_and_the_rule(
    remit: Command, refunds: Path, tmp_path: Path, worked: str
) -> None:
    shown = remit("what-if", ceiling(tmp_path / "stricter", 20), "--fleet", refunds)
    assert shown.code == 1
    assert shown.out.splitlines()[0].split() == ["agent", "action", "was", "would", "be", "count", "run", "step"]
    row = ["refund-desk", "shop__issue_refund", "permit", "wait", "1", f"run_{worked[-8:]}", "3"]
    assert shown.out.splitlines()[1].split() == row
    assert "above 20.00 no agent moves money without people (org.cedar:1)" in shown.out
    assert "1 of 4 verdicts would differ, in 1 of 1 run; 0 runs could not be judged in full." in shown.out
    assert shown.err == ""


def test_when_nothing_would_differ_the_exit_code_says_so(
    remit: Command, refunds: Path, tmp_path: Path, worked: str
) -> None:
    told = remit("what-if", ceiling(tmp_path / "same", 1_000), "--fleet", refunds, "--json")
    assert (told.code, told.value["runs"], told.value["changed"]) == (0, 1, 0)
    assert remit("what-if", tmp_path / "same", "--fleet", refunds, "--since", "2020-01-01", "--json").value["runs"] == 1
    assert remit("what-if", tmp_path / "same", "--fleet", refunds, "--since", "2100-01-01", "--json").value["runs"] == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nowhere",), "There are no policies"),
        (("same", "--since", "soon"), "Not a moment 'soon'"),
        (("same", "--agent", "nobody"), "No such agent 'nobody'"),
        (("same", "--runs", "0"), "Usage: remit what-if"),
    ],
)
def test_wrong_use_is_told(
    remit: Command, refunds: Path, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    ceiling(tmp_path / "same", 1_000)
    refused = remit("what-if", tmp_path / arguments[0], *arguments[1:], "--fleet", refunds)
    assert refused.code == 2
    assert told in refused.err


@pytest.mark.slow
def test_on_a_terminal_a_bar_shows_how_far_it_is(remit: Command, refunds: Path, tmp_path: Path, worked: str) -> None:
    assert worked
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "remit.cli", "what-if", ceiling(tmp_path / "same", 1_000), "--fleet", refunds]
    variables = {**environment(TERM="xterm"), "NO_COLOR": ""}
    done = subprocess.run(command, env=variables, stdout=subprocess.PIPE, stderr=theirs, text=True, check=False)
    os.close(theirs)
    drawn = os.read(ours, 65_536).decode()
    os.close(ours)
    assert done.returncode == 0
    assert "judging runs" in drawn
    assert "1/1" in drawn
    assert "judging" not in done.stdout
