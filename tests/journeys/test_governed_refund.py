"""One governed refund from its contract to its proof: what docs/architecture.md tells, step by step."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from journeys.command_line import REFUNDS, Command, started
from remit.app import Cell
from remit.approvals import Approval
from remit.audit import LogEntry, PublicKey, verify_export, verify_proof, write_export
from remit.gateway import Action, Check, Denied
from remit.journal import Run, RunState, StepState
from remit.testing import open_fleet

LEAD, TREASURER, OWNER = "cara.lead@shop.example", "tom.treasurer@shop.example", "olga.owner@shop.example"
CUSTOMER = "ann@mail.example"


async def submitted(cell: Cell, message: str, order: str) -> Run:
    """Gives the desk one ticket and drives it until it ends or waits."""
    started = await cell.operations.submit(
        "refund-desk", {"order_id": order, "message": message}, on_behalf_of=CUSTOMER
    )
    return await cell.operations.drive(started.run.id)


def decisions(cell: Cell, run: Run) -> list[LogEntry]:
    """Returns the decisions of a run, oldest first."""
    return [entry for entry in cell.log.entries(run.id) if entry.kind == "decision"]


def question(cell: Cell, run: Run) -> Approval:
    """Returns what people are asked about a run."""
    (asked,) = cell.parts.approvals.of_run(run.id)
    return asked


async def test_a_small_refund_goes_from_contract_to_proof(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        run = await submitted(cell, "Please refund 40.00 of my order R-1.", "R-1")

        # The run did what the contract's steps say, and its outcome counts.
        assert run.state is RunState.DONE
        assert cell.parts.journal.task(run.task).outcome == "success"
        steps = [(step.kind, step.name, step.state) for step in cell.parts.journal.steps(run.id)]
        done = StepState.DONE
        assert steps == [
            ("tool", "shop__get_order", done),
            ("model", "simulated", done),
            ("tool", "shop__issue_refund", done),
            ("model", "simulated", done),
            ("value", "check", done),
        ]

        # The log has each decision before its outcome, and nothing is missing.
        kinds = [entry.kind for entry in cell.log.entries(run.id)]
        assert kinds == ["run.queued", "attempt", *["decision", "outcome"] * 4, "run.completed"]
        assert [entry.seq for entry in cell.log.entries(run.id)] == list(range(1, len(kinds) + 1))

        assert_recorded(cell, run)

        # Money: what it cost is booked on the run, the agent's day and the unit's day, and nothing stays held.
        assert cell.parts.ledger.holds() == 0
        assert {budget.id.partition(":")[0]: budget.spent for budget in cell.parts.ledger.budgets()} == {
            "run": 10_200,
            "agent": 10_200,
            "unit": 10_200,
        }
        assert cell.parts.controls.locks() == []
        assert_proven(cell, decisions(cell, run)[2], tmp_path / "export")


def assert_recorded(cell: Cell, run: Run) -> None:
    """The record of the refund says who, what, why, and under which rules."""
    record = decisions(cell, run)[2].fields
    version = cell.parts.registry.current("refund-desk")
    assert record["verdict"] == "permit"
    assert record["action"] == {"kind": "tool", "name": "shop__issue_refund", "step": 3}
    assert record["principal"] == {"agent": "refund-desk", "version": "1.0.0"}
    assert (record["on_behalf_of"], record["chain"]) == (CUSTOMER, [CUSTOMER])
    assert (record["contract"], record["release"]) == (version.contract, version.release)
    assert record["bundle"] == cell.parts.releases[version.release].bundle.digest
    assert record["asked"] == record["judged"] == record["sent"]
    assert record["facts"] == {"delivered": True, "open_amount": 40.0}
    assert record["confidence"] == "0.9"
    assert [(rung["rung"], rung["allowed"]) for rung in record["rungs"]] == [("autonomous", True)]
    assert record["rungs"][0]["policies"] == ["agent/refund-desk@1.0.0/shop__issue_refund/1/act"]
    assert "gate before: remit_fleets.refunds.checks:refund_matches_order" in record["constraints"]
    assert {read["tool"] for read in record["reads"]} == {"shop__get_order"}

    # Personal content is in no entry: neither the message nor the order, only digests under the task's salt.
    leaves = b"".join(cell.log.leaves(cell.log.size()))
    assert b"Please refund" not in leaves
    assert b"R-1" not in leaves
    assert record["subjects"]["order"].startswith("hmac-sha256:")


def assert_proven(cell: Cell, entry: LogEntry, export: Path) -> None:
    """An auditor with the public key alone verifies the whole log and this one entry of it."""
    if commit := cell.log.checkpoint_commit():
        cell.parts.writer.commit_now(commit)
    write_export(cell.log, export)
    proof = cell.log.prove(entry.index).text()
    key = PublicKey.parse(cell.log.public_key.text())

    report = verify_export(export, key, proofs=[proof])
    assert (report.ok, report.size) == (True, cell.log.size())
    assert verify_proof(proof, key).leaf == entry.leaf

    entries = export / "entries.jsonl"
    entries.write_bytes(entries.read_bytes().replace(b'"verdict":"permit"', b'"verdict":"denied"', 1))
    assert not verify_export(export, key).ok


async def test_a_larger_refund_is_asked_answered_and_judged_again(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        run = await submitted(cell, "Please refund 450.00 of my order R-2.", "R-2")

        # It waits for people and holds nothing meanwhile.
        assert run.state is RunState.WAITING
        assert cell.parts.ledger.holds() == 0
        assert cell.parts.controls.locks() == []
        record = decisions(cell, run)[-1].fields
        assert (record["verdict"], record["rung"]) == ("wait", "ask")
        assert [(rung["rung"], rung["allowed"]) for rung in record["rungs"]] == [("autonomous", False), ("ask", True)]
        assert record["override"] == [[{"role": "care-lead", "count": 1}], [{"role": "treasurer", "count": 2}]]
        assert cell.log.entries(run.id)[-1].kind == "run.parked"

        # The yes is bound to the digest of what was asked.
        asked = question(cell, run)
        answered = await cell.operations.answer(asked.id, person=LEAD, answer="approve", reason="order checked")
        assert answered.state == "approved"
        vote = cell.log.entries(run.id)[-1].fields
        assert (vote["by"], vote["answer"]) == (LEAD, "approve")
        assert vote["asked"] == vote["answered"] == record["judged"]

        # The next attempt takes recorded outcomes for what was done, and passes every check again for the refund.
        done_before = cell.parts.journal.steps(run.id)[:2]
        run = await cell.operations.drive(run.id)
        assert (run.state, run.attempt) == (RunState.DONE, 2)
        assert cell.parts.journal.steps(run.id)[:2] == done_before
        record = decisions(cell, run)[-2].fields
        assert (record["verdict"], record["rung"], record["approval"]) == ("permit", "approved", asked.id)
        assert record["sent"] == vote["answered"]
        assert question(cell, run).state == "used"
        assert_proven(cell, decisions(cell, run)[-2], tmp_path / "export")


async def test_an_edited_refund_is_judged_in_full_and_the_record_shows_the_edit(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        run = await submitted(cell, "Please refund 450.00 of my order R-2.", "R-2")
        less = {"order_id": "R-2", "amount": 30, "why": "one of the items came back"}
        asked = question(cell, run)
        await cell.operations.answer(asked.id, person=LEAD, answer="edit", reason="less", arguments=less)
        run = await cell.operations.drive(run.id)
        record = decisions(cell, run)[-2].fields
        assert run.state is RunState.DONE
        assert record["asked"] != record["judged"] == record["sent"]
        assert refunds_of(tmp_path / "fleet", "R-2") == [3_000]


async def test_two_treasurers_may_say_yes_where_one_may_not(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        run = await submitted(cell, "Please refund 3000.00 of my order R-2.", "R-2")
        asked = question(cell, run)
        assert (await cell.operations.answer(asked.id, person=TREASURER, answer="approve")).state == "pending"
        other = "tina.treasurer@shop.example"
        assert (await cell.operations.answer(asked.id, person=other, answer="approve")).state == "approved"
        assert (await cell.operations.drive(run.id)).state is RunState.DONE


async def test_above_all_limits_a_person_does_it_through_the_same_gateway(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        run = await submitted(cell, "Please refund 6000.00 of my order R-2.", "R-2")
        asked = question(cell, run)
        assert asked.kind == "proposal"
        await cell.operations.answer(asked.id, person=TREASURER, answer="approve")
        run = await cell.operations.drive(run.id)
        record = decisions(cell, run)[-2].fields
        assert run.state is RunState.DONE
        assert (record["verdict"], record["principal"]) == ("permit", {"human": TREASURER})


def frozen(text: str) -> str:
    """Adds a forbid of the platform team."""
    rule = '@id("org/freeze") @because("refunds are frozen") forbid (principal, action in Fleet::Action::'
    return f'{text}\n{rule}"money_movement", resource);\n'


def poor(text: str) -> str:
    """Leaves a run less money than one refund costs."""
    return text.replace("cost_per_run: 0.40 EUR", "cost_per_run: 0.005 EUR")


def hasty(text: str) -> str:
    """Leaves a run two steps."""
    return text.replace("limits: {steps: 20,", "limits: {steps: 2,")


CONTRACT = "agents/refund-desk.agent.md"


@pytest.mark.parametrize(
    ("order", "amount", "edit", "step", "reason"),
    [
        ("R-1", "40.00", {CONTRACT: hasty}, Check.LIMITS, "has used its 2 steps"),
        ("R-1", "0.00", {}, Check.INPUT, "do not fit the schema"),
        ("R-1", "40.00", {"policies/org.cedar": frozen}, Check.AUTHORITY, "refunds are frozen"),
        ("R-1", "450.00", {}, Check.GUARDRAILS, "the gate does not hold"),
        ("R-1", "40.00", {CONTRACT: poor}, Check.RESERVE, "is used up"),
    ],
)
async def test_a_refusal_is_on_the_record_and_nothing_happens(
    tmp_path: Path, order: str, amount: str, edit: Mapping[str, Callable[[str], str]], step: Check, reason: str
) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet", edit=edit) as cell:
        run = await submitted(cell, f"Please refund {amount} of my order {order}.", order)
        record = decisions(cell, run)[-1].fields
        assert (record["verdict"], record["refused_at"]) == ("deny", int(step))
        assert reason in record["reason"]
        assert record["action"]["name"] == "shop__issue_refund"
        assert "sent" not in record
        assert refunds_of(tmp_path / "fleet", order) == []
        assert cell.parts.ledger.holds() == 0
        assert_every_step_is_logged(cell, run)


async def test_a_no_of_a_person_is_on_the_record(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        run = await submitted(cell, "Please refund 450.00 of my order R-2.", "R-2")
        await cell.operations.answer(question(cell, run).id, person=LEAD, answer="reject", reason="not this one")
        run = await cell.operations.drive(run.id)
        record = decisions(cell, run)[-1].fields
        assert (record["refused_at"], record["reason"]) == (int(Check.APPROVAL), "a person said no")
        assert run.state is RunState.FAILED
        assert refunds_of(tmp_path / "fleet", "R-2") == []
        assert_every_step_is_logged(cell, run)


async def test_a_pulled_switch_is_on_the_record_and_the_run_waits(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        await cell.operations.stop("tool:shop__issue_refund", because="the ledger is down", by=OWNER)
        run = await submitted(cell, "Please refund 40.00 of my order R-1.", "R-1")
        record = decisions(cell, run)[-1].fields
        stopped = "tool:shop__issue_refund is stopped: the ledger is down"
        assert (record["refused_at"], record["reason"]) == (int(Check.SWITCHES), stopped)
        assert run.state is RunState.WAITING, "a switch says something about now, not about the refund"
        assert refunds_of(tmp_path / "fleet", "R-1") == []


async def test_a_caller_without_a_run_is_on_the_record(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        action = Action("tool", "shop__issue_refund", {"order_id": "R-1", "amount": 40, "why": "x"}, 1)
        refused = await cell.gateway.act(None, action)
        assert isinstance(refused, Denied)
        entry = cell.log.entries("cell")[-1]
        assert (entry.ref, entry.fields["refused_at"]) == (refused.decision, int(Check.IDENTIFY))
        assert refunds_of(tmp_path / "fleet", "R-1") == []


def assert_every_step_is_logged(cell: Cell, run: Run) -> None:
    """Each action of the run has its decision in the log; what was done has its outcome."""
    logged = {entry.ref: entry.kind for entry in cell.log.entries(run.id)}
    taken = [step for step in cell.parts.journal.steps(run.id) if step.kind != "value"]
    assert all(step.decision in logged for step in taken)
    outcomes = [entry.ref for entry in cell.log.entries(run.id) if entry.kind == "outcome"]
    assert outcomes == [step.decision for step in taken if step.state is StepState.DONE]


def refunds_of(fleet: Path, order: str) -> list[Any]:
    """Reads the shop's own ledger."""
    with sqlite3.connect(fleet / ".remit" / "shop.db") as shop:
        rows = shop.execute("select cents from refunds where order_id = ?", (order,)).fetchall()
    shop.close()
    return [cents for (cents,) in rows]


DYING = '''
import os
from pathlib import Path

from remit_fleets.refunds.shop import Shop

class DyingShop(Shop):
    """Books the refund, and takes the whole process with it before anybody hears of it."""

    async def issue_refund(self, call, **arguments):
        booked = await super().issue_refund(call, **arguments)
        if not (marker := Path(__file__).with_name("died")).exists():
            marker.touch()
            os._exit(9)
        return booked

def connect(folder):
    (folder / ".remit").mkdir(exist_ok=True)
    return DyingShop(folder / ".remit" / "shop.db")
'''


@pytest.mark.slow
def test_a_crash_between_effect_and_outcome_refunds_once(remit: Command, refunds: Path) -> None:
    (refunds / "dying.py").write_text(DYING, encoding="utf-8")
    tools = refunds / "tools" / "shop.yaml"
    text = tools.read_text(encoding="utf-8")
    tools.write_text(text.replace("remit_fleets.refunds.shop:connect", "dying:connect"), encoding="utf-8")
    ticket = json.dumps({"order_id": "R-1", "message": "Please refund 40.00 of my order R-1."})
    command = ("run", "refund-desk", "--fleet", str(refunds), "--key", "ticket-1", "--input", ticket, "--json")

    assert started(*command).code == 9
    (crashed,) = remit("runs", "--fleet", refunds, "--json").value
    assert crashed["state"] == "running"
    assert refunds_of(refunds, "R-1") == [4_000]

    run = remit(*command).value
    assert (run["run"], run["state"], run["attempts"]) == (crashed["run"], "done", 2)
    assert refunds_of(refunds, "R-1") == [4_000]
    assert remit("log", "verify", "--fleet", refunds).code == 0
