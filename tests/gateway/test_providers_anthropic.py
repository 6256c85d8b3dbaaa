"""Anthropic's Messages API over real HTTP: asked in its own words, answered in ours, its troubles told apart."""

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from remit.core import InputError, Limits, ModelRoute, Settings
from remit.gateway.providers import Completion, LiveProvider, ProviderError, Usage, worst_case
from remit.testing import FakeAnthropic, Reply
from remit.testing.fake_anthropic import (
    Block,
    error,
    error_event,
    event,
    events,
    message,
    streamed_message,
    text,
    thinking,
    tool_use,
)
from remit.testing.fake_server import event_stream

KEY = "sk-ant-test-0123456789abcdef"
REQUEST: dict[str, Any] = {"messages": [{"role": "user", "content": "Where is my order?"}], "max_tokens": 50}
SETTINGS = Settings(currency="EUR", limits=Limits(answer_bytes=65_536))
HERE = [text("It is here.")]
OVERLOADED = error(529, "overloaded_error", "Overloaded")
Answers = Sequence[Reply] | Callable[[dict[str, Any]], Sequence[Block]]


def route(**fields: Any) -> ModelRoute:
    usual: dict[str, Any] = {"kind": "anthropic", "model": "claude-sonnet-4-5", "key": "TEST_KEY", "timeout": 5}
    usual |= {"input_price": 3, "output_price": 15}
    return ModelRoute(**usual | fields)


@asynccontextmanager
async def serving(answers: Answers, **fields: Any) -> AsyncGenerator[tuple[FakeAnthropic, LiveProvider]]:
    async with FakeAnthropic(answers) as endpoint:
        described = route(base_url=endpoint.base_url, **fields)
        provider = LiveProvider("main", described, SETTINGS, key=KEY, back_off=(0.0, 0.0))
        try:
            yield endpoint, provider
        finally:
            await provider.close()


async def answered(answers: Answers, **fields: Any) -> Completion:
    async with serving(answers, **fields) as (_, provider):
        return await provider.complete(REQUEST, task="t1")


async def fault(*answers: Reply, **fields: Any) -> tuple[ProviderError, FakeAnthropic]:
    async with serving(answers, **fields) as (endpoint, provider):
        with pytest.raises(ProviderError) as caught:
            await provider.complete(REQUEST, task="t1")
        assert KEY not in f"{caught.value}"
        return caught.value, endpoint


async def test_it_is_asked_in_its_own_words() -> None:
    async with serving(lambda _: HERE, max_tokens=300) as (endpoint, provider):
        system = {"role": "system", "content": "Be kind."}
        request = {**REQUEST, "messages": [system, *REQUEST["messages"]], "max_tokens": 9_999, "n": 5, "user": "x"}
        await provider.complete(request, task="t1")

    (seen,) = endpoint.seen
    assert seen.path == "/v1/messages"
    assert (seen.headers["x-api-key"], seen.headers["anthropic-version"]) == (KEY, "2023-06-01")
    assert "authorization" not in seen.headers
    assert seen.body == {
        "model": "claude-sonnet-4-5",
        "system": [{"type": "text", "text": "Be kind."}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Where is my order?"}]}],
        "max_tokens": 300,
        "stream": True,
    }


async def test_its_answer_is_told_in_ours() -> None:
    blocks = [
        thinking("Hm, größer …"),
        text("Let me look it up."),
        tool_use("shop__get_order", {"order_id": "#W1"}, identifier="toolu_1"),
        tool_use("shop__list", {}, identifier="toolu_2"),
    ]
    whole = await answered([message(blocks, model="claude-sonnet-4-5-20250929")])
    parts = await answered([streamed_message(blocks, model="claude-sonnet-4-5-20250929")])

    assert parts == whole
    assert whole.message["content"] == "Let me look it up."
    assert [(call["id"], call["function"]) for call in whole.message["tool_calls"]] == [
        ("toolu_1", {"name": "shop__get_order", "arguments": '{"order_id":"#W1"}'}),
        ("toolu_2", {"name": "shop__list", "arguments": "{}"}),
    ]
    assert (whole.usage, whole.cost_micros) == (Usage(100, 20), 100 * 3 + 20 * 15)
    assert (whole.model, whole.kind, whole.finish) == ("claude-sonnet-4-5-20250929", "live", "tool_calls")


@pytest.mark.parametrize("size", [1, 3, 10_000])
async def test_where_the_network_cuts_the_stream_makes_no_difference(size: int) -> None:
    sent = b"".join(events([text("Grüße aus 日本 🎉")]))
    pieces = [sent[start : start + size] for start in range(0, len(sent), size)]

    assert (await answered([event_stream(pieces)])).message["content"] == "Grüße aus 日本 🎉"


@pytest.mark.parametrize("make", [message, streamed_message])
async def test_what_was_read_from_and_written_to_the_cache_is_part_of_the_input(make: Callable[..., Reply]) -> None:
    usage = {
        "input_tokens": 10,
        "cache_read_input_tokens": 700,
        "cache_creation_input_tokens": 300,
        "output_tokens": 20,
        "service_tier": "standard",
    }

    assert (await answered([make(HERE, usage=usage)])).usage == Usage(1_010, 20, 700, 300)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("something_new", ""),
    ],
)
async def test_why_it_stopped_is_told_in_our_words(reason: str, finish: str) -> None:
    assert (await answered([streamed_message(HERE, stop_reason=reason)])).finish == finish


async def test_a_message_without_words_is_a_message() -> None:
    assert (await answered([streamed_message([])])).message == {"role": "assistant", "content": None}


@pytest.mark.parametrize("make", [message, streamed_message])
async def test_an_answer_without_credible_usage_costs_the_worst_case(make: Callable[..., Reply]) -> None:
    answer = await answered([make(HERE, usage=None)])

    assert (answer.usage, answer.cost_micros) == (None, worst_case(route(), REQUEST, SETTINGS))


async def test_events_of_a_new_kind_are_passed_over() -> None:
    first, *rest = events(HERE)

    answer = await answered([event_stream([first, event({"type": "weather", "sun": True}), *rest])])

    assert answer.message["content"] == "It is here."


async def test_a_passing_trouble_is_passed_over() -> None:
    limited = error(429, "rate_limit_error", "slow down", {"retry-after": "0"})
    async with serving([limited, OVERLOADED, streamed_message(HERE)]) as (endpoint, provider):
        assert (await provider.complete(REQUEST, task="t1")).message["content"] == "It is here."

    assert len(endpoint.seen) == 3


async def test_who_is_overloaded_for_good_is_given_up_and_costs_nothing() -> None:
    refused, endpoint = await fault(*[OVERLOADED] * 5)

    assert str(refused) == "The model main answered HTTP 529. Overloaded."
    assert (len(endpoint.seen), refused.retryable, refused.spent, refused.cost_micros) == (3, True, False, 0)


async def test_an_overload_in_the_place_of_the_first_event_is_tried_again() -> None:
    overloaded = event_stream([error_event("overloaded_error", "Overloaded")])
    async with serving([overloaded, streamed_message(HERE)]) as (endpoint, provider):
        await provider.complete(REQUEST, task="t1")

    assert len(endpoint.seen) == 2


async def test_an_overload_half_way_is_charged_by_what_was_told_and_came() -> None:
    begun = events([text("x" * 7)])[:4]  # message_start tells 100 tokens of input
    broken, endpoint = await fault(event_stream([*begun, error_event("overloaded_error", f"Overloaded {KEY}")]))

    assert "broke off. overloaded_error: Overloaded [key]" in str(broken)
    assert (len(endpoint.seen), broken.retryable, broken.spent) == (1, True, True)
    assert broken.cost_micros == min(100 * 3 + 7 * 15, worst_case(route(), REQUEST, SETTINGS) or 0)


@pytest.mark.parametrize("more", [{"cut": True}, {}], ids=["cut", "ended early"])
async def test_a_stream_without_its_end_is_no_answer(more: dict[str, Any]) -> None:
    broken, endpoint = await fault(event_stream(events(HERE)[:-1], **more))

    assert (len(endpoint.seen), broken.spent) == (1, True)
    assert broken.cost_micros


async def test_a_stream_that_falls_silent_is_given_up() -> None:
    broken, _ = await fault(event_stream(events(HERE)[:3], hangs=True), timeout=300, idle_timeout=0.1)

    assert "fell silent" in str(broken)
    assert broken.cost_micros


async def test_a_refused_key_is_named_by_its_variable_and_not_repeated() -> None:
    refused, endpoint = await fault(error(401, "authentication_error", f"invalid x-api-key {KEY}"))

    assert str(refused) == "The model main answered HTTP 401. invalid x-api-key [key]. Check the key in TEST_KEY."
    assert (len(endpoint.seen), refused.retryable) == (1, False)


def whole(**fields: Any) -> Reply:
    value = {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "x"}], **fields}
    return Reply(body=json.dumps(value).encode())


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(body=b"[]"), "is not an object"),
        (whole(type="completion"), "is no message"),
        (whole(role="user"), "not the assistant's"),
        (whole(content="text"), "are not a list"),
        (whole(content=["text"]), "is not an object"),
        (whole(content=[{"type": "text", "text": 7}]), "is not text"),
        (whole(content=[{"type": "server_tool_use", "id": "s", "name": "web_search"}]), "was not asked for"),
        (whole(content=[{"type": "tool_use", "id": "a", "name": 7, "input": {}}]), "names no function"),
        (whole(content=[{"type": "tool_use", "id": "a", "name": "b", "input": "{}"}]), "is not an object"),
        (message([tool_use("a", {}), tool_use("b", {})]), "have one id"),
        (event_stream([b"data: {\n\n"]), "is not JSON"),
        (event_stream([event({"type": "content_block_start", "index": -1, "content_block": {}})]), "senseless index"),
        (event_stream([event({"type": "content_block_start", "index": 0, "content_block": 1})]), "is not an object"),
        (
            event_stream(
                [event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}})]
            ),
            "did not begin",
        ),
    ],
)
async def test_an_answer_that_cannot_be_used_says_why_and_is_not_asked_for_again(reply: Reply, words: str) -> None:
    broken, endpoint = await fault(reply)

    assert words in str(broken)
    assert (len(endpoint.seen), broken.retryable, broken.spent) == (1, False, True)


async def test_arguments_that_were_cut_off_cannot_be_used() -> None:
    sent = [*events([tool_use("shop__one", {"order": "R-1"})])]
    parts = [piece for piece in sent if b'R-1"' not in piece]  # the last part of the input is missing
    broken, _ = await fault(event_stream(parts))

    assert "The input of a tool call is not JSON" in str(broken)
    assert broken.cost_micros == 100 * 3 + 20 * 15  # as its usage says


async def test_a_request_that_cannot_be_translated_is_not_sent() -> None:
    async with serving([]) as (endpoint, provider):
        with pytest.raises(InputError, match="no counterpart 'seed'"):
            await provider.complete({**REQUEST, "seed": 7}, task="t1")

    assert endpoint.seen == []
