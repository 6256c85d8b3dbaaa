"""Step 8: a person says yes to exactly this, once; and human-led work a person does with the agent's proposal."""

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.desk import (
    ANN,
    CARA,
    OLGA,
    SECRET,
    TINA,
    TOM,
    Desk,
    Till,
    contract,
    done,
    open_desk,
    refused,
    tools,
)

from remit.approvals import ApprovalState
from remit.core import HOUR, ConflictError, InputError, RefusedError
from remit.gateway import Check, Denied, Waiting
from remit.journal import StepState
from remit.testing import SettableClock


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk that works on the expensive order."""
    async with open_desk(tmp_path, order="R-2") as opened:
        yield opened


async def ask(desk: Desk, amount: float = 400, **more: Any) -> Waiting:
    outcome = await desk.refund(amount, order="R-2", **more)
    assert isinstance(outcome, Waiting)
    return outcome


async def go_on(desk: Desk, amount: float = 400, step: int = 1) -> Any:
    return await desk.refund(amount, order="R-2", step=step)


def edited(amount: float) -> dict[str, Any]:
    return {"order_id": "R-2", "amount": amount, "why": "less will do"}


def last_answer(desk: Desk) -> Any:
    return desk.entries("approval")[-1].fields


async def test_nothing_happens_before_the_yes_and_once_after_it(desk: Desk) -> None:
    outcome = await ask(desk)
    assert "care-lead" in desk.question(outcome).roles
    assert (await ask(desk, step=1)).approval == outcome.approval
    assert desk.cell.parts.ledger.holds() == 0
    assert desk.cell.parts.controls.locks() == []
    assert (await desk.answer(outcome, CARA)).state is ApprovalState.APPROVED
    done(await go_on(desk))
    assert desk.server.amounts == [400]
    assert desk.verdicts() == ["wait", "permit"]
    assert desk.question(outcome).state is ApprovalState.USED
    done(await go_on(desk))
    assert desk.server.amounts == [400]


async def test_a_yes_is_used_up_by_one_action(desk: Desk) -> None:
    await desk.answer(await ask(desk), CARA)
    done(await go_on(desk))
    assert (await ask(desk)).approval != ""
    assert desk.server.amounts == [400]


async def test_an_edit_is_what_is_done_and_its_digest_is_another(desk: Desk) -> None:
    outcome = await ask(desk)
    asked = desk.question(outcome).digest
    assert (await desk.answer(outcome, CARA, "edit", reason="half", arguments=edited(200))).digest != asked
    done(await go_on(desk))
    assert desk.server.amounts == [200]
    permit = desk.entries("decision")[-1].fields
    assert permit["asked"] == asked
    assert permit["sent"] == permit["judged"] != asked


async def test_an_edit_that_policy_would_refuse_is_not_taken_and_says_why(desk: Desk) -> None:
    outcome = await ask(desk)
    with pytest.raises(RefusedError, match="treasurer") as refused:
        await desk.answer(outcome, CARA, "edit", reason="be generous", arguments=edited(3_000))
    assert "found out was delivered yes, open_amount" in refused.value.text(), "so that they know what would be taken"
    assert (last_answer(desk)["answer"], last_answer(desk)["refused_at"]) == ("refused", Check.AUTHORITY)
    assert desk.question(outcome).state is ApprovalState.PENDING
    assert desk.server.effects == []
    await desk.answer(outcome, CARA, "edit", reason="less", arguments=edited(300))
    done(await go_on(desk))
    assert desk.server.amounts == [300]


async def test_an_edit_that_takes_others_than_are_asked_is_not_taken(tmp_path: Path) -> None:
    edit = contract(("facts.delivered and amount <= 5000", "facts.delivered and amount > 500 and amount <= 5000"))
    async with open_desk(tmp_path, order="R-2", edit=edit) as desk:
        outcome = await ask(desk, 3_000)
        with pytest.raises(RefusedError, match="for people to do themselves"):
            await desk.answer(outcome, TOM, "edit", reason="more", arguments=edited(6_000))
        with pytest.raises(RefusedError, match="1 × care-lead, who are not asked here"):
            await desk.answer(outcome, TOM, "edit", reason="less", arguments=edited(300))
        changed = await desk.answer(outcome, TOM, "edit", reason="less", arguments=edited(2_000))
        assert changed.state is ApprovalState.PENDING
        await desk.answer(outcome, TINA)
        done(await go_on(desk, 3_000))
        assert desk.server.amounts == [2_000]


async def test_an_edit_that_its_gate_would_refuse_is_not_taken(desk: Desk) -> None:
    outcome = await ask(desk)
    desk.server.run_sql("update orders set paid = 35000 where id = 'R-2'")
    with pytest.raises(RefusedError, match="360 is more than the 350"):
        await desk.answer(outcome, CARA, "edit", reason="x", arguments=edited(360))
    with pytest.raises(RefusedError, match="hold a secret"):
        await desk.answer(outcome, CARA, "edit", reason="x", arguments={**edited(300), "why": SECRET})
    assert desk.question(outcome).state is ApprovalState.PENDING


async def test_an_edit_is_judged_with_the_agents_own_confidence(tmp_path: Path) -> None:
    edit = contract(("facts.delivered and amount <= 500", "facts.delivered and amount <= 500 and confidence >= 0.8"))
    async with open_desk(tmp_path, order="R-2", edit=edit) as desk:
        outcome = await ask(desk, confidence=Decimal("0.9"))
        await desk.answer(outcome, CARA, "edit", reason="less", arguments=edited(300))
        done(await desk.refund(400, order="R-2", step=1, confidence=Decimal("0.9")))
    assert desk.server.amounts == [300]


@pytest.mark.parametrize("arguments", [None, {}, {"order_id": "R-2"}, {**edited(1), "more": 1}])
async def test_an_edit_that_does_not_fit_is_not_taken(desk: Desk, arguments: Any) -> None:
    outcome = await ask(desk)
    with pytest.raises(InputError):
        await desk.answer(outcome, CARA, "edit", reason="x", arguments=arguments)
    assert desk.question(outcome).state is ApprovalState.PENDING


async def test_the_agent_reads_why_a_person_said_no(desk: Desk) -> None:
    outcome = await ask(desk)
    with pytest.raises(InputError, match="takes a reason"):
        await desk.answer(outcome, CARA, "reject")
    await desk.answer(outcome, CARA, "reject", reason="they had two already")
    denied = await go_on(desk)
    assert refused(denied).step is Check.APPROVAL
    assert "they had two already" in refused(denied).sentence()
    assert await go_on(desk) == denied
    assert desk.server.effects == []


async def test_a_large_refund_takes_two_treasurers_and_one_twice_is_one(desk: Desk) -> None:
    outcome = await ask(desk, 3_000)
    with pytest.raises(RefusedError):
        await desk.answer(outcome, CARA)
    assert (await desk.answer(outcome, TOM)).state is ApprovalState.PENDING
    assert (await desk.answer(outcome, TOM)).state is ApprovalState.PENDING
    assert isinstance(await go_on(desk, 3_000), Waiting)
    assert (await desk.answer(outcome, TINA)).state is ApprovalState.APPROVED
    done(await go_on(desk, 3_000))
    assert desk.server.amounts == [3_000]


async def test_a_yes_to_what_was_edited_since_does_not_count(desk: Desk) -> None:
    outcome = await ask(desk, 3_000)
    await desk.answer(outcome, TOM)
    await desk.answer(outcome, TINA, "edit", reason="more", arguments=edited(4_000))
    assert isinstance(await go_on(desk, 3_000), Waiting)
    await desk.answer(outcome, TOM)
    done(await go_on(desk, 3_000))
    assert desk.server.amounts == [4_000]


@pytest.mark.parametrize("person", [OLGA, "emil.expert@shop.example", "pia.platform@shop.example"])
async def test_who_may_not_answer_is_refused_and_it_is_on_the_record(desk: Desk, person: str) -> None:
    outcome = await ask(desk)
    with pytest.raises(RefusedError):
        await desk.answer(outcome, person)
    assert (last_answer(desk)["by"], last_answer(desk)["answer"]) == (person, "refused")
    assert desk.question(outcome).state is ApprovalState.PENDING


async def test_nobody_answers_for_their_own_wishes(tmp_path: Path) -> None:
    async with open_desk(tmp_path, order="R-2", on_behalf_of=CARA) as desk:
        outcome = await ask(desk)
        with pytest.raises(RefusedError, match="own behalf"):
            await desk.answer(outcome, CARA)
        assert last_answer(desk)["answer"] == "refused"


async def test_somebody_unknown_answers_nothing(desk: Desk) -> None:
    outcome = await ask(desk)
    with pytest.raises(RefusedError, match="No such person"):
        await desk.answer(outcome, ANN)


async def test_a_question_that_nobody_answered_expires(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_desk(tmp_path, order="R-2", clock=clock) as desk:
        outcome = await ask(desk)
        await desk.park()
        clock.advance(24 * HOUR)
        again = await desk.drive_again()
        denied = await again.refund(400, order="R-2")
        assert refused(denied).step is Check.APPROVAL
        assert "within 24 hours" in refused(denied).reason
        assert desk.question(outcome).state is ApprovalState.EXPIRED


async def test_a_yes_that_comes_too_late_is_none(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_desk(tmp_path, order="R-2", clock=clock) as desk:
        outcome = await ask(desk)
        await desk.park()
        clock.advance(24 * HOUR)
        with pytest.raises(RefusedError, match="expired"):
            await desk.answer(outcome, CARA)
        assert desk.question(outcome).state is ApprovalState.EXPIRED


async def test_a_yes_that_lay_too_long_is_none(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_desk(tmp_path, order="R-2", clock=clock) as desk:
        outcome = await ask(desk)
        await desk.answer(outcome, CARA)
        await desk.park()
        clock.advance(24 * HOUR)
        again = await desk.drive_again()
        assert refused(await again.refund(400, order="R-2")).step is Check.APPROVAL
        assert desk.server.effects == []


async def test_a_question_that_was_withdrawn_is_a_no(desk: Desk) -> None:
    outcome = await ask(desk)
    await desk.commit(desk.cell.parts.approvals.close(outcome.approval, ApprovalState.WITHDRAWN, "not needed"))
    assert "withdrawn" in refused(await go_on(desk)).reason


async def test_a_switch_pulled_after_the_yes_still_stops(desk: Desk) -> None:
    await desk.answer(await ask(desk), CARA)
    await desk.cell.operations.stop("tool:shop__issue_refund", because="a test", by=CARA)
    assert refused(await go_on(desk)).step is Check.SWITCHES
    await desk.cell.operations.resume("tool:shop__issue_refund", because="tested", by=CARA)
    done(await go_on(desk))


async def test_facts_that_changed_after_the_yes_count(desk: Desk) -> None:
    await desk.answer(await ask(desk), CARA)
    desk.server.run_sql("update orders set status = 'returned'")
    assert refused(await go_on(desk)).step is Check.AUTHORITY
    assert desk.server.effects == []


async def test_what_else_the_agent_considered_is_kept_three_at_most(desk: Desk) -> None:
    options = tuple({"option": f"no {n}", "consequence": "less"} for n in range(5))
    outcome = await ask(desk, 6_000, alternatives=options)
    assert json.loads(desk.question(outcome).options) == list(options[:3])


# --- human-led


async def propose(desk: Desk) -> Waiting:
    outcome = await ask(desk, 6_000)
    assert outcome.for_what == "person"
    await desk.park()
    return outcome


async def test_a_treasurer_acts_and_the_agent_hears_the_result(desk: Desk) -> None:
    outcome = await propose(desk)
    await desk.answer(outcome, TOM)
    assert desk.server.amounts == [6_000]
    assert desk.server.effects[0].agent == TOM
    assert desk.entries("decision")[-1].fields["principal"] == {"human": TOM}
    again = await desk.drive_again()
    assert done(await again.refund(6_000, order="R-2"))["amount"] == 6_000
    assert desk.server.amounts == [6_000]
    assert desk.question(outcome).state is ApprovalState.USED
    with pytest.raises(ConflictError):
        await desk.answer(outcome, TINA)


async def test_a_treasurer_may_do_something_less(desk: Desk) -> None:
    await desk.answer(await propose(desk), TOM, "edit", reason="less", arguments=edited(5_500))
    assert desk.server.amounts == [5_500]


@pytest.mark.parametrize("person", [CARA, OLGA, "pia.platform@shop.example"])
async def test_a_person_without_the_role_cannot_act(desk: Desk, person: str) -> None:
    outcome = await propose(desk)
    with pytest.raises(RefusedError):
        await desk.answer(outcome, person)
    assert desk.server.effects == []
    assert last_answer(desk)["answer"] == "refused"
    assert desk.question(outcome).state is ApprovalState.PENDING
    row = desk.cell.parts.journal.step(desk.run.id, 1)
    assert row is not None
    assert row.state is StepState.WAITING


async def test_a_person_cannot_act_on_another_order(desk: Desk) -> None:
    outcome = await propose(desk)
    with pytest.raises(RefusedError):
        await desk.answer(outcome, TOM, "edit", reason="x", arguments={**edited(30), "order_id": "R-1"})
    assert desk.server.effects == []


async def test_a_treasurer_does_not_pay_for_their_own_wishes(tmp_path: Path) -> None:
    async with open_desk(tmp_path, order="R-2", on_behalf_of=TOM) as desk:
        outcome = await propose(desk)
        with pytest.raises(RefusedError, match="own behalf"):
            await desk.answer(outcome, TOM)
        assert last_answer(desk)["answer"] == "refused"
        assert desk.server.effects == []


async def test_a_proposal_that_has_expired_is_not_acted_on(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_desk(tmp_path, order="R-2", clock=clock) as desk:
        outcome = await propose(desk)
        clock.advance(24 * HOUR)
        with pytest.raises(RefusedError, match="expired"):
            await desk.answer(outcome, TOM)
        assert desk.server.effects == []


async def test_a_declined_proposal_is_a_no_with_its_reason(desk: Desk) -> None:
    outcome = await propose(desk)
    await desk.answer(outcome, TOM, "reject", reason="not this quarter")
    again = await desk.drive_again()
    denied = await again.refund(6_000, order="R-2")
    assert isinstance(denied, Denied)
    assert "not this quarter" in denied.sentence()
    assert desk.server.effects == []


async def test_what_a_person_did_and_nobody_knows_of_is_asked_once(tmp_path: Path) -> None:
    edit = tools(("    idempotent: true\n", ""))
    async with open_desk(tmp_path, order="R-2", server=Till(failures=1), edit=edit) as desk:
        outcome = await propose(desk)
        with pytest.raises(ConflictError, match="may have happened"):
            await desk.answer(outcome, TOM)
        pending = desk.cell.parts.approvals.listing(state="pending")
        assert [question.kind for question in pending] == ["unknown"]


async def test_two_who_act_at_once_pay_once(desk: Desk) -> None:
    outcome = await propose(desk)
    results = await asyncio.gather(
        *(desk.answer(outcome, person) for person in (TOM, TINA, TOM)), return_exceptions=True
    )
    assert sum(isinstance(result, RefusedError | ConflictError) for result in results) == 2
    assert desk.server.amounts == [6_000]


async def test_two_answers_at_once_take_turns(desk: Desk) -> None:
    outcome = await ask(desk)
    results = await asyncio.gather(
        desk.answer(outcome, CARA), desk.answer(outcome, CARA, "reject", reason="no"), return_exceptions=True
    )
    assert [isinstance(result, ConflictError | RefusedError) for result in results] == [False, True]
    assert desk.question(outcome).state is ApprovalState.APPROVED


async def test_one_step_asked_twice_at_once_happens_once(desk: Desk) -> None:
    await desk.answer(await ask(desk), CARA)
    await asyncio.gather(go_on(desk), go_on(desk))
    assert desk.server.amounts == [400]
