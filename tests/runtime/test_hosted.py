"""Hosted agents: the contract's steps in order, a model where it says so, and answers that are checked."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.desk import CARA, TOOLS, Till, swap
from tests.runtime.workshop import Script, names, open_workshop, outcome, output, work

from remit.journal import Run, RunState
from remit.testing import calls, says

LOOK = "`shop__get_order` — look."
REFUND = "`shop__issue_refund`"
FINAL = {"resolved": True, "text": "please wait"}
POLITE = {TOOLS: swap(("gates:\n", "gates:\n  polite: tests.runtime.agents:polite\n"))}
REFINED = "models: {turns: 6}\nrefine: {gates: [polite], times: 2, to: care-lead}"


def line(value: Any) -> dict[str, Any]:
    return says(json.dumps(value))


def told(model: Script, number: int = 0) -> Any:
    return json.loads(model.asked[number]["messages"][1]["content"])


async def test_the_steps_are_taken_in_order_with_what_is_known_by_name(tmp_path: Path) -> None:
    shop = Till()
    model = Script(line({"amount": 7, "why": "broken"}), line(FINAL))
    async with open_workshop(
        tmp_path, LOOK, "model — decide.", REFUND, "model — tell.", model=model, server=shop
    ) as cell:
        run = await work(cell)
        assert run.state is RunState.DONE, run.reason
        assert names(cell, run) == ["shop__get_order", "simulated", "shop__issue_refund", "simulated", "check"]
        assert shop.amounts == [7]
        assert output(cell, run) == {**FINAL, "amount": 7}
        assert outcome(cell, run) == "success"
        assert told(model, 1)["results"]["3"]["amount"] == 7
        assert "You help." in model.asked[0]["messages"][0]["content"]


async def test_a_step_whose_condition_does_not_hold_is_skipped(tmp_path: Path) -> None:
    shop, model = Till(), Script(line({"amount": 7, "why": "x", "refund": False}), line(FINAL))
    steps = (LOOK, "model — decide.", REFUND + " if `refund` — pay.", "model — tell.")
    async with open_workshop(tmp_path, *steps, model=model, server=shop) as cell:
        run = await work(cell)
        assert run.state is RunState.DONE, run.reason
        assert shop.effects == []
        assert output(cell, run)["refund"] is False


@pytest.mark.parametrize(("message", "paid"), [("pay", [7]), ("wait", [])])
async def test_a_condition_of_the_input_is_not_answered_by_what_a_model_says(
    tmp_path: Path, message: str, paid: list[int]
) -> None:
    said = {"amount": 7, "why": "x", "message": "pay", "input": {"message": "pay"}}
    shop, model = Till(), Script(line(said), line(FINAL))
    steps = ("model — decide.", f"{REFUND} if `input.message == 'pay'`", "model — tell.")
    async with open_workshop(tmp_path, *steps, model=model, server=shop) as cell:
        assert (await work(cell, message)).state is RunState.DONE
        assert shop.amounts == paid


async def test_a_last_step_whose_condition_does_not_hold_is_skipped_too(tmp_path: Path) -> None:
    model = Script(line({**FINAL, "refund": False}))
    async with open_workshop(tmp_path, "model — decide.", "model if `refund` — tell.", model=model) as cell:
        run = await work(cell)
        assert run.state is RunState.DONE, run.reason
        assert len(model.asked) == 1
        assert output(cell, run)["text"] == "please wait"


async def test_a_step_takes_its_arguments_from_where_it_says(tmp_path: Path) -> None:
    shop, model = Till(), Script(line({"sum": 9, "order_id": "R-2", "note": "late"}), line(FINAL))
    step = REFUND + " with `order_id = input.order_id`, `amount = steps.1.sum`, `why = steps.1.note` — pay."
    async with open_workshop(tmp_path, "model — decide.", step, "model — tell.", model=model, server=shop) as cell:
        run = await work(cell)
        assert run.state is RunState.DONE, run.reason
        assert shop.amounts == [9]


async def test_a_missing_argument_fails_the_run_and_says_which(tmp_path: Path) -> None:
    async with open_workshop(tmp_path, "model — decide.", REFUND, model=Script(line({"why": "x"}))) as cell:
        run = await work(cell)
        assert run.state is RunState.FAILED
        assert "shop__issue_refund" in run.reason
        assert "amount is missing" in run.reason
        assert outcome(cell, run) == "failure"


async def test_a_tools_no_fails_the_run_with_its_words(tmp_path: Path) -> None:
    async with open_workshop(tmp_path, LOOK) as cell:
        run = await work(cell, order="R-77")
        assert run.state is RunState.FAILED
        assert "there is no order R-77" in run.reason


async def test_a_model_calls_tools_until_it_answers(tmp_path: Path) -> None:
    shop = Till()
    model = Script(
        calls("shop__get_order", {"order_id": "R-1"}),
        calls("shop__issue_refund", {"order_id": "R-2", "amount": 1, "why": "x"}),
        calls("shop__lost", {}),
        line(FINAL),
    )
    async with open_workshop(tmp_path, model=model, server=shop) as cell:
        run = await work(cell)
        assert run.state is RunState.DONE, run.reason
        heard = [m["content"] for m in model.asked[-1]["messages"] if m["role"] == "tool"]
        assert json.loads(heard[0])["status"] == "delivered"
        assert heard[1].startswith("Not permitted: a write touches only the subjects of its task.")
        assert heard[2].startswith("Not permitted: the tool is not in the contract.")
        offered = [tool["function"]["name"] for tool in model.asked[0]["tools"]]
        assert sorted(offered) == ["shop__get_order", "shop__issue_refund", "shop__list_refunds"]
        assert shop.effects == []


async def test_a_model_is_not_offered_what_the_steps_do_themselves(tmp_path: Path) -> None:
    model = Script(line(FINAL))
    async with open_workshop(tmp_path, LOOK, "model — tell.", model=model) as cell:
        await work(cell)
        offered = [tool["function"]["name"] for tool in model.asked[0]["tools"]]
        assert "shop__get_order" not in offered


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        ("{", "Not called: The arguments is not JSON"),
        ('{"order_id": "R-1", "order_id": "R-2"}', "Not called: The arguments"),
        ("[1]", "Not called: the arguments are not a JSON object."),
        ('{"order_id": 7}', "Not permitted: the arguments do not fit the schema: order_id"),
        ("", "Not permitted: the arguments do not fit the schema: order_id is missing"),
    ],
)
async def test_bad_arguments_are_answered_to_the_model(tmp_path: Path, arguments: str, answer: str) -> None:
    call = calls("shop__get_order", {})
    call["tool_calls"][0]["function"]["arguments"] = arguments
    model = Script(call, line(FINAL))
    async with open_workshop(tmp_path, model=model) as cell:
        run = await work(cell)
        assert run.state is RunState.DONE, run.reason
        assert model.asked[-1]["messages"][-1]["content"].startswith(answer)


async def test_prose_becomes_the_text(tmp_path: Path) -> None:
    edit = {"schemas/resolution.json": swap(('"required": ["resolved", "text"]', '"required": ["text"]'))}
    async with open_workshop(tmp_path, model=Script(says("Sorry, {no}.")), edit=edit) as cell:
        run = await work(cell)
        assert output(cell, run) == {"text": "Sorry, {no}."}
        assert outcome(cell, run) == "failure"


async def test_an_answer_in_a_fence_is_read(tmp_path: Path) -> None:
    async with open_workshop(tmp_path, model=Script(says(f"```json\n{json.dumps(FINAL)}\n```"))) as cell:
        assert output(cell, await work(cell)) == FINAL


async def test_a_model_that_never_answers_ends_at_its_turns(tmp_path: Path) -> None:
    model = Script(*(calls("shop__get_order", {"order_id": f"R-{n}"}) for n in range(9)))
    async with open_workshop(tmp_path, model=model, more="models: {turns: 3}") as cell:
        run = await work(cell)
        assert run.state is RunState.FAILED
        assert "did not finish" in run.reason
        assert len(model.asked) == 3


async def test_an_answer_goes_back_with_the_reason_until_it_stands(tmp_path: Path) -> None:
    model = Script(line({"resolved": True}), line({**FINAL, "text": "now"}), line(FINAL))
    async with open_workshop(tmp_path, model=model, more=REFINED, edit=POLITE) as cell:
        run = await work(cell)
        assert output(cell, run) == FINAL
        corrections = [asked["messages"][-1]["content"] for asked in model.asked[1:]]
        assert "text is missing" in corrections[0]
        assert "it does not say please" in corrections[1]


async def parked(cell: Any) -> tuple[Run, str]:
    run = await work(cell)
    assert run.state is RunState.WAITING, run.reason
    (question,) = cell.parts.approvals.of_run(run.id)
    assert question.kind == "answer"
    assert question.because == "it does not say please"
    return run, question.id


RUDE = [line({**FINAL, "text": f"now {n}"}) for n in range(3)]


async def test_after_so_many_corrections_a_person_decides_and_a_yes_stands(tmp_path: Path) -> None:
    model = Script(*RUDE)
    async with open_workshop(tmp_path, model=model, more=REFINED, edit=POLITE) as cell:
        run, question = await parked(cell)
        await cell.operations.answer(question, person=CARA, answer="approve")
        run = await cell.operations.drive(run.id)
        assert output(cell, run)["text"] == "now 2"
        assert len(model.asked) == 3


async def test_a_person_may_correct_the_answer_within_the_schema(tmp_path: Path) -> None:
    async with open_workshop(tmp_path, model=Script(*RUDE), more=REFINED, edit=POLITE) as cell:
        run, question = await parked(cell)
        with pytest.raises(Exception, match="does not fit"):
            await cell.operations.answer(question, person=CARA, answer="edit", reason="x", arguments={"text": 1})
        await cell.operations.answer(question, person=CARA, answer="edit", reason="kinder", arguments=FINAL)
        assert output(cell, await cell.operations.drive(run.id)) == FINAL


async def test_a_person_may_turn_the_answer_down(tmp_path: Path) -> None:
    async with open_workshop(tmp_path, model=Script(*RUDE), more=REFINED, edit=POLITE) as cell:
        run, question = await parked(cell)
        await cell.operations.answer(question, person=CARA, answer="reject", reason="far too rude")
        run = await cell.operations.drive(run.id)
        assert run.state is RunState.FAILED
        assert "far too rude" in run.reason
