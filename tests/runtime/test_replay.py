"""A run driven again from its record: the same verdicts to the byte, nothing done, and whatever differs by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.databases import everything
from tests.gateway.desk import CARA, CONTRACT, NO_RETRY, REFUNDS, SECRET, TINA, TOM, Till, swap
from tests.runtime import agents
from tests.runtime.replays import (
    CEILING,
    FINAL,
    POLITE,
    REFINED,
    SECOND,
    answered,
    code,
    fleet_of_two,
    line,
    replayed,
    verdicts,
)
from tests.runtime.workshop import RUDE_MORE, Script, contract_of, open_workshop, work

from remit.core import HOUR
from remit.journal import RunState
from remit.testing import SettableClock, calls, open_fleet, says

# --- the same again


async def test_a_hosted_run_comes_out_the_same_without_asking_or_doing_anything(tmp_path: Path) -> None:
    shop = Till()
    model = Script(
        calls("shop__get_order", {"order_id": "R-1"}),
        calls("shop__issue_refund", {"order_id": "R-2", "amount": 1, "why": "not its own"}),
        calls("shop__issue_refund", {"order_id": "R-1", "amount": 7, "why": "broken"}),
        calls("shop__get_order", {"order_id": 7}),
        line(FINAL),
    )
    async with open_workshop(tmp_path, model=model, server=shop) as cell:
        run = await work(cell)
        assert run.state is RunState.DONE, run.reason
        told = await replayed(cell, run)
        assert told.same, told
        assert told.finished
        assert told.output_same
        assert (told.ended, told.divergences, told.missing) == ("done", (), ())
        refused = [step[1:] for step in verdicts(told) if step[1].startswith("deny")]
        assert refused == [("deny at authority", "denied", "denied")]
        unjudged = [(step.step, step.decided) for step in told.steps if step.same is None]
        assert unjudged == [(8, "deny at input"), (10, "")]
        assert len(model.asked) == 5
        assert shop.amounts == [7]


async def test_a_run_is_replayed_while_it_waits_and_after_its_answer(tmp_path: Path) -> None:
    shop = Till()
    async with open_workshop(tmp_path, more=code("careful"), server=shop) as cell:
        run = await work(cell, order="R-2")
        waiting = await replayed(cell, run)
        assert waiting.same
        assert not waiting.finished
        assert waiting.ended == "the run is waiting: step 3 is waiting"
        run = await answered(cell, run)
        drawn = next(agents.MADE)
        told = await replayed(cell, run)
        assert told.same, told
        assert next(agents.MADE) == drawn + 1, "the value was made again"
        assert [step[2] for step in verdicts(told)] == ["autonomous", "ask", "approved"]
        assert told.output_same
        assert shop.amounts == [400]


@pytest.mark.parametrize(
    ("answer", "more", "last"),
    [
        ("edit", {"arguments": {"order_id": "R-2", "amount": 300, "why": "less"}, "reason": "less"}, "permit"),
        ("reject", {"reason": "no"}, "deny at approval"),
    ],
)
async def test_an_answer_that_changed_the_action_is_replayed_with_it(
    tmp_path: Path, answer: str, more: Any, last: str
) -> None:
    async with open_workshop(tmp_path, more=code("careful")) as cell:
        run = await answered(cell, await work(cell, order="R-2"), answer, **more)
        assert run.state.is_over
        told = await replayed(cell, run)
        assert told.same, told
        assert told.judged[-1].decided == last


async def test_a_proposal_a_person_carried_out_is_judged_again_as_theirs(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        run = await work(cell, "Please refund 6000.00 of my order R-2.", order="R-2")
        assert run.state is RunState.WAITING
        run = await answered(cell, run, person=TOM)
        assert run.state is RunState.DONE, run.reason
        told = await replayed(cell, run)
        assert told.same, told
        assert [step[1:] for step in verdicts(told)[2:4]] == [
            ("wait", "suggest", "suggest"),
            ("permit", "autonomous", "autonomous"),
        ]


async def test_two_votes_are_counted_again(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        run = await work(cell, "Please refund 2000.00 of my order R-2.", order="R-2")
        await answered(cell, run, person=TOM)
        run = await answered(cell, run, person=TINA)
        assert run.state is RunState.DONE, run.reason
        told = await replayed(cell, run)
        assert told.same, told
        assert (3, "permit", "approved", "approved") in verdicts(told)


async def test_a_refined_answer_that_a_person_corrected_is_replayed(tmp_path: Path) -> None:
    model = Script(*(line({"resolved": True, "text": f"rude {n}"}) for n in range(3)))
    async with open_workshop(tmp_path, model=model, more=REFINED, edit=POLITE) as cell:
        run = await work(cell)
        assert run.state is RunState.WAITING
        waiting = await replayed(cell, run)
        assert (waiting.same, waiting.ended) == (True, "the run is waiting: step 7 asks a person")
        run = await answered(cell, run, "edit", arguments=FINAL, reason="politely")
        assert run.state is RunState.DONE, run.reason
        told = await replayed(cell, run)
        assert told.same, told
        assert told.output_same


async def test_an_answer_a_person_rejected_fails_the_replay_for_the_same_reason(tmp_path: Path) -> None:
    async with open_workshop(tmp_path, more=RUDE_MORE, model=Script(says("rude"))) as cell:
        run = await answered(cell, await work(cell), "reject", reason="no")
        assert run.state is RunState.FAILED
        told = await replayed(cell, run)
        assert told.same, told
        assert told.finished
        assert run.reason in told.ended


async def test_what_a_gate_refused_was_permitted_by_policy_then_and_now(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        run = await work(cell, "Please refund 41")
        assert run.state is RunState.FAILED
        told = await replayed(cell, run)
        assert told.same, told
        assert verdicts(told)[-1] == (3, "deny at guardrails", "autonomous", "autonomous")


@pytest.mark.parametrize("agent", ["denied", "told_no", "careless", "broken", "wordless", "not_there"])
async def test_refusals_and_failures_come_out_the_same(tmp_path: Path, agent: str) -> None:
    async with open_workshop(tmp_path, more=code(agent)) as cell:
        run = await work(cell)
        told = await replayed(cell, run)
        assert told.same, told
        assert told.finished
        assert told.ended == (f"failed: {run.reason}" if run.reason else "done")


async def test_a_run_that_was_stopped_in_between_is_replayed_as_it_went_on(tmp_path: Path) -> None:
    async with open_workshop(tmp_path, more=code("careful")) as cell:
        run = await work(cell, order="R-2")
        await cell.operations.stop("tool:shop__issue_refund", because="a test", by=CARA)
        run = await answered(cell, run)
        assert run.state is RunState.WAITING
        await cell.operations.resume("fleet", because="a test", by=CARA)
        await cell.operations.resume("tool:shop__issue_refund", because="a test", by=CARA)
        run = await cell.operations.drive(run.id)
        assert run.state is RunState.DONE, run.reason
        told = await replayed(cell, run)
        assert told.same, told
        assert [step.decided for step in told.steps if step.step == 3] == ["wait", "deny at switches", "permit"]


@pytest.mark.parametrize("driven", [False, True])
async def test_a_run_that_did_not_end_is_replayed_as_far_as_it_came(tmp_path: Path, driven: bool) -> None:
    async with open_workshop(tmp_path, more=code("careful")) as cell:
        value = {"order_id": "R-2", "message": "please"}
        run = (await cell.operations.submit("refund-desk", value, on_behalf_of=CARA)).run
        if driven:
            await cell.operations.drive(run.id)
            run = await cell.operations.cancel(run.id, because="a test", by=CARA)
        told = await replayed(cell, run)
        assert told.same, told
        assert not told.finished
        assert told.ended == (
            "the run is cancelled: step 3 is waiting"
            if driven
            else "the run is queued, and its record ends before step 1"
        )


async def test_a_run_whose_version_left_the_folder_is_replayed_under_its_own_release(tmp_path: Path) -> None:
    folder = fleet_of_two(tmp_path, contract_of())
    async with open_fleet(REFUNDS, folder) as cell:
        run = await work(cell, "Please refund 40")
        assert run.state is RunState.DONE, run.reason
    newer: dict[str, Callable[[str], str]] = {
        CONTRACT: swap(("version: 1.0.0", "version: 2.0.0"), ("amount <= 50\"", "amount <= 5\"")),
        "policies/org.cedar": lambda _: CEILING + SECOND,
    }  # fmt: skip
    async with open_fleet(REFUNDS, folder, edit=newer) as cell:
        assert run.release not in {version.release for version in cell.parts.registry.versions() if version.may_begin}
        cell.parts.releases.pop(run.release)
        told = await replayed(cell, run)
        assert told.same, told


async def test_an_outcome_a_person_told_is_replayed_as_they_told_it(tmp_path: Path) -> None:
    edit = {"tools/shop.yaml": swap(NO_RETRY)}
    async with open_workshop(tmp_path, more=code("careful"), server=Till(failures=1), edit=edit) as cell:
        run = await answered(cell, await work(cell, order="R-2"))
        assert run.state is RunState.WAITING
        doubtful = await replayed(cell, run)
        assert (doubtful.same, doubtful.ended) == (True, "the run is waiting: step 3 is unknown")
        run = await answered(cell, run, "reject", reason="the bank has nothing")
        assert run.state is RunState.FAILED, run.reason
        told = await replayed(cell, run)
        assert told.same, told
        assert told.finished


async def test_a_secret_that_was_withheld_is_said_and_nothing_of_it_is_missing(tmp_path: Path) -> None:
    async with open_workshop(tmp_path, more=code("leaking")) as cell:
        run = await work(cell)
        told = await replayed(cell, run)
        assert told.same, told
        assert [step.decided for step in told.steps if step.replayed == "withheld"] == ["deny at guardrails"]
        assert SECRET not in "".join(everything(cell.database))


# --- other ways to work


async def test_work_that_was_handed_over_is_replayed_on_both_sides(tmp_path: Path) -> None:
    taker = contract_of(more="triggers:\n  - {on: handoff, from: [refund-desk]}\ncode: tests.runtime.agents:taker")
    fleet_of_two(tmp_path, swap(("ticket.json", "resolution.json"), ("subjects: {order: order_id}\n", ""))(taker))
    more = "handoffs: [second-desk]\ncode: tests.runtime.agents:giver"
    async with open_workshop(tmp_path, more=more) as cell:
        run = await work(cell)
        (child,) = cell.parts.journal.children(run.id)
        child = await cell.operations.drive(child.id)
        assert child.state is RunState.DONE, child.reason
        run = await cell.operations.drive(run.id)
        assert run.state is RunState.DONE, run.reason
        for each, kind in ((run, "handoff"), (child, "tool")):
            told = await replayed(cell, each)
            assert told.same, told
            assert told.output_same
            assert [(step.kind, step.recorded) for step in told.judged] == [(kind, "autonomous")]


async def test_a_sleeping_run_is_replayed_while_it_sleeps_and_after_it_woke(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_workshop(tmp_path, more=code("sleeper"), clock=clock) as cell:
        run = await work(cell)
        assert run.state is RunState.WAITING
        asleep = await replayed(cell, run)
        assert (asleep.same, asleep.finished) == (True, False)
        assert asleep.ended.startswith("it waits until ")
        clock.advance(HOUR)
        run = await cell.operations.drive(run.id)
        assert run.state is RunState.DONE, run.reason
        told = await replayed(cell, run)
        assert (told.same, told.finished, told.output_same) == (True, True, True)


@pytest.mark.parametrize("step", [1, 3, 4])
async def test_a_fork_is_replayed_with_the_steps_it_began_with(tmp_path: Path, step: int) -> None:
    async with open_workshop(tmp_path, more=code("careful")) as cell:
        run = await answered(cell, await work(cell, order="R-2"))
        assert run.state is RunState.DONE, run.reason
        fork = await cell.runtime.fork(run.id, step, by=CARA)
        fork = await cell.operations.drive(fork.id)
        again = await cell.operations.drive((await cell.runtime.fork(fork.id, 2, by=CARA)).id)
        for each in (fork, again):
            assert each.state.is_over, each.reason
            told = await replayed(cell, each)
            assert told.same, told
            assert told.finished
