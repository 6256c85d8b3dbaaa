"""The shell completes names and ids of the fleet that is spoken of, and leaves no trace of having looked."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from journeys.command_line import Command, environment

SMALL = '{"order_id": "R-1", "message": "Please refund 40.00 of my order R-1."}'
LARGE = '{"order_id": "R-2", "message": "Please refund 450.00 of my order R-2."}'
Completed = Callable[..., list[str]]


@pytest.fixture
def completed(remit: Command, refunds: Path, monkeypatch: pytest.MonkeyPatch) -> Completed:
    """Returns what is offered for the last word of a command line."""

    def offered(*words: str, fleet: Path = refunds) -> list[str]:
        with monkeypatch.context() as patch:
            patch.setenv("REMIT_FLEET", str(fleet))
            patch.setenv("_REMIT_COMPLETE", "complete_bash")
            patch.setenv("COMP_WORDS", " ".join(("remit", *words)))
            patch.setenv("COMP_CWORD", str(len(words)))
            ended = remit()
        assert (ended.code, ended.err) == (0, "")
        return ended.out.split()

    return offered


@pytest.fixture
def worked(remit: Command, refunds: Path) -> list[str]:
    """Two runs, the second of which asks people; the newest first, as people are shown them."""
    ids = [
        remit("run", "refund-desk", "--input", given, "--fleet", refunds, "--json").value["run"]
        for given in (SMALL, LARGE)
    ]
    return [f"run_{identifier[-8:]}" for identifier in reversed(ids)]


def test_commands_and_agents_are_completed_in_a_fleet_that_has_not_worked_yet(completed: Completed) -> None:
    assert "run" in completed("ru")
    assert completed("run", "") == ["refund-desk"]
    assert completed("run", "x") == []
    assert completed("agent", "refund") == ["refund-desk"]
    assert "cara.lead@shop.example" in completed("approvals", "approve", "x", "--as", "ca")
    assert completed("show", "") == []


def test_looking_at_a_new_fleet_makes_nothing_in_it(completed: Completed, refunds: Path) -> None:
    before = sorted(refunds.rglob("*"))
    for words in (("run", ""), ("show", ""), ("stop", ""), ("approvals", "approve", ""), ("promote", "x", "")):
        completed(*words)
    assert sorted(refunds.rglob("*")) == before


@pytest.mark.parametrize("command", ["show", "replay", "fork", "cancel", "retry"])
def test_runs_are_completed_by_the_ids_people_are_shown(completed: Completed, worked: list[str], command: str) -> None:
    assert completed(command, "") == worked
    assert completed(command, worked[1][:-1]) == [worked[1]]


def test_a_long_id_that_is_being_typed_is_completed_too(
    completed: Completed, remit: Command, refunds: Path, worked: list[str]
) -> None:
    whole = remit("show", worked[0], "--fleet", refunds, "--json").value["run"]
    assert completed("show", whole[:-1]) == [whole]


def test_questions_scopes_and_versions_are_completed(
    completed: Completed, remit: Command, refunds: Path, worked: list[str]
) -> None:
    (asked,) = remit("approvals", "--fleet", refunds, "--json").value
    for answer in ("approve", "reject", "edit"):
        assert completed("approvals", answer, "") == [f"apr_{asked['approval'][-8:]}"]
    assert {"fleet", "agent:refund-desk", "version:refund-desk@1.0.0", "unit:customer-care"} <= set(
        completed("stop", "")
    )
    assert completed("stop", "tool:shop__i") == ["tool:shop__issue_refund"]
    assert completed("stop", "run:") == [f"run:{run}" for run in worked]
    assert completed("promote", "refund-desk", "") == ["1.0.0"]
    assert completed("resume", "") == []
    remit("stop", "agent:refund-desk", "--because", "it looks odd", "--fleet", refunds)
    assert completed("resume", "") == ["agent:refund-desk"]


@pytest.mark.parametrize("spoil", ["settings", "database", "people", "nothing"])
def test_in_a_broken_fleet_nothing_is_offered_and_nothing_is_said(
    completed: Completed, refunds: Path, worked: list[str], tmp_path: Path, spoil: str
) -> None:
    assert worked
    match spoil:
        case "settings":
            (refunds / "remit.toml").write_text("nme = ", encoding="utf-8")
        case "database":
            (refunds / ".remit" / "remit.db").write_text("not a database" * 100, encoding="utf-8")
        case "people":
            (refunds / "people.yaml").write_bytes(b"\xff")
        case _:
            refunds = tmp_path / "nowhere"
    assert completed("show", "", fleet=refunds) == ([] if spoil != "people" else worked)
    assert completed("approvals", "approve", "x", "--as", "zoe", fleet=refunds) == []


@pytest.mark.slow
def test_bash_asks_and_is_answered(refunds: Path, tmp_path: Path) -> None:
    (tmp_path / "remit").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m remit.cli "$@"\n', encoding="utf-8")
    (tmp_path / "remit").chmod(0o755)
    typed = """
    eval "$(_REMIT_COMPLETE=source_bash remit)"
    COMP_WORDS=(remit run ref); COMP_CWORD=2
    $(complete -p remit | sed 's/.*-F \\([^ ]*\\).*/\\1/') remit ref run
    echo "${COMPREPLY[@]}"
    """
    variables = environment(REMIT_FLEET=str(refunds), PATH=f"{tmp_path}:{os.environ['PATH']}")
    done = subprocess.run(["bash", "-c", typed], env=variables, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["refund-desk"], done.stderr
