"""Wrong use at the command line's door: a sentence that says what to do, the right exit code, never a traceback."""

import json
import re
from pathlib import Path

import pytest

from journeys.command_line import Command, Ended, started

LEAD = "cara.lead@shop.example"
SMALL = '{"order_id": "R-1", "message": "Please refund 40.00 of my order R-1."}'
LARGE = '{"order_id": "R-2", "message": "Please refund 450.00 of my order R-2."}'


def assert_refused(ended: Ended, code: int, *told: str) -> None:
    """It says all of `told` on standard error, nothing on standard output, and ends with `code`."""
    assert ended.code == code, ended
    assert not ended.out
    assert "Traceback" not in ended.err
    missing = [words for words in told if words not in ended.err]
    assert not missing, ended.err


def test_a_task_can_be_given_as_more_urgent_than_its_contract_says(remit: Command, refunds: Path) -> None:
    run = remit("run", "refund-desk", "--input", SMALL, "--priority", 8, "--fleet", refunds, "--json")
    assert run.value["priority"] == 8
    assert "priority 8" in remit("show", run.value["run"], "--fleet", refunds).out
    assert remit("run", "refund-desk", "--input", SMALL, "--priority", 10, "--fleet", refunds).code == 2


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("{bad", ("The input is not JSON", "line 1, column 2")),
        ("[1]", ("The input is not a JSON object", "Write {")),
        ('{"order_id": NaN}', ("no such number", "NaN")),
        ('{"order_id": "R-1", "order_id": "R-2", "message": "x"}', ("order_id", "twice")),
        ('{"order_id": "R-1", "message": "\\ud800"}', ("not UTF-8",)),
        ("[" * 5_000, ("nested too deeply",)),
        ("{}", ("does not fit the contract of refund-desk", "order_id is missing", "message is missing")),
        ('{"order_id": "R-1", "message": "x", "amount": 1}', ("amount is not a known field",)),
        ("@nowhere.json", ("Cannot read the file", "nowhere.json", "No such file")),
    ],
)
def test_an_input_that_cannot_be_taken_says_why(
    remit: Command, refunds: Path, given: str, told: tuple[str, ...]
) -> None:
    assert_refused(remit("run", "refund-desk", "--fleet", refunds, "--input", given), 2, *told)


def test_a_file_of_noise_is_no_input(remit: Command, refunds: Path, tmp_path: Path) -> None:
    (noise := tmp_path / "noise").write_bytes(bytes(range(128, 256)))
    told = ("Cannot read the file", "codec can't decode")
    assert_refused(remit("run", "refund-desk", "--fleet", refunds, "--input", f"@{noise}"), 2, *told)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("run", "nobody"), ("No live version of agent 'nobody'", "remit agents")),
        (("show", "run_x"), ("No such run 'run_x'", "remit runs")),
        (("explain", "dec_x"), ("No such decision 'dec_x'", "remit show")),
        (("agent", "nobody"), ("No such agent 'nobody'", "the fleet has: refund-desk")),
        (("kpis", "--agent", "nobody"), ("No such agent 'nobody'", "remit agents")),
        (("runs", "--state", "lost"), ("There is no such state of a run 'lost'", "Write one of queued, running")),
        (("approvals", "--state", "lost"), ("no such state of a question", "Write one of pending, approved")),
        (("stop", "galaxy", "--because", "x"), ("Not a scope 'galaxy'", "Write one of fleet, unit:NAME")),
        (("stop", "agent:", "--because", "x"), ("Not a scope 'agent:'",)),
        (("stop", "fleet"), ("A switch takes a reason", "--because")),
        (("resume", "fleet"), ("A switch takes a reason", "--because")),
        (("promote", "refund-desk", "1.0.0"), ("Who are you?", "--as PERSON")),
        (
            ("promote", "refund-desk", "9.9.9", "--as", "pia.platform@shop.example"),
            ("No such version 'refund-desk@9.9.9'", "remit agents"),
        ),
        (("approvals", "approve", "apr_x"), ("Who are you?",)),
        (("approvals", "approve", "apr_x", "--as", LEAD), ("No such approval 'apr_x'", "remit approvals")),
        (("approvals", "edit", "apr_x", "--as", LEAD, "--arguments", "{"), ("The arguments is not JSON",)),
        (("log", "prove", "999"), ("The log has no entry '999'",)),
    ],
)
def test_a_name_nobody_knows_is_told_with_what_there_is(
    remit: Command, refunds: Path, arguments: tuple[str, ...], told: tuple[str, ...]
) -> None:
    assert_refused(remit(*arguments, "--fleet", refunds), 2, *told)


@pytest.mark.parametrize(
    "arguments",
    [("frobnicate",), ("run",), ("runs", "--limit", "0"), ("log", "prove", "x"), ("approvals", "edit", "x"), ("demo", "--people", "god")],
)  # fmt: skip
def test_a_command_that_is_used_wrongly_shows_its_usage(remit: Command, arguments: tuple[str, ...]) -> None:
    assert_refused(remit(*arguments), 2, "Usage: remit", "--help")


@pytest.mark.parametrize("command", [("check",), ("runs", "--fleet"), ("log", "verify", "--fleet")])
def test_a_folder_without_a_fleet_says_what_is_missing(
    remit: Command, tmp_path: Path, command: tuple[str, ...]
) -> None:
    assert_refused(remit(*command, tmp_path), 2, "There is no fleet here", "agents", "remit demo")


def test_a_person_nobody_knows_may_not_answer(remit: Command, refunds: Path) -> None:
    asked = waiting_for_approval(remit, refunds)
    command = ("approvals", "approve", asked, "--fleet", refunds, "--as")
    assert_refused(remit(*command, "eve@shop.example"), 1, "No such person 'eve@shop.example'", LEAD)
    assert_refused(remit(*command, "olga.owner@shop.example"), 1, "may not answer", "they own the agent")
    assert_refused(remit(*command, "emil.expert@shop.example"), 1, "may not answer", "care-lead, treasurer")


def test_a_question_is_answered_once_and_a_no_has_a_reason(remit: Command, refunds: Path) -> None:
    asked = waiting_for_approval(remit, refunds)
    command = ("approvals", "reject", asked, "--fleet", refunds, "--as", LEAD)
    assert_refused(remit(*command), 2, "To reject takes a reason", "--because")
    assert remit(*command, "--because", "not this customer").code == 0
    assert_refused(remit(*command, "--because", "again"), 1, "may not answer", "rejected it first")


def test_an_edit_that_does_not_fit_the_tool_is_named(remit: Command, refunds: Path) -> None:
    asked = waiting_for_approval(remit, refunds)
    command = ("approvals", "edit", asked, "--fleet", refunds, "--as", LEAD, "--because", "less", "--arguments")
    assert_refused(remit(*command, '{"order_id": "R-2", "amount": -1, "why": "x"}'), 2, "does not fit", "amount")
    assert_refused(remit(*command, '{"order_id": "R-2"}'), 2, "amount is missing", "why is missing")


def waiting_for_approval(remit: Command, fleet: Path) -> str:
    """Starts a refund people are asked about and returns the question's id."""
    assert remit("run", "refund-desk", "--fleet", fleet, "--input", LARGE).code == 0
    return remit("approvals", "--fleet", fleet, "--json").value[0]["approval"]


def test_stopped_work_is_refused_with_who_stopped_it_and_why(remit: Command, refunds: Path) -> None:
    receipt = remit("stop", "agent:refund-desk", "--because", "it looks odd", "--fleet", refunds)
    assert receipt.code == 0
    assert re.search(r"in force  20[0-9T:.-]+Z, [0-9.]+ ms after it was asked for", receipt.out)
    refused = remit("run", "refund-desk", "--fleet", refunds, "--input", SMALL)
    assert_refused(refused, 1, "takes no work now", "agent:refund-desk is stopped: it looks odd", "remit resume")


def test_an_export_is_not_verified_with_a_key_from_nowhere(remit: Command, refunds: Path, tmp_path: Path) -> None:
    export = tmp_path / "export"
    assert remit("log", "export", export, "--fleet", refunds).code == 0
    verify = ("log", "verify", export)
    assert_refused(remit(*verify), 2, "the log's public key", "--key")
    assert_refused(remit(*verify, "--key", "garbage"), 2, "This is not a key")
    assert_refused(remit(*verify, "--key", "k" * 5_000), 2, "This is not a key")
    assert_refused(remit(*verify, "--key", refunds / ".remit" / "log.key"), 2, "This is the private key")
    assert_refused(remit(*verify, "--key", refunds / ".remit" / "remit.db"), 2, "Cannot read the file")
    key = remit("log", "key", "--fleet", refunds).out.strip()
    assert_refused(remit(*verify, "--key", key, "--since", tmp_path / "none"), 2, "Cannot read the file", "none")
    assert_refused(remit("log", "verify", tmp_path / "none", "--key", key), 2, "There is no export")
    assert_refused(remit("log", "export", export, "--fleet", refunds), 2, "The export is there already")
    assert remit(*verify, "--key", key).code == 0


def test_with_json_an_error_is_one_object_on_standard_error(remit: Command, refunds: Path) -> None:
    refused = remit("show", "run_x", "--fleet", refunds, "--json")
    assert (refused.code, refused.out) == (2, "")
    assert json.loads(refused.err) == {
        "error": "NotFoundError",
        "what": "No such run",
        "which": "run_x",
        "why": "",
        "hint": "`remit runs` lists what there is",
    }


# What has the wrong form is told first; what cannot be meant is told once everything has the right form.
MISTAKES = {
    "purpose: Resolve": "porpose: Resolve",
    "cost_per_run: 0.40 EUR": "cost_per_run: cheap",
    "level: autonomous": "level: autonomus",
    "3. `shop__issue_refund`": "4. `shop__issue_refund`",
}
MISPRINTS = {
    "amount <= 5000": "amount <= 'much'",
    "level: human-led, by: treasurer": "level: human-led, by: tresurer",
    "amount <= 500\"": "amont <= 500\"",
    "`shop__issue_refund` if": "`shop__isue_refund` if",
    "refund-desk.yaml#not-delivered": "refund-desk.yaml#lost",
    "before: refund_matches_order": "before: refund_matches_ordr",
    "success: resolved": "success: resolved and text > 3",
}  # fmt: skip


@pytest.mark.parametrize("spoiled", [MISTAKES, MISPRINTS])
def test_check_names_every_mistake_with_file_and_line(remit: Command, refunds: Path, spoiled: dict[str, str]) -> None:
    contract = refunds / "agents" / "refund-desk.agent.md"
    text = contract.read_text(encoding="utf-8")
    for right, wrong in spoiled.items():
        assert text.count(right) == 1
        text = text.replace(right, wrong)
    contract.write_text(text, encoding="utf-8")
    lines = {number for number, line in enumerate(text.splitlines(), 1) if any(w in line for w in spoiled.values())}

    told = remit("check", refunds, "--json")

    assert told.code == 1
    assert not told.value["ok"]
    assert {found["file"] for found in told.value["findings"]} == {"agents/refund-desk.agent.md"}
    assert lines <= {found["line"] for found in told.value["findings"]}
    shown = remit("check", refunds).out
    assert all(f"agents/refund-desk.agent.md:{line} " in shown for line in lines)
    assert f"{len(told.value['findings'])} mistakes" in shown
    assert_refused(remit("runs", "--fleet", refunds), 1, "The fleet has", "`remit check` names all of them")


def test_a_changed_text_needs_a_new_version(remit: Command, refunds: Path) -> None:
    assert remit("agents", "--fleet", refunds).code == 0
    contract = refunds / "agents" / "refund-desk.agent.md"
    contract.write_text(
        contract.read_text(encoding="utf-8").replace('amount <= 50"', 'amount <= 80"'), encoding="utf-8"
    )
    shown = remit("agents", "--fleet", refunds)
    assert (shown.code, len(shown.out.splitlines())) == (0, 2)
    assert "An approved version was changed" in shown.err
    assert "Raise `version`" in shown.err


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("nme = 'x'", ("Setting 'nme' is wrong", "currency, database, database_url")),
        ("name = ", ("Cannot read the settings", "remit.toml")),
        ("[models.m]\nkind = 'simulated'\ncode = 'nowhere:answer'", ("Cannot import the module of 'nowhere:answer'",)),
        ("database_url = 'mysql://db.example'", ("only SQLite and PostgreSQL are supported",)),
    ],
)
def test_a_wrong_setting_is_named(remit: Command, refunds: Path, settings: str, told: tuple[str, ...]) -> None:
    (refunds / "remit.toml").write_text(settings, encoding="utf-8")
    assert_refused(remit("runs", "--fleet", refunds), 2, *told)


def test_without_a_models_key_only_its_answers_are_missing(remit: Command, refunds: Path) -> None:
    route = "[models.m]\nkind = 'openai'\nmodel = 'm'\nbase_url = 'https://m.example'\nkey = 'NO_KEY'\ncloud = false\ninput_price = 1\noutput_price = 1\n"
    (refunds / "remit.toml").write_text(f"releases = 'on-load'\n{route}", encoding="utf-8")
    assert remit("runs", "--fleet", refunds).code == 0
    order = '{"order_id": "R-1", "message": "Please refund 40.00 of my order R-1."}'
    ran = remit("run", "refund-desk", "--input", order, "--fleet", refunds, "--json")
    assert ran.code == 1
    assert "The variable NO_KEY is not set" in ran.value["reason"]


def test_a_file_that_is_no_database_is_told(remit: Command, refunds: Path) -> None:
    (refunds / ".remit").mkdir()
    (refunds / ".remit" / "remit.db").write_text("not a database" * 100, encoding="utf-8")
    assert_refused(remit("runs", "--fleet", refunds), 1, "The database cannot be used", "evidence")


def test_a_place_that_cannot_be_written_is_told(remit: Command, refunds: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    target = tmp_path / "file" / "export"
    assert_refused(remit("log", "export", target, "--fleet", refunds), 1, "The machine does not let us")


def test_the_demo_says_which_fleets_there_are(remit: Command, refunds: Path) -> None:
    assert_refused(remit("demo", "nofleet", "--headless", "--json"), 2, "No such example fleet", "refunds, retail")
    assert_refused(remit("demo", "refunds", "--headless", "--json"), 2, "no queue to show", "refunds", "remit.toml")
    assert_refused(remit("demo", "--headless", "--json", "--keep", refunds), 2, "The folder is there already")


def test_a_fleet_in_a_folder_of_its_own_brings_its_code(remit: Command, refunds: Path) -> None:
    (refunds / "my_queue.py").write_text(QUEUE, encoding="utf-8")
    settings = refunds / "remit.toml"
    settings.write_text('demo = "my_queue:work"\n' + settings.read_text(encoding="utf-8"), encoding="utf-8")
    report = remit("demo", refunds, "--headless", "--json").value
    assert (report["tasks"], report["done"], report["log"]["ok"]) == (1, 1, True)


QUEUE = """
from remit.app import Demo, DemoTask

def work(folder):
    task = {"order_id": "R-1", "message": "Please refund 40.00 of my order R-1."}
    return Demo("mine", [DemoTask("refund-desk", "a refund", task, "ann", "one")], lambda task, run, approved: [])
"""


def test_a_process_of_its_own_behaves_the_same(refunds: Path) -> None:
    assert_refused(started("runs", "--fleet", str(refunds), "--state", "lost"), 2, "remit:", "Write one of queued")
    helped = started("--help")
    assert helped.code == 0
    assert "Usage: remit" in helped.out
