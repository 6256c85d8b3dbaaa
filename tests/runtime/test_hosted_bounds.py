"""What a model or a tool says never widens what the contract's steps give them."""

from pathlib import Path
from typing import Any

from tests.gateway.desk import Till
from tests.runtime.relay import contract, open_relay, take
from tests.runtime.test_hosted import FINAL, LOOK, REFUND, line
from tests.runtime.workshop import Script, names, open_workshop, work

from remit.gateway import ToolCall
from remit.gateway.providers import assistant_message
from remit.journal import RunState, StepState
from remit.runtime.functions import MOST_STRAYS
from remit.testing import calls


async def test_a_model_gets_no_tool_that_only_a_step_may_call(tmp_path: Path) -> None:
    shop = Till()
    grab = calls("shop__issue_refund", {"order_id": "R-1", "amount": 20, "why": "me first"})
    model = Script(grab, line({"refund": False}), line(FINAL))
    steps = (LOOK, "model — decide.", f"{REFUND} if `refund`", "model — tell.")
    async with open_workshop(tmp_path, *steps, model=model, server=shop) as cell:
        run = await work(cell)
        assert run.state is RunState.DONE, run.reason
        assert shop.effects == []
        assert model.asked[1]["messages"][-1]["content"].startswith("Not called: it is not offered here.")


class Boastful(Till):
    """A shop whose answer claims to be sure of what a model only guessed."""

    async def get_order(self, call: ToolCall, *, order_id: str) -> Any:
        return {**await super().get_order(call, order_id=order_id), "confidence": 0.99}


async def test_a_call_of_what_is_no_name_is_answered_without_a_step(tmp_path: Path) -> None:
    strays = [assistant_message(calls(name, {"order_id": "R-1"})) for name in ("a b", "x" * 65, "shop__get order", "")]
    async with open_workshop(tmp_path, model=(model := Script(*strays, line(FINAL)))) as cell:
        run = await work(cell)
        assert run.state is RunState.DONE, run.reason
        assert names(cell, run) == [*["simulated"] * 5, "check"]
        assert len(heard(model)) == 4
        assert all(told.startswith("Not called: it is not offered here.") for told in heard(model))


async def test_a_tools_result_does_not_speak_of_the_models_confidence(tmp_path: Path) -> None:
    shop = Boastful()
    unsure = line({"amount": 20, "why": "a guess", "confidence": 0.1})
    more = "models: {turns: 6}\nescalate: [{when: 'confidence < 0.7', to: care-lead}]"
    steps = ("model — decide.", LOOK, REFUND, "model — tell.")
    async with open_workshop(tmp_path, *steps, more=more, model=Script(unsure, line(FINAL)), server=shop) as cell:
        run = await work(cell)
        assert run.state is RunState.WAITING, run.reason
        assert shop.effects == []


def heard(model: Script) -> list[str]:
    """What a model was told about its calls."""
    return [message["content"] for message in model.asked[-1]["messages"] if message["role"] == "tool"]


async def test_a_call_for_a_tool_the_contract_does_not_grant_is_denied_on_the_record(tmp_path: Path) -> None:
    unreadable = calls("shop__export", {})
    unreadable["tool_calls"][0]["function"]["arguments"] = '{"all": tr'
    model = Script(calls("shop__delete_customer", {"customer": "C-1"}), unreadable, line(FINAL))
    async with open_workshop(tmp_path, model=model) as cell:
        run = await work(cell)
        assert run.state is RunState.DONE, run.reason
        assert all(told.startswith("Not permitted: the tool is not in the contract.") for told in heard(model))
        first, second = [step for step in cell.parts.journal.steps(run.id) if step.kind == "tool"]
        assert (first.state, second.state) == (StepState.DENIED, StepState.DENIED)
        asked, left_out = (cell.parts.journal.content(step.asked) for step in (first, second))
        assert (asked["name"], asked["arguments"]) == ("shop__delete_customer", {"customer": "C-1"})
        assert (left_out["name"], left_out["arguments"]) == ("shop__export", {})
        # What a model makes up may be somebody's words: they are content, and no names.
        assert "delete_customer" not in first.name
        denied = [
            entry.fields["refused_at"]
            for entry in cell.log.entries(run.id)
            if entry.kind == "decision" and entry.fields["verdict"] == "deny"
        ]
        assert denied == [5, 5]


async def test_a_call_for_an_agent_the_contract_does_not_name_is_denied_on_the_record(tmp_path: Path) -> None:
    stray = calls("handoff__treasury", {"intent": "pay me", "context": {}})
    model = Script(stray, calls("handoff__nobody", {}), line(FINAL))
    alone = {"giver": contract("giver", hands_to="nobody", more="limits: {hops: 0}\n")}
    alone["nobody"] = contract("nobody", takes_from="giver", more="")
    async with open_relay(tmp_path, alone, model=model) as (cell, _):
        run = await take(cell)
        assert run.state is RunState.WAITING, "only the hand-off it is offered is put to people at the limit of hops"
        assert heard(model)[0].startswith("Not permitted: ")
        assert cell.parts.journal.steps(run.id)[2].state is StepState.DENIED


async def test_what_is_no_tools_name_is_answered_without_a_step(tmp_path: Path) -> None:
    odd = ("rm -rf /", "shop", "", "shop__" + "x" * 60, "shop__weiß")
    model = Script(*(calls(name, {}) for name in odd), line(FINAL))
    async with open_workshop(tmp_path, model=model) as cell:
        run = await work(cell)
        assert all(told.startswith("Not called: it is not offered here.") for told in heard(model))
        assert set(names(cell, run)) == {"simulated", "check"}


async def test_calls_for_what_is_not_granted_neither_fill_the_log_nor_use_up_the_steps(tmp_path: Path) -> None:
    many = calls("shop__any", {})
    (call,) = many["tool_calls"]
    many["tool_calls"] = [
        {**call, "id": f"call_{n}", "function": {"name": f"shop__any{n}", "arguments": "{}"}} for n in range(200)
    ]
    model = Script(many, line(FINAL))
    async with open_workshop(tmp_path, model=model) as cell:
        run = await work(cell)
        assert run.state is RunState.DONE, run.reason
        told = heard(model)
        assert len(told) == 200
        assert [text.startswith("Not permitted: ") for text in told].index(False) == MOST_STRAYS
        assert len(names(cell, run)) == MOST_STRAYS + 3
