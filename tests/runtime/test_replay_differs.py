"""A replay that finds something else than the record names it; what is gone is told apart from what differs."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.databases import execute
from tests.gateway.desk import CARA, REFUNDS, Till
from tests.runtime.replays import CEILING, answered, change, change_verdict, code, replayed
from tests.runtime.workshop import open_workshop, work

from remit.app import Cell
from remit.contracts import read_policies
from remit.journal import Run
from remit.operations import Replays
from remit.runtime import Replay, Replayed
from remit.testing import open_fleet

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


async def test_code_that_leaves_out_its_last_step_and_says_the_same_is_named(tmp_path: Path) -> None:
    async with open_workshop(tmp_path, more=code("goes_on")) as cell:
        run = await work(cell)
        told = await _with_code(cell, run, "denied")
        (divergence,) = told.divergences
        assert (divergence.step, divergence.found, told.output_same) == (2, "the end: done", True)
        assert divergence.expected.startswith("tool shop__get_order (")
        assert not told.same


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
        change_verdict(cell, run, "shop__issue_refund/2/act", "shop__issue_refund/1/act")
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
        other = Replays(parts=cell.parts, log=cell.log, fleet=cell.fleet)._under(release, read_policies(policies))  # pyright: ignore[reportPrivateUsage]
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
        change(cell, "update tasks set salt = ? where id = ?", b"", run.task)
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
        change_verdict(cell, run, f'"question":"{digest}",', "")
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
        kept = execute(cell.database, "select digest from bundles")
        assert kept == [(cell.parts.releases[run.release].bundle.digest,)]
