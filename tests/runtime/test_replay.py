"""A run driven again from its record: the same verdicts to the byte, nothing done, and whatever differs by name."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.desk import CARA, CONTRACT, NO_RETRY, REFUNDS, SECRET, TINA, TOM, Till, swap
from tests.runtime import agents
from tests.runtime.workshop import RUDE_MORE, Script, contract_of, open_workshop, work

from remit.app import Cell
from remit.core import HOUR
from remit.journal import Run, RunState
from remit.operations import Replays
from remit.runtime import Replay, Replayed
from remit.testing import SettableClock, calls, open_fleet, says

FINAL = {"resolved": True, "text": "please wait"}
POLITE = {"tools/shop.yaml": swap(("gates:\n", "gates:\n  polite: tests.runtime.agents:polite\n"))}
REFINED = "models: {turns: 6}\nrefine: {gates: [polite], times: 2, to: care-lead}"
CEILING = """@id("org/money-ceiling")
@because("above 5.00 no agent moves money without people")
forbid (principal is Fleet::Agent, action in Fleet::Action::"money_movement", resource)
when { context.session.autonomy == Fleet::Autonomy::"autonomous" }
unless { context.facts has amount_minor && context.facts.amount_minor <= 500 };
"""


SECOND = """@id("org/second-desk")
@because("the second desk moves no money")
forbid (principal == Fleet::Agent::"second-desk", action in Fleet::Action::"money_movement", resource);
"""
EDIT_DECISION = """update log set body = cast(replace(cast(body as text), ?, ?) as blob)
where ref = ? and kind = 'decision'"""


def code(name: str) -> str:
    return f"models: {{turns: 6}}\ncode: tests.runtime.agents:{name}"


def line(value: Any) -> dict[str, Any]:
    return says(json.dumps(value))


async def replayed(cell: Cell, run: Run, *, policies: Path | None = None) -> Replayed:
    """Replays a run and makes sure that it left every table as it was."""
    before, size = contents(cell), cell.log.size()
    told = await Replays(parts=cell.parts, log=cell.log, fleet=cell.fleet).replay(run.id, policies=policies)
    assert contents(cell) == before
    assert cell.log.size() == size
    json.dumps(told.as_json())
    return told


def contents(cell: Cell) -> list[str]:
    with closing(cell.database.connect()) as connection:
        return list(connection.iterdump())


def change(cell: Cell, query: str, *values: Any) -> None:
    """Changes the database behind Remit; what is signed before, no checkpoint will look at again."""
    if commit := cell.log.checkpoint_commit():
        cell.parts.writer.commit_now(commit)
    with closing(cell.database.connect()) as connection:
        connection.execute("drop trigger if exists log_no_update")
        assert connection.execute(query, values).rowcount == 1


def fleet_of_two(folder: Path, second: str) -> Path:
    """Makes a fleet that has this contract too, for an agent called `second-desk`."""
    fleet = folder / "fleet"
    shutil.copytree(REFUNDS, fleet, ignore=shutil.ignore_patterns("__pycache__", ".remit", "*.py"))
    text = swap(("agent: refund-desk", "agent: second-desk"))(second)
    (fleet / "agents/second-desk.agent.md").write_text(text, encoding="utf-8")
    return fleet


def verdicts(told: Replayed) -> list[tuple[int, str, str, str]]:
    return [(step.step, step.decided, step.recorded, step.replayed) for step in told.judged]


async def answered(cell: Cell, run: Run, answer: Any = "approve", *, person: str = CARA, **more: Any) -> Run:
    question = cell.parts.approvals.of_run(run.id)[-1]
    await cell.operations.answer(question.id, person=person, answer=answer, **more)
    return await cell.operations.drive(run.id)


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
        assert SECRET not in "".join(contents(cell))


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


# --- something differs


@pytest.mark.parametrize(
    ("agent", "step", "found"), [("fickle", 1, "tool shop__get_order ("), ("fickle_value", 1, "value draw ")]
)
async def test_code_that_does_something_else_is_named(tmp_path: Path, agent: str, step: int, found: str) -> None:
    class AnyOrder(Till):
        async def get_order(self, call: Any, *, order_id: str) -> Any:
            return {"order_id": order_id, "status": "delivered", "paid": 9_000.0, "refunded": 0.0}

    async with open_workshop(tmp_path, more=code(agent), server=AnyOrder()) as cell:
        told = await replayed(cell, await work(cell, order="R-2"))
        assert not told.same
        (divergence,) = told.divergences
        assert (divergence.step, divergence.what) == (step, "action")
        assert divergence.found.startswith(found)
        assert divergence.expected != divergence.found
        assert told.ended == f"it went another way at step {step}"
        assert told.changed == (), "what was decided was decided rightly"


async def test_code_that_goes_on_where_it_ended_or_ends_where_it_went_on_is_named(tmp_path: Path) -> None:
    async with open_workshop(tmp_path, more=code("denied")) as cell:
        run = await work(cell)
        for other, expected, found in (
            ("thinking", "tool shop__issue_refund (", "model simulated ("),
            ("goes_on", "the end: done", "tool shop__get_order ("),
            ("wordless", "done", "failed: The output does not fit the contract"),
            ("denied_silently", "output hmac-", "output hmac-"),
        ):
            told = await _with_code(cell, run, other)
            (divergence,) = told.divergences
            assert divergence.expected.startswith(expected)
            assert divergence.found.startswith(found)
            assert "differs: recorded" in divergence.sentence()
        assert told.output_same is False


async def _with_code(cell: Cell, run: Run, name: str) -> Replayed:
    """Replays a run with other code than it had."""
    release = cell.parts.releases[run.release]
    terms = release.contract.terms.model_copy(update={"code": f"tests.runtime.agents:{name}"})
    changed = replace(release, contract=release.contract.model_copy(update={"terms": terms}))
    return await Replay(cell.parts, cell.log).replay(run, changed)


def result_of(cell: Cell, run: Run, step: int) -> str:
    return cell.parts.journal.steps(run.id)[step - 1].result


def question_of(cell: Cell, run: Run, step: int) -> str:
    decision = cell.parts.journal.steps(run.id)[step - 1].decision
    entry = cell.log.entry_by_ref(decision)
    assert entry is not None
    return entry.fields["question"]


Named = Callable[[Cell, Run, int], str]


@pytest.mark.parametrize(
    ("named", "told_of"), [(result_of, "the result of shop__issue_refund was changed"), (question_of, "was changed")]
)
@pytest.mark.parametrize("body", [b'{"value":{"amount":999}}', b"{", b"\xff", b"NaN"])
async def test_content_that_was_changed_is_named(tmp_path: Path, named: Named, told_of: str, body: bytes) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        run = await work(cell, "Please refund 40")
        change(cell, "update payloads set body = ? where digest = ?", body, named(cell, run, 3))
        told = await replayed(cell, run)
        assert not told.same
        (divergence,) = told.divergences
        assert (divergence.step, divergence.what) == (3, "content")
        assert told_of in divergence.found


async def test_a_verdict_that_was_changed_in_the_log_is_named(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        run = await work(cell, "Please refund 400", order="R-2")
        row = cell.parts.journal.steps(run.id)[2]
        change(cell, EDIT_DECISION, "shop__issue_refund/2/act", "shop__issue_refund/1/act", row.decision)
        told = await replayed(cell, run)
        (divergence,) = told.divergences
        assert (divergence.step, divergence.what) == (3, "verdict")
        assert "shop__issue_refund/1/act" in divergence.expected
        assert "shop__issue_refund/2/act" in divergence.found
        assert [step.same for step in told.judged] == [True, True, False]


async def test_a_journal_that_says_something_else_than_the_log_is_named(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        run = await work(cell, "Please refund 40")
        first = result_of(cell, run, 1)
        change(cell, "update steps set result = ? where run = ? and step = 3", first, run.id)
        change(cell, "update steps set decision = 'dec_x' where run = ? and step = 4", run.id)
        told = await replayed(cell, run)
        assert [(each.step, each.what) for each in told.divergences[:2]] == [(3, "log"), (4, "log")]


@pytest.mark.parametrize("spoil", ["other", "noise"])
async def test_a_bundle_that_was_changed_is_named(tmp_path: Path, spoil: str) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        run = await work(cell, "Please refund 40")
        release = cell.parts.releases[run.release]
        policies = tmp_path / "policies"
        policies.mkdir()
        (policies / "org.cedar").write_text(CEILING, encoding="utf-8")
        other = Replays(parts=cell.parts, log=cell.log, fleet=cell.fleet)._under(release, policies)  # pyright: ignore[reportPrivateUsage]
        assert other.digest != release.bundle.digest
        packed = other.packed if spoil == "other" else b"noise"
        change(cell, "update bundles set body = ? where digest = ?", packed, release.bundle.digest)
        told = await replayed(cell, run)
        assert {(each.what, each.step) for each in told.divergences} == {("content", step) for step in range(1, 5)}
        assert "policy bundle" in told.divergences[0].found
        assert told.finished, "the agent is driven all the same"


# --- something is gone


@pytest.mark.parametrize(
    ("named", "missing", "finished"),
    [
        (result_of, "step 3: the result of shop__issue_refund: it was erased or never kept", False),
        (question_of, "it was erased or never kept", True),
    ],
)
async def test_what_was_erased_is_told(tmp_path: Path, named: Named, missing: str, finished: bool) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        run = await work(cell, "Please refund 40")
        change(cell, "delete from payloads where digest = ?", named(cell, run, 3))
        told = await replayed(cell, run)
        assert not told.same
        assert told.divergences == ()
        assert len(told.missing) == 1
        assert missing in told.missing[0]
        assert told.finished is finished


async def test_an_erased_task_says_so_for_everything_and_its_verdicts_are_not_called_different(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        run = await work(cell, "Please refund 40")
        change(cell, "update tasks set salt = x'' where id = ?", run.task)
        told = await replayed(cell, run)
        assert told.divergences == ()
        assert told.judged == ()
        assert told.missing[0] == "its input: the salt of its task was erased"
        assert told.ended == "it cannot begin: its input is not here any more"


async def test_a_bundle_that_was_not_kept_is_told(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        run = await work(cell, "Please refund 40")
        change(cell, "delete from bundles")
        told = await replayed(cell, run)
        assert (told.same, told.finished, told.divergences) == (False, True, ())
        assert len(told.missing) == 4
        assert "it was never kept" in told.missing[0]


async def test_a_decision_of_an_earlier_remit_has_no_question_and_says_so(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        run = await work(cell, "Please refund 40")
        digest = question_of(cell, run, 3)
        change(cell, EDIT_DECISION, f'"question":"{digest}",', "", cell.parts.journal.steps(run.id)[2].decision)
        told = await replayed(cell, run)
        assert [each.endswith("it was recorded by an earlier Remit.") for each in told.missing] == [True]


# --- what if


async def test_other_policies_say_what_they_would_have_decided(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "org.cedar").write_text(CEILING, encoding="utf-8")
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        run = await work(cell, "Please refund 40")
        told = await replayed(cell, run, policies=folder)
        assert told.what_if
        assert told.same
        (changed,) = told.changed
        assert (changed.step, changed.recorded, changed.replayed) == (3, "autonomous", "ask")
        assert changed.why[0] == "above 5.00 no agent moves money without people (org.cedar:1)"
        assert told.finished
        assert told.output_same
        change(cell, "delete from bundles")
        again = await replayed(cell, run, policies=folder)
        assert again == told


# --- what is kept


async def test_every_question_is_kept_with_its_decision_and_the_bundle_once(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        run = await answered(cell, await work(cell, "Please refund 400", order="R-2"))
        kept = cell.parts.journal.content(question_of(cell, run, 3))
        assert kept["facts"] == {"delivered": True, "open_amount": 9_000.0}
        assert kept["subjects"] == {"order": "R-2"}
        assert (kept["subject"], kept["amount"], kept["confidence"]) == ("inside", 400_000_000, "0.9")
        assert [vote["person"] for vote in kept["approval"]["votes"]] == [CARA]
        assert "arguments" not in kept
        assert cell.parts.journal.content(question_of(cell, run, 2))["arguments"] == {
            "privacy": "internal",
            "max_tokens": 2_000,
        }
        with closing(cell.database.connect()) as connection:
            connection.row_factory = sqlite3.Row
            (row,) = connection.execute("select digest from bundles").fetchall()
            assert row["digest"] == cell.parts.releases[run.release].bundle.digest
