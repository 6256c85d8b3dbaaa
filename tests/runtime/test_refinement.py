"""A step that is refused or fails goes back to the model before it; what was done is not done again."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.gateway.desk import ANN, CARA, TOOLS, Crash, Refusing, Till, swap
from tests.runtime.relay import contract, open_relay, take
from tests.runtime.replays import FINAL, line, replayed
from tests.runtime.workshop import Script, names, open_workshop, output, work

from remit.app import Cell
from remit.gateway import ToolCall, ToolError
from remit.journal import Run, RunState

MORE = "models: {turns: 6}\nrefine: {times: 2, steps: true, to: care-lead}"
ALONE = "models: {turns: 6}\nrefine: {times: 1, steps: true}"
DECIDE, TELL, REFUND = "model — decide.", "model — tell.", "`shop__issue_refund`"
# Pays, and then looks at an order the model has named.
LOOK = "`shop__get_order` with `order_id = steps.1.other` — look."
PAY_AND_LOOK = (DECIDE, REFUND, LOOK, TELL)


def pays(amount: float, **more: Any) -> dict[str, Any]:
    return line({"amount": amount, "why": "broken", **more})


def corrections(model: Script) -> list[str]:
    """What the model was told when a step was taken again."""
    last = [asked["messages"][-1] for asked in model.asked]
    return [message["content"] for message in last if message["role"] == "user" and message["content"][0] != "{"]


async def question(cell: Cell, run: Run, kind: str = "stuck") -> Any:
    """The one question that is open."""
    assert run.state is RunState.WAITING, run.reason
    (asked,) = [one for one in cell.parts.approvals.of_run(run.id) if one.state == "pending"]
    assert asked.kind == kind
    return asked


async def answered(cell: Cell, run: Run, answer: Any, kind: str = "stuck") -> Run:
    """Answers the open question and drives on."""
    asked = await question(cell, run, kind)
    await cell.operations.answer(asked.id, person=CARA, answer=answer, reason="so be it")
    return await cell.operations.drive(run.id)


async def test_a_refused_step_goes_back_to_the_model_with_the_reason(tmp_path: Path) -> None:
    shop, model = Till(), Script(pays(7, order_id="R-2"), pays(7, order_id="R-1"), line(FINAL))
    async with open_workshop(tmp_path, DECIDE, REFUND, TELL, model=model, server=shop, more=MORE) as cell:
        run = await work(cell)
        assert run.state is RunState.DONE, run.reason
        assert shop.amounts == [7]
        (told,) = corrections(model)
        assert told.startswith("Step 2, shop__issue_refund, was refused: a write touches only the subjects of its task")
        assert told.endswith(" Correct your answer.")
        back = ["simulated", "shop__issue_refund", "return 1 to step 1"]
        assert names(cell, run) == [*back, "simulated", "shop__issue_refund", "simulated", "check"]
        assert (await replayed(cell, run)).same


async def test_a_step_whose_arguments_are_missing_goes_back_too(tmp_path: Path) -> None:
    model = Script(line({"why": "x"}), pays(5), line(FINAL))
    async with open_workshop(tmp_path, DECIDE, REFUND, TELL, model=model, more=MORE) as cell:
        run = await work(cell)
        assert run.state is RunState.DONE, run.reason
        assert "amount is missing" in corrections(model)[0]


async def test_what_cannot_be_mended_is_put_to_a_person_who_reads_what_was_tried(tmp_path: Path) -> None:
    shop, model = Refusing(), Script(pays(7), pays(8), pays(8), line(FINAL))
    async with open_workshop(tmp_path, DECIDE, REFUND, TELL, model=model, server=shop, more=MORE) as cell:
        run = await work(cell)
        asked = await question(cell, run)
        failed = "Step 2, shop__issue_refund, failed: the bank is closed."
        assert asked.because.startswith(f"tried 3 times. {failed} (3 times)")
        assert asked.because.endswith("Approve lets the run go on without it, reject ends it")
        assert cell.parts.journal.content(asked.proposed)["answer"]["arguments"]["amount"] == 8
        assert corrections(model) == [f"{failed} Correct your answer."] * 2
        run = await answered(cell, run, "approve")
        assert run.state is RunState.DONE, run.reason
        told = model.asked[-1]["messages"][1]["content"]
        assert f'"without": {{"2": "{failed}"}}' in told
        assert '"2": {' not in told
        assert (await replayed(cell, run)).same


async def test_a_person_may_end_a_run_that_is_stuck(tmp_path: Path) -> None:
    model = Script(pays(7), pays(7), pays(7))
    async with open_workshop(tmp_path, DECIDE, REFUND, TELL, model=model, server=Refusing(), more=MORE) as cell:
        run = await answered(cell, await work(cell), "reject")
        assert run.state is RunState.FAILED
        assert "so be it" in run.reason


async def test_without_anybody_to_ask_the_run_fails_in_the_end(tmp_path: Path) -> None:
    model = Script(pays(7), pays(7))
    async with open_workshop(tmp_path, DECIDE, REFUND, TELL, model=model, server=Refusing(), more=ALONE) as cell:
        run = await work(cell)
        assert run.state is RunState.FAILED
        assert "Step 2 failed" in run.reason
        assert "the bank is closed" in run.reason
        assert len(model.asked) == 2


async def test_a_persons_no_is_a_reason_too_and_nobody_is_asked_the_same_again(tmp_path: Path) -> None:
    shop, model = Till(), Script(pays(400), pays(400), pays(300), line(FINAL))
    async with open_workshop(tmp_path, DECIDE, REFUND, TELL, model=model, server=shop, more=MORE) as cell:
        run = await answered(cell, await work(cell), "reject", kind="action")
        first, second = corrections(model)
        assert "was refused: a person said no: so be it. Do not ask for the same again." in first
        assert "people were asked for exactly this before" in second
        run = await answered(cell, run, "approve", kind="action")
        assert run.state is RunState.DONE, run.reason
        assert shop.amounts == [300]
        assert (await replayed(cell, run)).same


async def test_after_a_persons_no_less_is_paid_only_with_a_persons_yes(tmp_path: Path) -> None:
    shop, model = Till(), Script(pays(400), pays(20), line(FINAL))
    async with open_workshop(tmp_path, DECIDE, REFUND, TELL, model=model, server=shop, more=MORE) as cell:
        run = await answered(cell, await work(cell), "reject", kind="action")
        asked = await question(cell, run, "action")
        assert asked.because.startswith("people have said no to this tool in this task")
        assert shop.amounts == []
        run = await answered(cell, run, "approve", kind="action")
        assert run.state is RunState.DONE, run.reason
        assert shop.amounts == [20]
        assert (await replayed(cell, run)).same


async def test_an_empty_field_and_none_are_the_same_question_to_people(tmp_path: Path) -> None:
    optional = swap(("required: [order_id, amount, why]", "required: [order_id, amount]"))
    shop, model = Till(), Script(pays(400, why=""), line({"amount": 400}), pays(400, why=""), line(FINAL))
    async with open_workshop(
        tmp_path, DECIDE, REFUND, TELL, model=model, server=shop, more=MORE, edit={TOOLS: optional}
    ) as cell:
        run = await answered(cell, await work(cell), "reject", kind="action")
        assert "people were asked for exactly this before" in corrections(model)[1]
        assert (await question(cell, run)).because.startswith("tried 3 times.")


async def test_corrections_of_steps_and_of_the_answer_are_counted_together(tmp_path: Path) -> None:
    model = Script(pays(7, order_id="R-2"), pays(7), line({"resolved": True}), line({"text": "x"}))
    more = "models: {turns: 6}\nrefine: {times: 2, steps: true, to: care-lead}"
    async with open_workshop(tmp_path, DECIDE, REFUND, TELL, model=model, more=more) as cell:
        asked = await question(cell, await work(cell), "answer")
        assert asked.because.startswith("the answer does not fit the output schema")
        assert len(model.asked) == 4


# --- reading


class Shaky(Till):
    """A shop that cannot find an order the first times it is asked."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.lost = failures
        self.looked: list[str] = []

    async def get_order(self, call: ToolCall, *, order_id: str) -> Any:
        self.looked.append(order_id)
        if self.lost:
            self.lost -= 1
            raise ToolError("the shelf is locked")
        return await super().get_order(call, order_id=order_id)


async def test_a_reading_tool_without_a_model_before_it_is_taken_again(tmp_path: Path) -> None:
    shop = Shaky(failures=2)
    async with open_workshop(
        tmp_path, "`shop__get_order` — look.", TELL, server=shop, model=Script(line(FINAL)), more=MORE
    ) as cell:
        run = await work(cell)
        assert run.state is RunState.DONE, run.reason
        assert shop.looked == ["R-1"] * 3
        assert names(cell, run)[1] == "return 1 to step 1"


class Away(Till):
    """A shop whose orders cannot be read for a while."""

    def __init__(self, *, seconds: float) -> None:
        super().__init__()
        self._until = time.monotonic() + seconds

    async def get_order(self, call: ToolCall, *, order_id: str) -> dict[str, Any]:
        if time.monotonic() < self._until:
            raise RuntimeError("the books are being moved")
        return await super().get_order(call, order_id=order_id)


async def test_what_could_not_be_decided_is_asked_again_a_while_later(tmp_path: Path) -> None:
    shop, model = Away(seconds=0.8), Script(pays(7), pays(7), line(FINAL))
    async with open_workshop(tmp_path, DECIDE, REFUND, TELL, model=model, server=shop, more=MORE) as cell:
        run = await work(cell)
        assert run.state is RunState.DONE, run.reason
        assert shop.amounts == [7]
        (told,) = corrections(model)
        assert "could not be decided" in told


async def test_a_write_without_a_model_before_it_is_not_taken_again(tmp_path: Path) -> None:
    given = f"{REFUND} with `amount = input.message`, `why = input.message`"
    async with open_workshop(tmp_path, given, TELL, model=Script(line(FINAL)), more=MORE) as cell:
        asked = await question(cell, await work(cell))
        assert asked.because.startswith("tried once. Step 1, shop__issue_refund, was refused: ")


# --- what was done


async def test_a_write_that_was_done_is_not_done_again_when_a_later_step_goes_back(tmp_path: Path) -> None:
    shop, model = Till(), Script(pays(7, other="R-77"), pays(7, other="R-1"), line(FINAL))
    async with open_workshop(tmp_path, *PAY_AND_LOOK, model=model, server=shop, more=MORE) as cell:
        run = await work(cell)
        assert run.state is RunState.DONE, run.reason
        assert shop.amounts == [7]
        (told,) = corrections(model)
        assert told == (
            "Step 3, shop__get_order, failed: there is no order R-77. "
            "Done already, and not done again: step 2. Correct your answer."
        )
        assert output(cell, run)["amount"] == 7
        assert (await replayed(cell, run)).same


async def test_a_write_that_was_done_is_not_done_with_other_arguments_either(tmp_path: Path) -> None:
    shop = Till()
    model = Script(pays(7, other="R-77"), pays(9, other="R-1"), pays(7, other="R-1"), line(FINAL))
    async with open_workshop(tmp_path, *PAY_AND_LOOK, model=model, server=shop, more=MORE) as cell:
        run = await work(cell)
        assert run.state is RunState.DONE, run.reason
        assert shop.amounts == [7]
        assert "Step 2, shop__issue_refund, was refused: it has been done with {" in corrections(model)[1]
        assert (await replayed(cell, run)).same


async def test_a_write_that_was_done_stays_known_when_its_condition_no_longer_holds(tmp_path: Path) -> None:
    shop = Till()
    model = Script(pays(7, other="R-77", refund=True), line({"other": "R-1", "refund": False}), line(FINAL))
    steps = (DECIDE, f"{REFUND} if `refund`", LOOK, TELL)
    async with open_workshop(tmp_path, *steps, model=model, server=shop, more=MORE) as cell:
        run = await work(cell)
        assert run.state is RunState.DONE, run.reason
        assert shop.amounts == [7]
        assert '"2": {"amount": 7' in model.asked[-1]["messages"][1]["content"]


async def test_what_a_person_changed_before_it_was_done_is_what_was_done(tmp_path: Path) -> None:
    shop, model = Till(), Script(pays(400, other="R-77"), pays(300, other="R-1"), line(FINAL))
    async with open_workshop(tmp_path, *PAY_AND_LOOK, model=model, server=shop, more=MORE) as cell:
        asked = await question(cell, await work(cell), "action")
        less = {"order_id": "R-1", "amount": 300, "why": "broken"}
        await cell.operations.answer(asked.id, person=CARA, answer="edit", reason="less", arguments=less)
        run = await cell.operations.drive(asked.run)
        assert run.state is RunState.DONE, run.reason
        assert shop.amounts == [300]


class Denying(Till):
    """A shop whose ledger does not show what it has paid."""

    async def list_refunds(self, call: ToolCall, *, order_id: str) -> list[dict[str, Any]]:
        return []


async def test_a_write_whose_result_fails_its_gate_has_happened_and_is_not_tried_again(tmp_path: Path) -> None:
    shop, model = Denying(), Script(pays(7), line(FINAL))
    locks = "    locks: [order_id]\n    facts:\n"  # the compensation has a gate of its own
    edit = {TOOLS: swap((locks, f"    gate: {{after: refund_is_in_ledger}}\n{locks}"))}
    async with open_workshop(tmp_path, DECIDE, REFUND, TELL, model=model, server=shop, more=MORE, edit=edit) as cell:
        run = await work(cell)
        asked = await question(cell, run)
        assert "failed: the result failed its gate: the refund is not in the ledger." in asked.because
        assert "What it did stays done." in asked.because
        run = await answered(cell, run, "approve")
        assert run.state is RunState.DONE, run.reason
        assert shop.amounts == [7]
        assert (await replayed(cell, run)).same


# --- hand-offs


HANDS_OVER = """
## Steps
1. model — decide.
2. handoff `taker` with `order = steps.1.order`, `amount = steps.1.amount` — settle it.
3. `desk__look` with `order = steps.1.shelf` — look.
4. model — tell.
"""
REFINED = "refine: {times: 2, steps: true}\n"


async def test_a_refused_hand_off_goes_back_and_one_that_was_taken_is_not_made_again(tmp_path: Path) -> None:
    async def settle(run: Any) -> Any:
        return {"resolved": True, "text": "settled"}

    both = {
        "giver": contract("giver", hands_to="taker", more=REFINED, steps=HANDS_OVER),
        "taker": contract("taker", takes_from="giver"),
    }
    good = {"order": "R-1", "amount": 3, "shelf": "A"}
    model = Script(
        line({**good, "amount": "much"}), line({**good, "shelf": 4}), line(good), line({"resolved": True, "text": "x"})
    )
    async with open_relay(tmp_path, both, model=model, taker=settle) as (cell, desk):
        run = await take(cell)
        assert run.state is RunState.DONE, run.reason
        first, second = corrections(model)
        assert "Step 2, taker, was refused: the context does not fit the taker's input" in first
        assert "Done already, and not done again: step 2." in second
        assert len(cell.parts.journal.children(run.id)) == 1
        assert [name for name, _ in desk.calls] == ["look"]
        assert (await replayed(cell, run)).same


class Fuse:
    """Ends the attempt at the `nth` thing that happens outside of it."""

    def __init__(self, nth: int) -> None:
        self.left = nth

    def burn(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Crash


class FrailScript(Script):
    """A model that is not heard of when the fuse has burnt down."""

    fuse = Fuse(0)

    async def complete(self, request: Any, *, task: str, **_: Any) -> Any:
        self.fuse.burn()
        return await super().complete(request, task=task)


class FrailShop(Till):
    """A shop that acts, and is not heard of when the fuse has burnt down."""

    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self.fuse = fuse

    async def get_order(self, call: ToolCall, *, order_id: str) -> Any:
        self.fuse.burn()
        return await super().get_order(call, order_id=order_id)

    async def issue_refund(self, call: ToolCall, *, order_id: str, amount: float, why: str) -> dict[str, Any]:
        booked = await super().issue_refund(call, order_id=order_id, amount=amount, why=why)
        self.fuse.burn()
        return booked


async def driven(folder: Path, nth: int) -> tuple[str, int]:
    """Drives a run to its end, broken off at the nth thing; returns all it was told and did, and its attempts."""
    fuse = Fuse(nth)
    model = FrailScript(pays(7, other="R-77"), pays(9, other="R-1"), pays(7, other="R-1"), line(FINAL))
    model.fuse, shop = fuse, FrailShop(fuse)
    edit = {TOOLS: swap(("    price: 0.0002 EUR\n", ""))}
    async with open_workshop(folder, *PAY_AND_LOOK, model=model, server=shop, more=MORE, edit=edit) as cell:
        started = await cell.operations.submit(
            "refund-desk", {"order_id": "R-1", "message": "please"}, on_behalf_of=ANN
        )
        try:
            await cell.runtime.drive(started.run.id)
        except Crash:
            await cell.engine.drive(started.run.id)
        run = cell.parts.journal.run(started.run.id)
        assert run.state is RunState.DONE, run.reason
        assert len({call.key.partition(":")[2] for call in shop.effects}) == 1
        assert (await replayed(cell, run)).same
        steps = [
            (step.step, step.kind, step.name, step.state, cell.parts.journal.content(step.result))
            for step in cell.parts.journal.steps(run.id)
        ]
        asked = [asked["messages"] for asked in model.asked]
        return str((steps, output(cell, run), asked)).replace(run.id, "RUN"), run.attempt


async def test_a_run_that_went_back_takes_the_same_steps(tmp_path: Path, another_database: Callable[[], None]) -> None:
    whole, _ = await driven(tmp_path / "whole", 0)
    nth, attempts = 0, 2
    while attempts == 2:  # until it is over before the fuse has burnt down
        nth += 1
        another_database()
        told, attempts = await driven(tmp_path / str(nth), nth)
        assert told == whole, f"broken off at the {nth}. thing"
    assert nth > 8
