"""What a model or a tool says never widens what the contract's steps give them."""

from pathlib import Path
from typing import Any

from tests.gateway.desk import Till
from tests.runtime.test_hosted import FINAL, LOOK, REFUND, line
from tests.runtime.workshop import Script, open_workshop, work

from remit.gateway import ToolCall
from remit.journal import RunState
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


async def test_a_tools_result_does_not_speak_of_the_models_confidence(tmp_path: Path) -> None:
    shop = Boastful()
    unsure = line({"amount": 20, "why": "a guess", "confidence": 0.1})
    more = "models: {turns: 6}\nescalate: [{when: 'confidence < 0.7', to: care-lead}]"
    steps = ("model — decide.", LOOK, REFUND, "model — tell.")
    async with open_workshop(tmp_path, *steps, more=more, model=Script(unsure, line(FINAL)), server=shop) as cell:
        run = await work(cell)
        assert run.state is RunState.WAITING, run.reason
        assert shop.effects == []
