"""Steps 6 and 7: what policy permits, with facts that are facts, and gates that hold."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.desk import SECRET, Saying, contract, denied_entry, done, limits, open_desk, refused, tools

from remit.gateway import Check, Waiting

FACTS = "remit_fleets.refunds.checks:refund_facts"
GATE = "remit_fleets.refunds.checks:refund_matches_order"


async def test_what_no_rule_permits_is_denied_with_what_would_be(tmp_path: Path) -> None:
    async with open_desk(tmp_path, order="R-4") as desk:
        outcome = await desk.refund(order="R-4")  # not delivered
        denied = refused(outcome)
        assert denied.step is Check.AUTHORITY
        assert denied.reason == "no rule of the contract permits it"
        assert "amount <= 50" in denied.hint
        entry = denied_entry(desk, outcome)
        assert [(rung["rung"], rung["allowed"]) for rung in entry["rungs"]] == [
            ("autonomous", False),
            ("ask", False),
            ("suggest", False),
        ]
        assert entry["facts"] == {"delivered": False, "open_amount": 120.0}


async def test_an_order_of_another_task_is_not_touched_and_the_reason_is_said_in_words(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        outcome = await desk.refund(order="R-2")
        assert refused(outcome).step is Check.AUTHORITY
        assert refused(outcome).reason == "a write touches only the subjects of its task"
        denied_entry(desk, outcome)
        done(await desk.look("R-2"))
        assert desk.server.effects == []


async def test_a_task_without_a_subject_writes_nothing(tmp_path: Path) -> None:
    edit = contract(("subjects: {order: order_id}\n", ""))
    async with open_desk(tmp_path, edit=edit) as desk:
        assert refused(await desk.refund()).step is Check.AUTHORITY
        done(await desk.look())


async def test_a_subject_is_bound_by_what_a_tool_finds_out_and_the_first_one_stays(tmp_path: Path) -> None:
    edit = {
        **contract(("subjects: {order: order_id}\n", "")),
        **tools(("    price: 0.0002 EUR\n", "    price: 0.0002 EUR\n    binds: {order: order_id}\n")),
    }
    async with open_desk(tmp_path, edit=edit) as desk:
        refused(await desk.refund())
        done(await desk.look("R-1"))
        done(await desk.look("R-2"))
        done(await desk.refund(19))
        assert refused(await desk.refund(19, order="R-2")).step is Check.AUTHORITY


async def test_the_organisations_ceiling_turns_what_was_autonomous_into_a_question(tmp_path: Path) -> None:
    edit = contract(("amount <= 50", "amount <= 4000"))
    async with open_desk(tmp_path, order="R-2", edit=edit) as desk:
        done(await desk.refund(1_000, order="R-2"))
        assert isinstance(await desk.refund(1_000.01, order="R-2"), Waiting)


async def test_low_confidence_asks_a_person_and_high_confidence_gives_no_authority(
    tmp_path: Path, another_database: Callable[[], None]
) -> None:
    async with open_desk(tmp_path) as desk:
        assert isinstance(await desk.refund(confidence=Decimal("0.69")), Waiting)
        done(await desk.refund(confidence=Decimal("0.7")))
    another_database()
    async with open_desk(tmp_path / "other", order="R-4") as desk:
        assert refused(await desk.refund(order="R-4", confidence=Decimal(1))).step is Check.AUTHORITY


@pytest.mark.parametrize("confidence", [Decimal(2), Decimal("NaN"), Decimal(-1)])
async def test_a_confidence_that_is_none_is_denied(tmp_path: Path, confidence: Decimal) -> None:
    async with open_desk(tmp_path) as desk:
        denied_entry(desk, await desk.refund(confidence=confidence))
        assert desk.server.effects == []


@pytest.mark.parametrize(
    "function", ["raising", "undeclared", "mistyped", "no_mapping", "unknown", "nothing", "writing", "not_there"]
)
async def test_facts_that_are_none_permit_nothing(tmp_path: Path, function: str) -> None:
    async with open_desk(tmp_path, edit=tools((FACTS, f"tests.gateway.checks:{function}"))) as desk:
        outcome = await desk.refund()
        assert refused(outcome).step is Check.AUTHORITY
        denied_entry(desk, outcome)
        assert desk.server.effects == []


async def test_facts_that_take_too_long_permit_nothing(tmp_path: Path) -> None:
    edit = tools((FACTS, "tests.gateway.checks:endless"))
    async with open_desk(tmp_path, edit=edit, change=limits(tool_seconds=0.05)) as desk:
        outcome = await desk.refund()
        assert refused(outcome).step is Check.AUTHORITY
        denied_entry(desk, outcome)


async def test_facts_cannot_change_what_is_sent(tmp_path: Path) -> None:
    async with open_desk(tmp_path, edit=tools((FACTS, "tests.gateway.checks:meddling"))) as desk:
        done(await desk.refund(20))
        assert desk.server.amounts == [20]


@pytest.mark.parametrize("answer", [{1, 2}, {"status": "delivered", "note": "x" * 5_000}], ids=["no-json", "large"])
async def test_what_a_fact_could_not_read_is_no_fact(tmp_path: Path, answer: Any) -> None:
    edit = tools((FACTS, "tests.gateway.checks:reading"))
    async with open_desk(tmp_path, server=Saying(answer), edit=edit, change=limits(result_bytes=2_000)) as desk:
        assert refused(await desk.refund()).step is Check.AUTHORITY


async def test_a_secret_never_goes_out(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        arguments = {"order_id": "R-1", "amount": 5, "why": f"my key is {SECRET}"}
        outcome = await desk.act("shop__issue_refund", arguments)
        assert refused(outcome).step is Check.GUARDRAILS
        assert "$.why" in refused(outcome).reason
        assert SECRET not in str(denied_entry(desk, outcome))
        assert desk.server.effects == []


@pytest.mark.parametrize("gate", ["no", "raising", "no_text", "not_there"])
async def test_a_gate_that_does_not_say_yes_stops_the_action(tmp_path: Path, gate: str) -> None:
    async with open_desk(tmp_path, edit=tools((GATE, f"tests.gateway.checks:{gate}"))) as desk:
        outcome = await desk.refund()
        assert refused(outcome).step is Check.GUARDRAILS
        denied_entry(desk, outcome)
        assert desk.server.effects == []


async def test_a_gate_that_takes_too_long_stops_the_action(tmp_path: Path) -> None:
    edit = tools((GATE, "tests.gateway.checks:endless"))
    async with open_desk(tmp_path, edit=edit, change=limits(tool_seconds=0.05)) as desk:
        outcome = await desk.refund()
        assert refused(outcome).step is Check.GUARDRAILS
        assert "longer than 0.05 seconds" in refused(outcome).words
        assert denied_entry(desk, outcome)["reason"] == "the gate does not hold"


async def test_the_gates_own_words_reach_the_agent(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        denied = refused(await desk.refund(41))
        assert denied.step is Check.GUARDRAILS
        assert "41 is more than the 40.0 left of the payment" in denied.sentence()
        assert "40.0 left" not in str(denied_entry(desk, denied))


async def test_a_permit_records_who_what_and_why_without_personal_data(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        done(await desk.refund(20, reasoning="Ann was kind", alternatives=({"option": "a voucher"},)))
        decision, outcome = (desk.entries(kind)[-1].fields for kind in ("decision", "outcome"))
        assert decision["principal"] == {"agent": "refund-desk", "version": "1.0.0"}
        assert decision["on_behalf_of"] == "ann@shop.example"
        assert decision["release"] == desk.run.release
        assert decision["facts"] == {"delivered": True, "open_amount": 40.0}
        assert decision["alternatives"] == 1
        assert decision["rung"] == "autonomous"
        assert outcome["decision"] == decision["decision"]
        assert desk.verdicts() == ["permit"]
        text = str(decision) + str(outcome)
        assert "Ann was kind" not in text
        assert "the customer asks" not in text
