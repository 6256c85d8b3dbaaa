"""`remit doctor` at the command line: what it says, how it ends, and what it leaves alone."""

import os
from pathlib import Path

import pytest

from journeys.command_line import Command, Ended, started
from operations.patients import starter, traces, typed
from remit.operations.doctor import CHECKS

OF_A_SERVER = {"database_server", "database_tls", "database_rights", "database_clock", "log_lag"}
ON_A_FILE = len([check for check in CHECKS if check.__name__ not in OF_A_SERVER])


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    return starter(tmp_path / "office")


def doctor(fleet: Path, *arguments: str) -> Ended:
    return started("doctor", "--fleet", str(fleet), *arguments, REMIT_HTTP__PORT="0")


def test_a_sound_fleet_ends_with_zero_and_a_line_for_each_check(fleet: Path) -> None:
    ended = doctor(fleet)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == "ok       python: Python is new enough"
    assert lines[-1] == f"{ON_A_FILE} checks: 0 troubles, 1 warning"
    assert "         $ remit people link you@example.com" in lines


def test_a_trouble_ends_with_one_and_says_what_why_and_how_it_is_mended(fleet: Path) -> None:
    with (fleet / "remit.toml").open("a", encoding="utf-8") as file:
        file.write('[models.real]\nkind = "anthropic"\nmodel = "m"\nkey = "NO_SUCH_KEY"\n')
    ended = doctor(fleet)
    assert ended.code == 1
    told = "\n".join(
        (
            "trouble  model keys: The model 'real' has no key",
            "         the variable NO_SUCH_KEY is not set, so nobody can ask it",
            "         Set NO_SUCH_KEY where Remit is started, or remove the route from remit.toml",
        )
    )
    assert told in ended.out


def test_json_has_every_check_with_its_mending(fleet: Path) -> None:
    ended = doctor(fleet, "--json")
    assert (ended.code, ended.value["ok"], ended.value["fleet"]) == (0, True, str(fleet))
    assert len({check["check"] for check in ended.value["checks"]}) == ON_A_FILE
    assert {"check", "health", "what", "why", "mend", "command"} == set(ended.value["checks"][0])
    (warning,) = [check for check in ended.value["checks"] if check["health"] == "warning"]
    assert warning["command"] == "remit people link you@example.com"


def spoil_everything(fleet: Path) -> None:
    for path in [path for path in fleet.rglob("*") if path.is_file()]:
        path.write_bytes(b"\xff\xfe{[")


def put_folders_in_the_way(fleet: Path) -> None:
    for name in ("remit.toml", "people.yaml"):
        (fleet / name).unlink()
        (fleet / name).mkdir()
    (fleet / ".remit").mkdir()
    (fleet / ".remit" / "remit.db").mkdir()
    (fleet / ".remit" / "log.key").mkdir()


def lead_nowhere(fleet: Path) -> None:
    for path in (fleet / "people.yaml", fleet / "agents" / "supplies-desk.agent.md"):
        path.unlink()
        path.symlink_to(path)


def empty_it(fleet: Path) -> None:
    for path in [path for path in fleet.rglob("*") if path.is_file()]:
        path.write_bytes(b"")


@pytest.mark.parametrize("broken", [spoil_everything, put_folders_in_the_way, lead_nowhere, empty_it])
def test_a_broken_fleet_is_looked_at_to_the_end_and_left_as_it_is(fleet: Path, broken: object) -> None:
    assert callable(broken)
    broken(fleet)
    before = dict(traces(fleet))
    ended = doctor(fleet, "--json")
    assert ended.code == 1
    assert "Traceback" not in ended.err
    # Without settings nobody knows which database it would be, so the checks of both are skipped.
    assert len({check["check"] for check in ended.value["checks"]}) in (ON_A_FILE, len(CHECKS))
    assert not [check for check in ended.value["checks"] if "fell over" in check["what"]]
    assert dict(traces(fleet)) == before


def test_a_folder_that_is_not_there_stays_away(tmp_path: Path) -> None:
    ended = doctor(tmp_path / "nowhere")
    assert ended.code == 1
    assert f"$ remit init '{tmp_path}/nowhere'" in ended.out
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.slow
def test_what_it_says_to_type_can_be_typed(fleet: Path) -> None:
    assert typed(fleet, "remit runs").returncode == 0
    os.chmod(fleet / ".remit" / "log.key", 0o644)
    (command,) = [line.strip()[2:] for line in doctor(fleet).out.splitlines() if "chmod" in line]
    assert typed(fleet, command).returncode == 0
    assert doctor(fleet).code == 0


def test_in_this_process_too(remit: Command, fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMIT_HTTP__PORT", "0")
    assert remit("doctor", "--fleet", fleet).code == 0
