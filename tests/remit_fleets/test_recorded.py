"""Recorded conversations of a real model: the shop answers as the original did, and the contract judges as labelled."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.remit_fleets.desk import Authority, use

from remit_fleets.retail import GPT_4O, HAIKU_45, Conversation, RecordedCall, Shop, load_conversations
from remit_fleets.retail.errors import ShopError
from remit_fleets.retail.recorded import NOT_RECORDED, RECORDINGS, TRANSFERRED, conversation_of

# What the original shop says, and our kind of it.
KINDS = {
    "user not found": "user_not_found",
    "order not found": "order_not_found",
    "payment method should be either": "refund_target",
    "non-delivered order": "status",
    "non-pending order": "status",
    "not found or available": "new_item_unavailable_or_other_product",
    "number of items": "len",
    "insufficient gift card balance": "gift_card_balance",
    "should be different from the old": "same_item",
}


def kind_of(text: str) -> str:
    return next((kind for words, kind in KINDS.items() if words in text), text)


def comparable(value: Any) -> Any:
    """Numbers at two decimals; the recorded shop does not repeat the user's id inside the user."""
    match value:
        case float():
            return round(value, 2)
        case {"user_id": _, "payment_methods": _}:
            return {key: comparable(part) for key, part in value.items() if key != "user_id"}  # pyright: ignore[reportUnknownVariableType]
        case dict():
            return {key: comparable(part) for key, part in value.items()}  # pyright: ignore[reportUnknownVariableType]
        case list():
            return [comparable(part) for part in value]  # pyright: ignore[reportUnknownVariableType]
        case _:
            return value


def recorded_result(call: RecordedCall) -> Any:
    assert call.result is not None
    if call.result.startswith("Error"):
        return kind_of(call.result)
    return comparable(json.loads(call.result)) if call.result.startswith("{") else call.result


async def our_result(shop: Shop, call: RecordedCall) -> Any:
    try:
        return comparable(await use(shop, call.tool, call.arguments))
    except ShopError as error:
        return error.kind


async def replay(
    calls: Sequence[RecordedCall], labelled: Sequence[Mapping[str, Any]], tau_shop: Shop, authority: Authority
) -> tuple[list[tuple[RecordedCall, Any]], list[Any]]:
    """Returns every call whose result differs, and every write whose verdict or refusal differs from its label."""
    shop, customer = tau_shop.fresh(), None
    labels = {label["e"]: label for label in labelled}
    results: list[tuple[RecordedCall, Any]] = []
    verdicts: list[Any] = []
    for call in calls:
        judged = await authority.judge(shop, call.tool, call.arguments, customer)
        ours = await our_result(shop, call)
        if call.tool.startswith("find_user_id") and ours != "user_not_found":
            customer = customer or ours
        if call.result is not None and ours != recorded_result(call):
            results.append((call, ours))
        if call.tool in authority.guarded:
            label = labels.pop(call.event)
            refused = kind_of(label["refused"]) if label["refused"] else None
            if judged.allowed != (label["verdict"] == "allow") or refused != (ours if isinstance(ours, str) else None):
                verdicts.append((label, judged, ours))
    assert not labels
    shop.close()
    return results, verdicts


async def test_the_shop_answers_as_the_original_did_except_where_an_item_was_swapped_for_itself(
    conversations: tuple[Conversation, ...], tau_shop: Shop, authority: Authority
) -> None:
    different: list[tuple[str, int, Any]] = []
    for conversation in conversations:
        results, _ = await replay(conversation.calls, conversation.labels, tau_shop, authority)
        different += [(conversation.ticket, call.event, ours) for call, ours in results]
    assert sum(len(conversation.calls) for conversation in conversations) == 793
    assert different == [
        ("v1/test-34#34", 15, "same_item"),
        ("v1/test-36#36", 28, "same_item"),
        ("v1/test-36#36", 32, "same_item"),
        ("v1/test-37#37", 20, "same_item"),
        ("v1/test-37#37", 25, "same_item"),
    ]


async def test_the_contract_judges_every_recorded_write_as_labelled(
    conversations: tuple[Conversation, ...], tau_shop: Shop, authority: Authority
) -> None:
    wrong: list[Any] = []
    for conversation in conversations:
        wrong += (await replay(conversation.calls, conversation.labels, tau_shop, authority))[1]
    assert sum(len(conversation.labels) for conversation in conversations) == 148
    assert wrong == []


async def test_the_contract_judges_every_write_of_another_model_as_labelled(
    tau: Path, tau_shop: Shop, authority: Authority
) -> None:
    recorded = load_conversations(tau.parent, HAIKU_45)
    assert (len(recorded), sum(len(one.labels) for one in recorded)) == (114, 185)
    wrong: list[Any] = []
    for conversation in recorded:
        wrong += (await replay(conversation.calls, conversation.labels, tau_shop, authority))[1]
    assert wrong == []


def test_a_recording_is_played_as_tool_calls_and_ends_in_a_last_word(conversations: tuple[Conversation, ...]) -> None:
    for conversation in conversations:
        asked = [answer["tool_calls"][0]["function"] for answer in conversation.answers[:-1]]
        said = [function for function in asked if function["name"] == "customer__reply"]
        called = [function for function in asked if function["name"] != "customer__reply"]
        assert len(said) == len(conversation.replies)
        assert [(f["name"], json.loads(f["arguments"])) for f in called] == [
            (f"shop__{call.tool}", call.arguments) for call in conversation.calls
        ]
        assert "tool_calls" not in conversation.answers[-1]
        assert conversation.answers[-1]["content"]


def test_what_the_model_says_beside_a_call_stays_beside_it() -> None:
    events = [
        {"t": "user", "text": "Hello"},
        {"t": "agent", "text": "Let me see."},
        {"t": "call", "tool": "get_order_details", "args": {"order_id": "#W1"}, "result": "{}"},
    ]
    run = {"model": GPT_4O, "task": "t", "trial": 3, "user_id": "u", "reward": 0.0, "events": events, "labels": []}
    conversation = conversation_of(run)
    assert conversation.task_input == {"ticket": "t#3", "message": "Hello"}
    assert conversation.answers[0]["content"] == "Let me see."
    assert conversation.answers[1] == {"role": "assistant", "content": TRANSFERRED}
    assert conversation.replies == ()


def test_of_facts_alone_the_calls_are_played_as_they_were_asked_for_together() -> None:
    events = [
        {"t": "llm", "id": "m1"},
        {"t": "call", "tool": "get_user_details", "args": {"user_id": "u"}, "llm": "m1"},
        {"t": "call", "tool": "get_order_details", "args": {"order_id": "#W1"}, "llm": "m1"},
        {"t": "llm", "id": "m2"},
        {"t": "call", "tool": "think", "args": {"thought": "…"}, "llm": "m2"},
        {"t": "llm", "id": "m3"},
    ]
    run = {"model": HAIKU_45, "task": "tau2/7", "trial": 0, "user_id": None, "reward": 1.0, "facts_only": True}
    conversation = conversation_of(run | {"events": events, "labels": []})
    assert conversation.task_input == {"ticket": "tau2/7#0", "message": NOT_RECORDED}
    asked = [[call["function"]["name"] for call in said.get("tool_calls", ())] for said in conversation.answers]
    assert asked == [["shop__get_user_details", "shop__get_order_details"], ["shop__think"], []]
    assert conversation.answers[-1] == {"role": "assistant", "content": NOT_RECORDED}
    assert ([call.event for call in conversation.calls], conversation.replies) == ([1, 2, 4], ())


@pytest.mark.parametrize("model", RECORDINGS)
def test_without_the_recording_there_are_no_conversations(tmp_path: Path, model: str) -> None:
    assert load_conversations(tmp_path, model) == ()
