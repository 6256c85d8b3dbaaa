"""`remit init`: what it makes runs at once, with no key, and does what it says it will do next."""

import os
import pty
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from journeys.command_line import REPOSITORY, Command, environment, started
from remit.core import Settings

ANN, SAM = "ann.smith@corp.example", "sam.stand-in@example.com"


@pytest.fixture
def office(remit: Command, tmp_path: Path) -> Path:
    """A fleet that was made just now."""
    assert remit("init", tmp_path / "office", "--owner", ANN).code == 0
    return tmp_path / "office"


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def steps(shown: str) -> list[str]:
    """Returns the commands that it says come next."""
    return re.findall(r"^  ((?:cd|remit) .+)$", shown, re.MULTILINE)


def typed(folder: Path, *commands: str) -> subprocess.CompletedProcess[str]:
    """Types commands into a shell in which `remit` is this one."""
    lines = [f'remit() {{ {sys.executable} -m remit.cli "$@"; }}', "set -e", *commands]
    return subprocess.run(
        ["bash", "-c", "\n".join(lines)], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_the_commands_it_prints_do_what_it_says(tmp_path: Path) -> None:
    made = typed(tmp_path, f"remit init office --owner {ANN}")
    assert made.returncode == 0, made.stderr
    enter, small, large, answer = steps(made.stdout)
    alone = typed(tmp_path, enter, small)
    assert "supplies-desk@1.0.0  done success" in alone.stdout
    assert '"text": "Ordered: 3 x coffee, 37.50 EUR."' in alone.stdout
    asked = typed(tmp_path, enter, large, "remit approvals")
    assert "reason: waits for approval" in asked.stdout
    (approval,) = re.findall(r"^apr_\w+", asked.stdout, re.MULTILINE)
    answered = typed(tmp_path, enter, answer.replace("APPROVAL", approval), "remit runs", "remit log verify")
    assert answered.returncode == 0, answered.stderr
    assert re.search(r"run state +done", answered.stdout)
    assert "verified: " in answered.stdout
    assert typed(tmp_path, enter, "remit check").stdout.endswith("0 mistakes, 0 warnings\n")


@pytest.mark.slow
def test_it_is_kept_at_work_by_up(office: Path) -> None:
    command = [sys.executable, "-m", "remit.cli", "up", "--fleet", str(office), "--port", "0"]
    up = subprocess.Popen(command, env=environment(), cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    try:
        assert up.stdout is not None
        address = next(found[1] for line in up.stdout if (found := re.search(r"health +(http://\S+)", line)))
        with urllib.request.urlopen(address) as answer:  # noqa: S310  an address of ours
            assert answer.status == 200
        up.send_signal(signal.SIGTERM)
        assert up.wait(30) == 0
    finally:
        up.kill()
        up.communicate()


def test_what_it_makes_has_no_mistake_and_no_warning(remit: Command, office: Path) -> None:
    assert remit("check", office, "--json").value == {"ok": True, "findings": []}


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ("1 standing desk", "waits for person"),
        ("2 bottles of drain cleaner", "hazardous goods are bought by people"),
        ("10 pens", "the store has run out of pens"),
    ],
)
def test_each_level_and_the_policy_can_be_seen(remit: Command, office: Path, request_: str, told: str) -> None:
    given = f'{{"request": "{request_}"}}'
    assert told in remit("run", "supplies-desk", "--input", given, "--fleet", office).out


def test_a_proposal_is_carried_out_by_the_person_who_approves_it(remit: Command, office: Path) -> None:
    remit("run", "supplies-desk", "--input", '{"request": "1 standing desk"}', "--fleet", office)
    (asked,) = remit("approvals", "--fleet", office, "--json").value
    answered = remit("approvals", "approve", asked["approval"], "--as", SAM, "--fleet", office, "--json").value
    assert answered["run_state"] == "done"


def test_its_owner_may_not_approve_so_it_names_a_second_person(remit: Command, office: Path) -> None:
    remit("run", "supplies-desk", "--input", '{"request": "2 chairs"}', "--fleet", office)
    (asked,) = remit("approvals", "--fleet", office, "--json").value
    refused = remit("approvals", "approve", asked["approval"], "--as", ANN, "--fleet", office)
    assert refused.code == 1
    assert "they own the agent" in refused.err


def test_it_says_that_it_takes_a_second_person(remit: Command, tmp_path: Path) -> None:
    shown = remit("init", tmp_path / "office", "--owner", ANN).out
    assert "Nobody approves what is done for themselves" in shown
    assert f"{SAM} stands in for one" in shown


def test_owner_and_name_are_put_where_the_starter_has_its_own(office: Path) -> None:
    made = files(office)
    assert not [name for name, text in made.items() if "you@example.com" in text]
    assert f"{{id: {ANN}, name: Ann Smith, roles: [platform, operator]}}" in made["people.yaml"]
    assert f"owner: {ANN} " in made["agents/supplies-desk.agent.md"]
    assert 'name = "office"' in made["remit.toml"]
    assert ".remit/" in made[".gitignore"]


def test_json_names_every_file_and_the_next_commands(remit: Command, tmp_path: Path) -> None:
    told = remit("init", tmp_path / "x", "--owner", ANN, "--name", "supplies", "--json").value
    assert (told["name"], told["owner"], told["approver"]) == ("supplies", ANN, SAM)
    assert sorted(told["files"]) == sorted(files(tmp_path / "x"))
    assert [step.split()[0] for step in told["next"]] == ["cd", "remit", "remit", "remit"]


def test_a_folder_with_something_in_it_is_left_alone(remit: Command, tmp_path: Path) -> None:
    (tmp_path / "remit.toml").write_text("mine", encoding="utf-8")
    refused = remit("init", tmp_path, "--owner", ANN)
    assert refused.code == 2
    assert "The folder is not empty" in refused.err
    assert "remit.toml" in refused.err
    assert files(tmp_path) == {"remit.toml": "mine"}


def test_an_empty_folder_and_a_repository_of_git_will_do(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    made = started("init", "--owner", ANN, "--json", cwd=tmp_path)
    assert made.code == 0, made.err
    assert not [step for step in made.value["next"] if step.startswith("cd ")]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--owner", "ann"), "Not an e-mail address 'ann'"),
        (("--owner", SAM), "cannot be the second person"),
        (("--owner", "a{b@corp.example"), "Not YAML"),
        (("--owner", ANN, "--name", "My Fleet!"), "Setting 'name' is wrong"),
    ],
)
def test_what_a_fleet_cannot_have_is_refused_before_anything_is_written(
    remit: Command, tmp_path: Path, given: tuple[str, ...], told: str
) -> None:
    refused = remit("init", tmp_path / "office", *given)
    assert refused.code == 2
    assert told in refused.err
    assert not (tmp_path / "office").exists()


@pytest.mark.slow
def test_git_is_asked_who_owns_it_and_else_nobody_is(tmp_path: Path) -> None:
    config = tmp_path / "gitconfig"
    config.write_text("[user]\nemail = gil@corp.example\n", encoding="utf-8")
    asked = started("init", "one", "--json", cwd=tmp_path, GIT_CONFIG_GLOBAL=str(config), GIT_CONFIG_NOSYSTEM="1")
    assert asked.value["owner"] == "gil@corp.example"
    nobody = started("init", "two", "--json", cwd=tmp_path, GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1")
    assert nobody.value["owner"] == "you@example.com"


@pytest.mark.slow
def test_at_a_terminal_somebody_is_asked(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "remit.cli", "init", "office"]
    variables = environment(GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1", TERM="dumb")
    asked = subprocess.Popen(command, cwd=tmp_path, env=variables, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    told = b""
    while b"address" not in told:
        told += os.read(ours, 1_024)
    os.write(ours, f"{ANN}\n".encode())
    asked.communicate(timeout=30)
    os.close(ours)
    assert asked.returncode == 0
    assert f"owner: {ANN} " in (tmp_path / "office" / "agents" / "supplies-desk.agent.md").read_text(encoding="utf-8")


def test_a_folders_name_becomes_a_name_a_fleet_may_have(remit: Command, tmp_path: Path) -> None:
    for folder, name in (("My Office (new)", "my-office-new"), ("…", "my-fleet"), ("x" * 80, "x" * 63)):
        assert remit("init", tmp_path / folder, "--owner", ANN, "--json").value["name"] == name


def test_every_setting_in_its_comments_can_be_switched_on(office: Path) -> None:
    text = (office / "remit.toml").read_text(encoding="utf-8")
    on = re.sub(r"^# (?=\[|\w+ = )", "", text, flags=re.MULTILINE)
    assert on.count("\n[") > text.count("\n[")
    (office / "remit.toml").write_text(on, encoding="utf-8")
    ended = started("check", str(office), "--json")
    assert (ended.code, ended.value["ok"]) == (0, True), ended
    assert set(re.findall(r"^(\w+) =", on.partition("[")[0], re.MULTILINE)) <= set(Settings.model_fields)
