"""Step 5: the arguments fit the tool's schema, and what was normalised is what is sent."""

from pathlib import Path
from typing import Any

import pytest
from tests.gateway.desk import denied_entry, done, limits, open_desk, refused, tools

from remit.gateway import Action, Check


def nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


async def test_a_tool_that_is_not_granted_gets_the_answer_of_one_that_is_not_there(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        answers = [refused(await desk.act(name, {"order_id": "R-1"})) for name in ("shop__list_refunds", "shop__lost")]
        assert [denied.step for denied in answers] == [Check.INPUT, Check.INPUT]
        granted, unknown = (denied.reason.split(" ", 1)[1] for denied in answers)
        assert granted == unknown
        assert answers[0].hint == answers[1].hint
        assert "shop__get_order" in answers[0].hint


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "order_id is missing"),
        ({"order_id": 7, "amount": 1, "why": "x"}, "order_id"),
        ({"order_id": "R-1", "amount": 0, "why": "x"}, "amount"),
        ({"order_id": "R-1", "amount": 0.001, "why": "x"}, "amount"),
        ({"order_id": "R-1", "amount": True, "why": "x"}, "amount"),
        ({"order_id": "R-1", "amount": None, "why": "x"}, "amount"),
        ({"order_id": "R-1", "amount": 1, "why": "x", "secretly": 1}, "secretly is not a known field"),
    ],
)
async def test_what_does_not_fit_is_told_by_its_name(tmp_path: Path, arguments: dict[str, Any], told: str) -> None:
    async with open_desk(tmp_path) as desk:
        outcome = await desk.act("shop__issue_refund", arguments)
        assert refused(outcome).step is Check.INPUT
        assert told in refused(outcome).words
        assert refused(outcome).hint
        denied_entry(desk, outcome)
        assert desk.server.effects == []


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), {1, 2}, b"bytes", "\ud800", 10**400, nested(40), nested(100_000)],
    ids=["nan", "infinity", "set", "bytes", "half-a-character", "googol", "deep", "very-deep"],
)
async def test_what_is_not_sound_json_is_refused(tmp_path: Path, value: Any) -> None:
    async with open_desk(tmp_path) as desk:
        outcome = await desk.refund(value)
        assert refused(outcome).step <= Check.AUTHORITY
        denied_entry(desk, outcome)
        assert desk.server.effects == []


async def test_arguments_have_a_largest_size(tmp_path: Path) -> None:
    async with open_desk(tmp_path, change=limits(argument_bytes=300)) as desk:
        done(await desk.refund())
        outcome = await desk.act("shop__issue_refund", {"order_id": "R-1", "amount": 1, "why": "x" * 300})
        assert refused(outcome).step is Check.INPUT
        assert "300" in denied_entry(desk, outcome)["reason"]


async def test_a_null_in_an_optional_field_is_an_absent_field_and_the_digests_say_so(tmp_path: Path) -> None:
    edit = tools(("required: [order_id, amount, why]", "required: [order_id, amount]"))
    async with open_desk(tmp_path, edit=edit, server=Optional()) as desk:
        done(await desk.act("shop__issue_refund", {"order_id": "R-1", "amount": 5, "why": None}))
        entry = desk.entries("decision")[-1].fields
        assert entry["asked"] != entry["judged"]
        assert entry["judged"] == entry["sent"]
        assert desk.cell.parts.journal.content(str(entry["sent"]))["arguments"] == {"order_id": "R-1", "amount": 5}


@pytest.mark.parametrize("name", ["x" * 70_000, "shop__\ud800", "", "shop__get_order\n"], ids=range(4))
async def test_whatever_name_is_asked_for_the_refusal_is_logged(tmp_path: Path, name: str) -> None:
    async with open_desk(tmp_path) as desk:
        denied_entry(desk, await desk.act(name, {}))
        denied_entry(desk, await desk.cell.gateway.act(None, Action("tool", name, {}, 1)))


async def test_a_refusal_that_would_not_fit_into_the_log_is_cut(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        denied_entry(desk, await desk.act("shop__get_order", {"order_id": "R-1", "x" * 65_000: 1}))


@pytest.mark.parametrize("kind", ["handoff", "memory", "value"])
async def test_what_this_gateway_does_not_know_is_refused(tmp_path: Path, kind: Any) -> None:
    async with open_desk(tmp_path) as desk:
        outcome = await desk.cell.gateway.act(desk.credentials, Action(kind, "anything", {}, 1))
        assert refused(outcome).step is Check.INPUT
        denied_entry(desk, outcome)


class Optional:
    """A shop whose reason may be left out."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    async def get_order(self, call: Any, *, order_id: str) -> Any:
        return {"order_id": order_id, "status": "delivered", "paid": 40.0, "refunded": 0.0}

    async def cancel_refund(self, call: Any, *, order_id: str, refund_id: str, amount: float) -> Any:
        raise NotImplementedError

    async def list_refunds(self, call: Any, *, order_id: str) -> Any:
        return [{"key": key, "amount": 5} for key in self.keys]

    async def issue_refund(self, call: Any, *, order_id: str, amount: float) -> Any:
        self.keys.append(call.key)
        return {"refund_id": call.key, "amount": amount}
