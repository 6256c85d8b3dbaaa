"""`remit replay`: on the example fleets every run comes out again, and other policies say what they would have done."""

from pathlib import Path

import pytest

from journeys.command_line import Command, started

LEAD = "cara.lead@shop.example"
SMALL = '{"order_id": "R-1", "message": "Please refund 40.00 of my order R-1."}'
LARGE = '{"order_id": "R-2", "message": "Please refund 450.00 of my order R-2."}'
CEILING = """@id("org/money-ceiling")
@because("above {units}.00 no agent moves money without people")
forbid (principal is Fleet::Agent, action in Fleet::Action::"money_movement", resource)
when {{ context.session.autonomy == Fleet::Autonomy::"autonomous" }}
unless {{ context.facts has amount_minor && context.facts.amount_minor <= {units}00 }};
"""


def worked(remit: Command, fleet: Path, given: str) -> str:
    return remit("run", "refund-desk", "--fleet", fleet, "--input", given, "--json").value["run"]


def test_a_refund_comes_out_again_before_and_after_its_answer(remit: Command, refunds: Path) -> None:
    run = worked(remit, refunds, LARGE)
    waiting = remit("replay", run, "--fleet", refunds)
    assert waiting.code == 0
    assert "replayed: the run is waiting: step 3 is waiting" in waiting.out
    assert "the same: 3 verdicts\n" in waiting.out

    (question,) = remit("approvals", "--fleet", refunds, "--json").value
    remit("approvals", "approve", question["approval"], "--as", LEAD, "--fleet", refunds)
    entries = remit("log", "verify", "--fleet", refunds).out
    shown = remit("replay", run[-8:], "--fleet", refunds)
    assert shown.code == 0
    words = [line.split() for line in shown.out.splitlines()]
    assert words[1] == ["step", "action", "decided", "recorded", "replayed", "same"]
    assert ["3", "shop__issue_refund", "wait", "ask", "ask", "yes"] in words
    assert ["3", "shop__issue_refund", "permit", "approved", "approved", "yes"] in words
    assert shown.out.endswith("replayed to its end: done\nthe same: 5 verdicts, and the same output\n")
    assert remit("log", "verify", "--fleet", refunds).out == entries, "looking back leaves no trace"


def test_other_policies_say_what_they_would_have_decided(remit: Command, refunds: Path, tmp_path: Path) -> None:
    run = worked(remit, refunds, SMALL)
    (stricter := tmp_path / "stricter").mkdir()
    (stricter / "org.cedar").write_text(CEILING.format(units=20), encoding="utf-8")
    shown = remit("replay", run, "--policies", stricter, "--fleet", refunds)
    assert shown.code == 0
    assert "step 3 would be ask: above 20.00 no agent moves money without people (org.cedar:1)" in shown.out
    assert "1 of 4 verdicts would differ." in shown.out
    assert "is still as it was recorded" in shown.out
    told = remit("replay", run, "--policies", stricter, "--fleet", refunds, "--json").value
    assert (told["what_if"], told["changed"], told["same"], told["output_same"]) == (True, 1, True, True)

    (same := tmp_path / "same").mkdir()
    (same / "org.cedar").write_text(CEILING.format(units=1000), encoding="utf-8")
    assert "0 of 4 verdicts would differ." in remit("replay", run, "--policies", same, "--fleet", refunds).out


def test_policies_with_mistakes_or_none_are_wrong_use(remit: Command, refunds: Path, tmp_path: Path) -> None:
    run = worked(remit, refunds, SMALL)
    nothing = remit("replay", run, "--policies", tmp_path / "nowhere", "--fleet", refunds)
    assert nothing.code == 2
    assert "There are no policies" in nothing.err
    (tmp_path / "org.cedar").write_text("permit (principal, action, resource);", encoding="utf-8")
    wrong = remit("replay", run, "--policies", tmp_path, "--fleet", refunds)
    assert wrong.code == 2
    assert "org.cedar:1" in wrong.err
    unknown = remit("replay", "run_x", "--fleet", refunds)
    assert unknown.code == 2
    assert "No such run 'run_x'" in unknown.err


def test_a_newer_contract_does_not_change_what_an_older_run_was_judged_by(remit: Command, refunds: Path) -> None:
    run = worked(remit, refunds, SMALL)
    contract = refunds / "agents" / "refund-desk.agent.md"
    text = contract.read_text(encoding="utf-8")
    assert "version: 1.0.0" in text
    contract.write_text(text.replace("version: 1.0.0", "version: 1.1.0").replace("<= 50", "<= 5"), encoding="utf-8")
    (refunds / "policies" / "org.cedar").write_text(CEILING.format(units=1), encoding="utf-8")
    told = remit("replay", run, "--fleet", refunds, "--json").value
    assert told["same"], told
    assert told["finished"]


def test_a_decision_is_explained_with_what_policy_was_told(remit: Command, refunds: Path) -> None:
    run = worked(remit, refunds, SMALL)
    steps = remit("show", run, "--fleet", refunds, "--json").value["steps"]
    considered = remit("explain", steps[2]["decision"], "--fleet", refunds, "--json").value["considered"]
    assert considered["facts"] == {"delivered": True, "open_amount": 40.0}
    assert considered["subjects"] == {"order": "R-1"}


@pytest.mark.slow
@pytest.mark.parametrize("people", ["approve", "reject", "seeded"])
def test_every_run_of_the_retail_demo_comes_out_again(remit: Command, tmp_path: Path, people: str) -> None:
    kept = tmp_path / "kept"
    assert started("demo", "retail", "--headless", "--people", people, "--keep", str(kept)).code == 0
    runs = remit("runs", "--fleet", kept, "--json").value
    assert len(runs) >= 10
    for run in runs:
        told = remit("replay", run["run"], "--fleet", kept, "--json")
        assert told.code == 0, told.out
        assert told.value["finished"]
        assert told.value["output_same"]
        assert told.value["judged"] >= 3
