"""A streamed answer is put together as it comes; one that stops, breaks or swells is noticed early and charged."""

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from remit.core import Limits, ModelRoute, Settings
from remit.gateway.providers import Completion, LiveProvider, ProviderError, Usage, worst_case
from remit.testing import FakeOpenAI, Reply, calls, completion, failure, says, streamed
from remit.testing.fake_openai import chunks
from remit.testing.fake_server import event_stream

KEY = "sk-test-0123456789abcdef"
REQUEST: dict[str, Any] = {"messages": [{"role": "user", "content": "Where is my order?"}], "max_tokens": 50}
SETTINGS = Settings(currency="EUR", limits=Limits(answer_bytes=65_536))
END = b"data: [DONE]\n\n"


def route(**fields: Any) -> ModelRoute:
    usual: dict[str, Any] = {"kind": "openai", "model": "gpt-4o", "timeout": 5, "input_price": 2, "output_price": 8}
    return ModelRoute(**usual | fields)


@asynccontextmanager
async def serving(answers: Sequence[Reply], **fields: Any) -> AsyncGenerator[tuple[FakeOpenAI, LiveProvider]]:
    async with FakeOpenAI(answers) as endpoint:
        described = route(base_url=endpoint.base_url, **fields)
        provider = LiveProvider("main", described, SETTINGS, key=KEY, back_off=(0.0, 0.0))
        try:
            yield endpoint, provider
        finally:
            await provider.close()


async def answered(reply: Reply) -> Completion:
    async with serving([reply]) as (_, provider):
        return await provider.complete(REQUEST, task="t1")


async def fault(*answers: Reply, **fields: Any) -> tuple[ProviderError, FakeOpenAI]:
    async with serving(answers, **fields) as (endpoint, provider):
        with pytest.raises(ProviderError) as caught:
            await provider.complete(REQUEST, task="t1")
        assert KEY not in f"{caught.value}"
        return caught.value, endpoint


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return f"data: {json.dumps({'choices': [choice], **more})}\n\n".encode()


def call_part(index: Any = None, identifier: Any = None, **function: Any) -> bytes:
    part = {"index": index, "id": identifier, "function": function}
    return chunk({"tool_calls": [{name: value for name, value in part.items() if value is not None}]})


async def test_the_parts_of_an_answer_become_the_same_as_the_whole() -> None:
    message = calls("shop__get_order", {"order_id": "#W1", "note": "größer als 日本"})
    message["content"] = "Let me look it up."

    whole, parts = await answered(completion(message)), await answered(streamed(message))

    assert parts == whole
    assert parts.usage == Usage(100, 20)
    assert parts.cost_micros == 100 * 2 + 20 * 8


@pytest.mark.parametrize("size", [1, 2, 3, 1_000])
async def test_where_the_network_cuts_the_stream_makes_no_difference(size: int) -> None:
    sent = b"".join(chunks(says("Grüße aus 日本 🎉")))
    pieces = [sent[start : start + size] for start in range(0, len(sent), size)]

    assert (await answered(event_stream(pieces))).message == says("Grüße aus 日本 🎉")


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
async def test_comments_and_every_line_end_are_understood(line_end: bytes) -> None:
    sent = b": processing\n\n" + b"".join(chunks(says("here")))

    assert (await answered(event_stream([sent.replace(b"\n", line_end)]))).message == says("here")


async def test_calls_are_told_apart_by_their_index_however_their_parts_are_mixed() -> None:
    parts = [
        call_part(1, "call_b", name="shop__two", arguments=""),
        call_part(0, "call_a", name="shop__one", arguments='{"a"'),
        call_part(1, arguments='{"b": '),
        call_part(0, arguments=": 1}"),
        call_part(1, arguments="2}"),
    ]
    answer = await answered(event_stream([*parts, chunk({}, "tool_calls"), END]))

    functions = {call["id"]: call["function"] for call in answer.message["tool_calls"]}
    assert list(functions) == ["call_a", "call_b"]
    assert functions["call_a"] == {"name": "shop__one", "arguments": '{"a": 1}'}
    assert functions["call_b"] == {"name": "shop__two", "arguments": '{"b": 2}'}


async def test_servers_that_leave_the_index_out_or_repeat_the_id_are_understood() -> None:
    parts = [
        call_part(None, "call_a", name="shop__one", arguments='{"a"'),
        call_part(None, "call_a", name="shop__one", arguments=": 1}"),
        call_part(None, "call_b", name="shop__two", arguments="{}"),
    ]
    answer = await answered(event_stream([*parts, chunk({}, "tool_calls"), END]))

    assert [call["function"] for call in answer.message["tool_calls"]] == [
        {"name": "shop__one", "arguments": '{"a": 1}'},
        {"name": "shop__two", "arguments": "{}"},
    ]


async def test_a_stream_without_usage_costs_the_worst_case() -> None:
    answer = await answered(streamed(says("here"), usage=None))

    assert (answer.usage, answer.cost_micros) == (None, worst_case(route(), REQUEST, SETTINGS))


async def test_usage_may_come_with_the_last_words_and_without_a_sign_of_the_end() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 1}
    answer = await answered(event_stream([chunk({"content": "here"}), chunk({}, "stop", usage=usage)]))

    assert (answer.message, answer.usage, answer.finish) == (says("here"), Usage(9, 1), "stop")


async def test_one_connection_serves_one_streamed_call_after_another() -> None:
    async with serving([streamed(says(str(number))) for number in range(5)]) as (endpoint, provider):
        said = [(await provider.complete(REQUEST, task="t1")).message["content"] for _ in range(5)]

    assert (said, endpoint.connected) == (["0", "1", "2", "3", "4"], 1)


async def test_a_server_that_does_not_hang_up_after_the_end_does_not_keep_us() -> None:
    answer = await answered(streamed(says("here"), hangs=True))

    assert (answer.message, answer.usage) == (says("here"), Usage(100, 20))


async def test_a_stream_that_falls_silent_is_given_up_long_before_the_timeout() -> None:
    silent = event_stream([chunk({"content": "Let me"})], hangs=True)
    error, endpoint = await fault(silent, timeout=300, idle_timeout=0.1)

    assert "fell silent. nothing came for 0.1 seconds. Raise idle_timeout" in str(error)
    assert (len(endpoint.seen), error.spent) == (1, True)


async def test_a_server_that_says_nothing_at_all_is_given_up_and_charged_the_worst_case() -> None:
    error, _ = await fault(Reply(announced=10, hangs=True), timeout=300, idle_timeout=0.1)

    assert "fell silent" in str(error)
    assert error.cost_micros == worst_case(route(), REQUEST, SETTINGS)


async def test_who_answers_whole_may_be_silent_until_the_end() -> None:
    error, _ = await fault(Reply(announced=10, hangs=True), timeout=0.3, idle_timeout=0.1, stream=False)

    assert "no answer within 0.3 seconds" in str(error)


@pytest.mark.parametrize("reply", [{"cut": True}, {}], ids=["cut", "ended early"])
async def test_a_stream_that_stops_half_way_is_charged_for_what_came_and_not_tried_again(reply: dict[str, Any]) -> None:
    words = "x" * 20
    error, endpoint = await fault(event_stream([chunk({"content": words})], **reply), streamed(says("here")))

    worst = worst_case(route(), REQUEST, SETTINGS)
    assert worst is not None
    assert (len(endpoint.seen), error.spent) == (1, True)
    assert error.cost_micros == worst - (50 - len(words)) * 8


async def test_a_stream_that_is_cut_before_the_first_word_is_charged_the_worst_case() -> None:
    error, _ = await fault(event_stream([chunk({"role": "assistant"})], cut=True))

    assert error.cost_micros == worst_case(route(), REQUEST, SETTINGS)


async def test_usage_of_nothing_told_half_way_is_not_believed() -> None:
    nothing = {"prompt_tokens": 0, "completion_tokens": 0}
    error, _ = await fault(event_stream([chunk({"role": "assistant"}, usage=nothing)], cut=True))

    assert error.cost_micros == worst_case(route(), REQUEST, SETTINGS)


async def test_what_came_is_never_charged_more_than_was_held() -> None:
    error, _ = await fault(event_stream([chunk({"reasoning_content": "x" * 5_000})], cut=True))

    assert error.cost_micros == worst_case(route(), REQUEST, SETTINGS)


async def test_an_unsound_answer_is_charged_by_the_usage_it_told() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 3}
    parts = [call_part(0, "call_a", name="shop__one", arguments='{"a"'), chunk({}, "length", usage=usage), END]
    error, _ = await fault(event_stream(parts))

    assert "is not JSON" in str(error)
    assert (error.spent, error.cost_micros) == (True, 9 * 2 + 3 * 8)


async def test_an_answer_that_swells_is_cut_off() -> None:
    parts = [chunk({"content": "x" * 1_000})] * 100
    error, _ = await fault(event_stream(parts, hangs=True))

    assert "answered too much. more than 65536 bytes" in str(error)
    assert error.spent


@pytest.mark.parametrize("part", [b"data: " + b"x" * 70_000, b"x" * 70_000], ids=["event", "line"])
async def test_an_event_without_end_is_cut_off(part: bytes) -> None:
    error, _ = await fault(event_stream([part], hangs=True))

    assert "answered too much" in str(error)


def told(error: dict[str, Any]) -> bytes:
    return f"data: {json.dumps({'error': error})}\n\n".encode()


async def test_an_error_in_the_place_of_the_first_word_is_a_refusal_and_tried_again() -> None:
    overloaded = event_stream([told({"message": "try later", "type": "server_error", "code": 503})])
    async with serving([overloaded, streamed(says("here"))]) as (endpoint, provider):
        assert (await provider.complete(REQUEST, task="t1")).message == says("here")

    assert len(endpoint.seen) == 2


async def test_an_error_half_way_is_charged_and_told_without_the_key() -> None:
    parts = [chunk({"content": "Let me"}), told({"message": f"lost {KEY}", "type": "server_error"})]
    error, endpoint = await fault(event_stream(parts), streamed(says("here")))

    assert "broke off. lost [key]" in str(error)
    assert (len(endpoint.seen), error.retryable, error.spent) == (1, True, True)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (b"data: {\n\n", "is not JSON"),
        (b"data: [1]\n\n", "not an object"),
        (b'data: {"choices": {}}\n\n', "not a list"),
        (b'data: {"choices": ["x"]}\n\n', "not an object"),
        (chunk({"content": [1]}), "is not text"),
        (call_part(-1, "call_a", name="a"), "senseless index"),
        (call_part(10_000, "call_a", name="a"), "senseless index"),
        (call_part("first", "call_a", name="a"), "senseless index"),
        (call_part(0, 7, name="a"), "is not text"),
        (call_part(0, "call_a", name="a") + call_part(0, "call_b", name="b", arguments="{}"), "calls have one index"),
        (chunk({"tool_calls": "all"}), "not a list"),
    ],
)
async def test_an_event_that_makes_no_sense_says_why(event: bytes, words: str) -> None:
    error, endpoint = await fault(event_stream([event, END]))

    assert words in str(error)
    assert (len(endpoint.seen), error.retryable, error.spent) == (1, False, True)


async def test_other_choices_than_the_first_are_passed_over() -> None:
    other = f"data: {json.dumps({'choices': [{'index': 1, 'delta': {'content': 'no'}}]})}\n\n".encode()

    assert (await answered(event_stream([other, *chunks(says("here"))]))).message == says("here")


async def test_a_refusal_whose_words_never_end_is_a_refusal_all_the_same() -> None:
    slow = failure(503, "x" * 10)
    hanging = Reply(slow.status, slow.body, slow.headers, announced=1_000, hangs=True)
    async with serving([hanging, streamed(says("here"))], timeout=300, idle_timeout=0.1) as (_, provider):
        assert (await provider.complete(REQUEST, task="t1")).message == says("here")
