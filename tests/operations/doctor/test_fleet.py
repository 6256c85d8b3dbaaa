"""Troubles of the fleet: settings, files, code, people, keys, secrets, servers."""

import sys
from pathlib import Path

import pytest
from tests.gateway.mcp_servers import PROGRAM

from journeys.adder import write_adder
from operations.patients import SAM, YOU, amiss, edit, looked_at, only, said, starter, typed
from remit.operations.doctor import Health

ROUTE = '\n[models.claude]\nkind = "anthropic"\nmodel = "claude-sonnet-4-5"\nkey = "{key}"\n'
WEBHOOK = '\n[webhooks.tickets]\nsecret = "TICKETS_SECRET"\non_behalf_of = "you@example.com"\n'
CALCULATOR = """\
server: calculator
command: [{python}, {program}, --change, change.json]
tools:
  add: {{effect: read, risk: low}}
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    return starter(tmp_path / "office")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('currency = "EUR"', 'curency = "EUR"', "Setting 'curency' is wrong"),
        ('currency = "EUR"', 'currency = "euro"', "Setting 'currency' is wrong"),
        ('currency = "EUR"', "currency = ", "Cannot read the settings"),
    ],
)
def test_settings_that_are_wrong_are_named_once_and_the_rest_is_looked_at(
    fleet: Path, old: str, new: str, told: str
) -> None:
    edit(fleet / "remit.toml", old, new)
    troubles = [found for found in looked_at(fleet) if found.health is Health.TROUBLE]
    assert [found.check for found in troubles] == ["settings file"]
    assert told in troubles[0].what
    assert troubles[0].mend
    edit(fleet / "remit.toml", new, old)
    assert amiss(fleet, "settings_file") == []


def test_a_variable_that_is_no_setting_is_named_with_the_one_that_was_meant(fleet: Path) -> None:
    found = only(
        fleet,
        "variables",
        environment={
            "REMIT_DATABSE_URL": "x",
            "REMIT_DATABASE_URL_FILE": "x",
            "REMIT_FLEET": "x",
            "REMIT_LIMITS__HOPS": "1",
        },
    )
    assert (found.health, found.what) == (Health.WARNING, "The variable REMIT_DATABSE_URL is not a setting")
    assert found.mend == "Did you mean REMIT_DATABASE_URL?"
    mended = typed(fleet, found.command, "env", REMIT_DATABSE_URL="x")
    assert "REMIT_DATABSE_URL" not in mended.stdout


def test_a_variable_that_holds_a_key_may_be_named_as_it_likes(fleet: Path) -> None:
    with (fleet / "remit.toml").open("a", encoding="utf-8") as file:
        file.write(ROUTE.format(key="REMIT_CLAUDE"))
    assert amiss(fleet, "variables", environment={"REMIT_CLAUDE": "x"}) == []


@pytest.mark.slow
@pytest.mark.parametrize("is_there", [True, False])
def test_a_folder_without_a_fleet_gets_one_by_what_is_said(tmp_path: Path, is_there: bool) -> None:
    folder = tmp_path / "new"
    if is_there:
        folder.mkdir()
    troubles = [found for found in looked_at(folder) if found.health is Health.TROUBLE]
    assert [found.check for found in troubles] == ["fleet folder"]
    assert folder.exists() is is_there
    assert typed(tmp_path, troubles[0].command).returncode == 0
    assert not [found for found in looked_at(folder) if found.health is Health.TROUBLE]


def test_mistakes_in_the_fleet_are_named(fleet: Path) -> None:
    contract = fleet / "agents" / "supplies-desk.agent.md"
    edit(contract, 'facts.total <= 50"', 'facts.totl <= 50"')
    found = only(fleet, "fleet_files")
    assert (found.health, found.what) == (Health.TROUBLE, "The fleet has 1 mistake")
    assert "agents/supplies-desk.agent.md:16" in found.why
    assert "`remit check`" in found.mend
    edit(contract, 'facts.totl <= 50"', 'facts.total <= 50"')
    assert amiss(fleet, "fleet_files") == []


def test_a_warning_of_check_is_a_warning_here(fleet: Path) -> None:
    edit(fleet / "agents" / "supplies-desk.agent.md", "experts: [you@example.com]", "experts: [eve@example.com]")
    assert (only(fleet, "fleet_files").health, only(fleet, "fleet_files").what) == (
        Health.WARNING,
        "The fleet has 1 warning",
    )


def test_code_that_is_not_there_is_named_without_running_any(fleet: Path) -> None:
    edit(fleet / "tools" / "store.yaml", "python: office_store:connect", "python: supplies_shop:connect")
    (fleet / "simulated_model.py").write_text("raise SystemExit('it was run')", encoding="utf-8")
    found = only(fleet, "fleet_code")
    assert found.health is Health.TROUBLE
    assert found.what == "tools/store.yaml names supplies_shop:connect, and there is no module supplies_shop"
    (fleet / "supplies_shop.py").touch()
    assert amiss(fleet, "fleet_code") == []


# --- people


def test_an_owner_who_alone_may_approve_is_named(fleet: Path) -> None:
    people = fleet / "people.yaml"
    edit(people, "roles: [buyer]", "roles: []")
    edit(people, "roles: [platform, operator]", "roles: [platform, operator, buyer]")
    found = amiss(fleet, "people_who_answer")
    assert found[0].health is Health.TROUBLE
    assert found[0].what == "What supplies-desk asks of buyer can never be approved"
    assert YOU in found[0].why
    edit(people, "roles: []", "roles: [buyer]")
    assert not [each for each in amiss(fleet, "people_who_answer") if each.health is Health.TROUBLE]


def test_a_fleet_without_people_that_asks_them_is_named(fleet: Path) -> None:
    (fleet / "people.yaml").rename(fleet / "people.bak")
    assert only(fleet, "people_who_answer").what.endswith("there is no people.yaml")


def test_somebody_whose_own_work_nobody_could_approve_is_named(fleet: Path) -> None:
    edit(fleet / "people.yaml", "roles: [buyer]", "roles: [buyer, operator]")
    found = amiss(fleet, "people_who_answer")
    assert {each.health for each in found} == {Health.WARNING}
    assert SAM in found[0].what
    assert "one more person" in found[0].mend


@pytest.mark.slow
def test_without_passwords_a_login_link_is_made_by_what_is_said(fleet: Path) -> None:
    found = only(fleet, "people_who_log_in")
    assert found.health is Health.WARNING
    assert typed(fleet, found.command).returncode == 0
    assert amiss(fleet, "people_who_log_in") == []


# --- what stands in variables


def test_a_model_without_its_key_is_named(fleet: Path) -> None:
    with (fleet / "remit.toml").open("a", encoding="utf-8") as file:
        file.write(ROUTE.format(key="CLAUDE_KEY"))
    found = only(fleet, "model_keys", environment={})
    assert (found.health, found.what) == (Health.TROUBLE, "The model 'claude' has no key")
    assert "CLAUDE_KEY" in found.mend
    assert amiss(fleet, "model_keys", environment={"CLAUDE_KEY": "k"}) == []


@pytest.mark.parametrize(
    ("secret", "why"),
    [(None, "is not set"), ("short", "fewer than 24 bytes"), ("whsec_!!", "not base64"), ("a b c", "more than two")],
)
def test_a_webhook_without_a_secret_that_will_do_is_named(fleet: Path, secret: str | None, why: str) -> None:
    with (fleet / "remit.toml").open("a", encoding="utf-8") as file:
        file.write(WEBHOOK)
    found = only(fleet, "webhook_secrets", environment={"TICKETS_SECRET": secret} if secret else {})
    assert found.health is Health.TROUBLE
    assert why in found.why
    assert "TICKETS_SECRET" in found.mend
    assert amiss(fleet, "webhook_secrets", environment={"TICKETS_SECRET": "s" * 24}) == []


# --- servers


@pytest.mark.slow
def test_tools_in_quarantine_are_named_and_taken_over_by_what_is_said(tmp_path: Path) -> None:
    fleet = write_adder(tmp_path, CALCULATOR.format(python=sys.executable, program=PROGRAM))
    unlocked = only(fleet, "tool_servers")
    assert "has no lock file yet" in unlocked.why
    assert typed(fleet, unlocked.command).returncode == 0
    assert amiss(fleet, "tool_servers") == []
    (fleet / "change.json").write_text('{"add": {"description": "Adds and tells."}}', encoding="utf-8")
    found = only(fleet, "tool_servers")
    assert (found.health, found.what) == (Health.TROUBLE, "Tools of 'calculator' are in quarantine: add")
    assert typed(fleet, found.command).returncode == 0
    assert amiss(fleet, "tool_servers") == []


@pytest.mark.slow
def test_a_server_that_does_not_answer_is_named(tmp_path: Path) -> None:
    fleet = write_adder(tmp_path, CALCULATOR.format(python=sys.executable, program=PROGRAM))
    assert typed(fleet, "remit tools lock calculator").returncode == 0
    edit(fleet / "tools" / "calculator.yaml", f"[{sys.executable},", "[/nowhere/python,")
    found = only(fleet, "tool_servers")
    assert (found.health, found.command) == (Health.TROUBLE, "")
    assert "cannot be asked" in found.why
    edit(fleet / "tools" / "calculator.yaml", "[/nowhere/python,", f"[{sys.executable},")
    assert amiss(fleet, "tool_servers") == []


def test_a_fleet_that_is_broken_in_every_way_is_looked_at_to_the_end(fleet: Path) -> None:
    for path in fleet.rglob("*"):
        if path.is_file():
            path.write_bytes(b"\xff\xfe{[")
    found = said(fleet)
    assert not [each for each in found if "fell over" in each.what]
    assert {each.check for each in found if each.health is Health.TROUBLE} >= {"settings file"}
