"""What a person does not let stand of what an agent proposed is kept, with its category, as a case."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.desk import CARA, TINA, TOM, Desk, open_desk

from remit.approvals import MEANINGS, Override, OverrideCategory
from remit.core import InputError, RefusedError
from remit.gateway import Outcome, Waiting

Category = OverrideCategory


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk that works on the expensive order."""
    async with open_desk(tmp_path, order="R-2") as opened:
        yield opened


async def ask(desk: Desk, amount: float = 400) -> Waiting:
    outcome = await desk.refund(amount, order="R-2")
    assert isinstance(outcome, Waiting)
    return outcome


async def propose(desk: Desk) -> Waiting:
    outcome = await ask(desk, 6_000)
    await desk.park()
    return outcome


def changed(amount: float, why: str = "less will do") -> dict[str, Any]:
    return {"order_id": "R-2", "amount": amount, "why": why}


def override(desk: Desk, outcome: Outcome) -> Override | None:
    return desk.cell.parts.approvals.override_of(desk.question(outcome).id)


def content(desk: Desk, digest: str) -> Any:
    return desk.cell.parts.journal.content(digest)


def test_each_category_says_in_one_sentence_what_it_means() -> None:
    assert list(MEANINGS) == list(Category)
    assert all(meaning.endswith(".") and meaning.count(". ") == 0 for meaning in MEANINGS.values())


async def test_a_no_is_kept_with_what_was_proposed_and_why(desk: Desk) -> None:
    outcome = await ask(desk)
    await desk.answer(outcome, CARA, "reject", reason="not their order", category=Category.WRONG_SUBJECT)
    kept = override(desk, outcome)
    assert kept
    assert (kept.answer, kept.category, kept.person, kept.decided) == ("reject", Category.WRONG_SUBJECT, CARA, "")
    assert (kept.agent, kept.name, kept.run, kept.step) == ("refund-desk", "shop__issue_refund", desk.run.id, 1)
    assert content(desk, kept.proposed)["arguments"]["amount"] == 400
    assert content(desk, kept.input) == {"order_id": "R-2", "message": "please refund"}
    assert content(desk, kept.reason) == {"reason": "not their order"}


async def test_the_category_is_on_the_record_and_with_the_vote_and_the_words_are_not(desk: Desk) -> None:
    outcome = await ask(desk)
    await desk.answer(outcome, CARA, "reject", reason="Ann is lying", category=Category.UNSUPPORTED)
    (entry,) = desk.entries("approval")
    assert entry.fields["category"] == "unsupported"
    assert "lying" not in entry.leaf.decode()
    assert [vote.category for vote in desk.cell.parts.approvals.votes(desk.question(outcome).id)] == ["unsupported"]


async def test_without_a_category_it_is_another(desk: Desk) -> None:
    outcome = await ask(desk)
    await desk.answer(outcome, CARA, "edit", reason="half", arguments=changed(200))
    kept = override(desk, outcome)
    assert kept
    assert (kept.answer, kept.category, content(desk, kept.decided)["arguments"]) == (
        "edit",
        Category.OTHER,
        changed(200),
    )


async def test_a_yes_and_an_edit_that_changes_nothing_override_nothing(desk: Desk) -> None:
    first, second = await ask(desk), await ask(desk, 300)
    await desk.answer(first, CARA)
    await desk.answer(second, CARA, "edit", reason="as it is", arguments=changed(300, "the customer asks"))
    assert (override(desk, first), override(desk, second)) == (None, None)
    assert all("category" not in entry.fields for entry in desk.entries("approval"))


async def test_only_an_override_takes_a_category(desk: Desk) -> None:
    outcome = await ask(desk)
    with pytest.raises(InputError, match="takes no category"):
        await desk.answer(outcome, CARA, category=Category.OTHER)
    with pytest.raises(InputError, match="Only an edit takes arguments"):
        await desk.answer(outcome, CARA, arguments=changed(10))


async def test_of_several_edits_the_last_counts_against_what_the_agent_proposed(desk: Desk) -> None:
    outcome = await ask(desk, 3_000)
    await desk.answer(outcome, TOM, "edit", reason="less", arguments=changed(2_000), category=Category.WRONG_AMOUNT)
    await desk.answer(outcome, TINA, "edit", reason="least", arguments=changed(1_000), category=Category.BETTER_WAY)
    kept = override(desk, outcome)
    assert kept
    assert (kept.person, kept.category) == (TINA, Category.BETTER_WAY)
    amounts = [content(desk, digest)["arguments"]["amount"] for digest in (kept.proposed, kept.decided)]
    assert amounts == [3_000, 1_000]


async def test_what_is_changed_back_is_no_override_any_more(desk: Desk) -> None:
    outcome = await ask(desk, 3_000)
    await desk.answer(outcome, TOM, "edit", reason="less", arguments=changed(2_000))
    await desk.answer(outcome, TINA, "edit", reason="no", arguments=changed(3_000, "the customer asks"))
    assert override(desk, outcome) is None


async def test_a_proposal_that_is_carried_out_otherwise_is_an_override(desk: Desk) -> None:
    outcome = await propose(desk)
    for arguments, reason in ((None, "x"), (changed(5_500), " ")):
        with pytest.raises(InputError):
            await desk.answer(outcome, TOM, "edit", reason=reason, arguments=arguments)
    edit = {"arguments": changed(5_500), "category": Category.WRONG_AMOUNT}
    await desk.answer(outcome, TOM, "edit", reason="less", **edit)
    kept = override(desk, outcome)
    assert kept
    assert (kept.kind, kept.answer, kept.category) == ("proposal", "edit", Category.WRONG_AMOUNT)
    told = desk.entries("decision")[-1].fields["overridden"]
    assert told == {"category": "wrong-amount", "reason": kept.reason}
    assert content(desk, kept.reason) == {"reason": "less"}


async def test_a_proposal_carried_out_as_it_is_is_no_override(desk: Desk) -> None:
    outcome = await propose(desk)
    await desk.answer(outcome, TOM)
    assert override(desk, outcome) is None


async def test_what_a_person_tried_otherwise_and_was_refused_is_no_override(desk: Desk) -> None:
    outcome = await propose(desk)
    with pytest.raises(RefusedError):
        await desk.answer(outcome, TOM, "edit", reason="x", arguments={**changed(30), "order_id": "R-1"})
    assert override(desk, outcome) is None
