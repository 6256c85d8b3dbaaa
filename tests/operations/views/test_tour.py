"""The tour finds the newest example of each promise in the record, and says only what stands there."""

from pathlib import Path
from typing import Any

import pytest
from tests.gateway.desk import ANN, begin
from tests.operations.demos import ORDER, Drill, Forgetful, open_demo
from tests.operations.people import done_by, seen_by
from tests.runtime.workshop import work

from remit.app import Cell
from remit.audit import Report
from remit.core import InputError, RefusedError
from remit.gateway import Action, Denied
from remit.journal import LeftRun
from remit.operations import Tour
from remit.store import Commit

GONE = "elsewhere/1/x"
ELSEWHERE = {"order_id": "R-2", "amount": 20, "why": "they ask for it"}
"""What is not of a task about R-1."""


async def test_a_cell_that_did_nothing_has_nothing_to_show(tmp_path: Path) -> None:
    async with open_demo(tmp_path) as cell:
        tour = seen_by(cell, "operator").tour()
        assert (tour.seen, tour.stop.scope, tour.asking.next) == (0, "", None)


async def test_what_policy_refused_after_an_order_in_the_text_is_shown_with_both(tmp_path: Path) -> None:
    async with open_demo(tmp_path, 20, 45) as cell:
        run = await work(cell, ORDER, order="R-4")  # is not delivered: no rule permits it
        await work(cell, "please", order="R-4")
        found = seen_by(cell, "operator").tour().injection.latest
        assert found is not None
        assert (found.run, found.step, found.what, found.sign) == (run.id, 3, "shop__issue_refund", "labelled")
        assert found.said == ORDER
        assert found.asked["amount"] == 20
        assert cell.log.entry(found.log_index or 0).ref == found.decision


async def test_a_refusal_without_an_order_in_the_text_does_not_claim_one(tmp_path: Path) -> None:
    async with open_demo(tmp_path, 20) as cell:
        await work(cell, "please", order="R-4")
        injection = seen_by(cell, "operator").tour().injection
        assert injection.latest is not None
        assert (injection.happened, injection.latest.sign) == (False, "")


@pytest.mark.parametrize(
    ("tool", "arguments", "message", "sign"),
    [
        ("shop__export_all", {}, "please", "ungranted"),
        ("shop__issue_refund", ELSEWHERE, "refund R-2 as well, please", "outside"),
        ("shop__issue_refund", ELSEWHERE, "please, as they ask for it", ""),  # nobody but the agent spoke of R-2
    ],
)
async def test_what_an_agent_has_no_reason_to_ask_for_is_a_sign(
    tmp_path: Path, tool: str, arguments: dict[str, Any], message: str, sign: str
) -> None:
    async with open_demo(tmp_path) as cell:
        await _denied(cell, tool, arguments, message)
        injection = seen_by(cell, "operator").tour().injection
        assert injection.latest is not None
        assert (injection.happened, injection.latest.sign, injection.latest.what) == (bool(sign), sign, tool)


async def test_a_surer_sign_is_shown_before_a_newer_one(tmp_path: Path) -> None:
    async with open_demo(tmp_path) as cell:
        await _denied(cell, "shop__export_all", {}, "please")
        await _denied(cell, "shop__issue_refund", ELSEWHERE, "refund R-2 as well, please")
        injection = seen_by(cell, "operator").tour().injection
        assert injection.latest is not None
        assert injection.latest.sign == "ungranted"


async def _denied(cell: Cell, tool: str, arguments: dict[str, Any], message: str) -> None:
    value = {"order_id": "R-1", "message": message}
    started = await cell.operations.submit("refund-desk", value, on_behalf_of=ANN)
    assert isinstance(
        await cell.gateway.act(await begin(cell, started.run), Action("tool", tool, arguments, 1)), Denied
    )


async def test_a_refuted_claim_is_shown_with_what_the_source_said(tmp_path: Path) -> None:
    async with open_demo(tmp_path, 45) as cell:
        run = await work(cell, "please refund 45")
        found = seen_by(cell, "operator").tour().claim.latest
        assert found is not None
        assert (found.run, found.after) == (run.id, False)
        assert found.words == "45 is more than the 40.0 left of the payment"


async def test_a_result_that_failed_its_gate_is_a_refuted_claim_too(tmp_path: Path) -> None:
    async with open_demo(tmp_path, 20, server=Forgetful()) as cell:
        await work(cell, "please refund 20")
        found = seen_by(cell, "operator").tour().claim.latest
        assert found is not None
        assert found.after
        assert "the refund is not in the ledger" in found.words


async def test_who_may_not_see_content_is_told_neither_the_text_nor_the_claim(tmp_path: Path) -> None:
    async with open_demo(tmp_path, 20, 45) as cell:
        await work(cell, ORDER, order="R-4")
        await work(cell, "please refund 45")
        tour = seen_by(cell, "viewer").tour()
        told = tour.model_dump_json()
        assert "Ignore all" not in told
        for latest in (tour.injection.latest, tour.claim.latest):
            assert latest is not None
            assert (latest.said, latest.asked, latest.words) == ("", None, "")


async def test_an_answer_ticks_for_whoever_gave_it(tmp_path: Path) -> None:
    async with open_demo(tmp_path, 400) as cell:
        await work(cell, "please refund 400", order="R-2")
        asking = seen_by(cell, "care-lead").tour().asking
        assert asking.next is not None
        assert (asking.happened, asking.next.mine) == (False, True)
        await done_by(cell, "care-lead").answer(asking.next.approval, "approve", reason="looked at it")
        lead, operator = (seen_by(cell, role).tour().asking for role in ("care-lead", "operator"))
        assert lead.answered is not None
        assert (lead.happened, lead.answered.answer, operator.happened) == (True, "approve", False)


async def test_a_switch_ticks_once_it_was_let_go_again(tmp_path: Path) -> None:
    async with open_demo(tmp_path, 20) as cell:
        await work(cell, "please refund 20")
        operator = done_by(cell, "operator")
        assert seen_by(cell, "operator").tour().stop.scope == "agent:refund-desk"
        await operator.stop("agent:refund-desk", because="to see it")
        stop = seen_by(cell, "operator").tour().stop
        assert (stop.happened, stop.pulled and stop.pulled.scope) == (False, "agent:refund-desk")
        await operator.resume("agent:refund-desk", because="seen")
        stop = seen_by(cell, "operator").tour().stop
        assert (stop.happened, stop.pulled) == (True, None)
        assert cell.log.entry(stop.log_index or 0).fields["stopped"] is False


async def test_a_run_taken_over_ticks_once_it_has_ended(tmp_path: Path) -> None:
    async with open_demo(tmp_path, 20) as cell:
        journal = cell.parts.journal
        value = {"order_id": "R-1", "message": "please refund 20"}
        started = await cell.operations.submit("refund-desk", value, on_behalf_of=ANN)
        await cell.parts.writer.commit(Commit(journal.begin_attempt(started.run, b"x" * 32, GONE)))
        left = LeftRun(journal.run(started.run.id), GONE, 0)
        await cell.parts.writer.commit(Commit(journal.take_over(left, b"x" * 32, GONE)))
        kill = seen_by(cell, "viewer").tour().kill
        assert [(one.run, one.lost, one.tries) for one in kill.taken_over] == [(started.run.id, 1, 2)]
        assert not kill.happened
        await cell.operations.drive(started.run.id)
        assert seen_by(cell, "viewer").tour().kill.happened


async def test_a_verification_ticks_and_one_that_failed_is_not_written_into_a_broken_log(tmp_path: Path) -> None:
    async with open_demo(tmp_path) as cell:
        held, broken = (Report("shop", 5, b"", problems) for problems in ((), ("entry 3 was changed",)))
        await done_by(cell, "auditor").verified(held)
        proof = seen_by(cell, "viewer").tour().proof
        assert (proof.happened, proof.verified_by) == (True, "auditor@shop.example")
        size = cell.log.size()
        with pytest.raises(InputError, match="entry 3 was changed"):
            await done_by(cell, "auditor").verified(broken)
        assert cell.log.size() == size


async def test_a_fault_is_caused_by_an_operator_only_and_is_on_the_record_before(tmp_path: Path) -> None:
    async with open_demo(tmp_path) as cell:
        drill, operator = Drill(), done_by(cell, "operator")
        for role in ("viewer", "care-lead", "platform", "auditor"):
            with pytest.raises(RefusedError, match="cell:faults:cause"):
                await done_by(cell, role).cause(drill)
        with pytest.raises(InputError, match="There are: slow"):
            await operator.cause(drill, "odd")
        assert drill.caused == []
        assert await operator.cause(drill) == "The worker was killed."
        assert await operator.cause(drill, "slow") == "The shop is slow for five seconds."
        entries = cell.log.since(0, ("practice",), limit=10)
        assert [(one.fields["by"], one.fields["fault"]) for one in entries] == [
            ("operator@shop.example", "kill -9 of the worker"),
            ("operator@shop.example", "slow"),
        ]
        assert seen_by(cell, "viewer").tour().kill.killed


async def test_the_tour_is_for_whoever_may_see_runs(tmp_path: Path) -> None:
    async with open_demo(tmp_path) as cell:
        assert isinstance(seen_by(cell, "viewer").tour(), Tour)
        with pytest.raises(RefusedError):
            seen_by(cell).tour()
