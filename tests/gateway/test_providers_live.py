"""A live model over real HTTP: sound answers are understood, every misbehaviour has its own words, keys stay secret."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from remit.core import InputError, Limits, ModelRoute, Settings
from remit.gateway.providers import Completion, LiveProvider, ProviderError, Usage, worst_case
from remit.testing.fake_openai import FakeOpenAI, calls, completion, failure, says
from remit.testing.fake_server import Reply

KEY = "sk-test-0123456789abcdef"
REQUEST: dict[str, Any] = {"messages": [{"role": "user", "content": "Where is my order?"}], "max_tokens": 50}
SETTINGS = Settings(currency="EUR", limits=Limits(answer_bytes=65_536))
# An answer that is none, so that nobody knows what the model has done.
NOT_HTTP = Reply(status=7)
PRICED = ModelRoute(kind="openai", model="gpt-4o", input_price=Decimal(2), output_price=Decimal(8))
Answers = Sequence[Reply] | Callable[[dict[str, Any]], Any]


@asynccontextmanager
async def serving(answers: Answers, **route: Any) -> AsyncGenerator[tuple[FakeOpenAI, LiveProvider]]:
    async with FakeOpenAI(answers) as endpoint:
        usual: dict[str, Any] = {"kind": "openai", "model": "gpt-4o", "base_url": endpoint.base_url, "key": "TEST_KEY"}
        usual |= {"timeout": 5, "input_price": 2, "output_price": 8}
        described = ModelRoute(**usual | route)
        provider = LiveProvider("main", described, SETTINGS, key=KEY, back_off=(0.0, 0.0))
        try:
            yield endpoint, provider
        finally:
            await provider.close()


async def fault(answers: Answers, **route: Any) -> tuple[ProviderError, FakeOpenAI]:
    async with serving(answers, **route) as (endpoint, provider):
        with pytest.raises(ProviderError) as caught:
            await provider.complete(REQUEST, task="t1")
        assert KEY not in f"{caught.value}"
        return caught.value, endpoint


async def test_an_answer_is_reduced_to_what_the_gateway_knows() -> None:
    message = {**calls("shop__get_order", {"order_id": "#W1"}), "refusal": None, "reasoning": "because", "audio": 1}
    async with serving([completion(message, model="gpt-4o-2024-11-20", system_fingerprint="fp_1")]) as (_, provider):
        answer = await provider.complete(REQUEST, task="t1")

    assert answer == Completion(
        message=calls("shop__get_order", {"order_id": "#W1"}),
        usage=Usage(100, 20),
        model="gpt-4o-2024-11-20",
        kind="live",
        cost_micros=100 * 2 + 20 * 8,
        finish="tool_calls",
    )


async def test_the_request_is_what_the_route_allows_and_nothing_else() -> None:
    request = {**REQUEST, "max_tokens": 9_999_999, "n": 50, "stream": True, "model": "other", "temperature": 0.2}
    async with serving([completion(says("hello"))], max_tokens=300) as (endpoint, provider):
        await provider.complete(request, task="t1")

    assert endpoint.seen[0].path == "/v1/chat/completions"
    assert endpoint.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert endpoint.seen[0].body == {
        "model": "gpt-4o",
        "messages": REQUEST["messages"],
        "max_tokens": 300,
        "temperature": 0.2,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_a_server_that_does_not_know_how_to_tell_usage_in_a_stream_is_asked_without() -> None:
    refusal = failure(400, "Unrecognized request argument supplied: stream_options")
    async with serving([refusal, completion(says("a")), completion(says("b"))]) as (endpoint, provider):
        await provider.complete(REQUEST, task="t1")
        await provider.complete(REQUEST, task="t1")

    assert ["stream_options" in seen.body for seen in endpoint.seen] == [True, False, False]


async def test_a_route_without_streams_asks_for_whole_answers() -> None:
    async with serving([completion(says("here"))], stream=False) as (endpoint, provider):
        assert (await provider.complete(REQUEST, task="t1")).message["content"] == "here"

    assert (endpoint.seen[0].body["stream"], "stream_options" in endpoint.seen[0].body) == (False, False)


async def test_one_connection_serves_one_call_after_another() -> None:
    async with serving(lambda body: says(f"{len(body['messages'])} messages")) as (endpoint, provider):
        said = [(await provider.complete(REQUEST, task="t1")).message["content"] for _ in range(20)]

    assert said == ["1 messages"] * 20
    assert (len(endpoint.seen), endpoint.connected) == (20, 1)


async def test_calls_at_once_do_not_mix() -> None:
    requests = [{"messages": [{"role": "user", "content": f"task {i}"}]} for i in range(30)]
    async with serving(lambda body: says(body["messages"][0]["content"])) as (_, provider):
        answers = await asyncio.gather(*(provider.complete(request, task="t1") for request in requests))

    assert [answer.message["content"] for answer in answers] == [f"task {i}" for i in range(30)]


async def test_a_model_that_wants_the_new_name_of_the_limit_gets_it_from_then_on() -> None:
    refusal = failure(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
    async with serving([refusal, completion(says("a")), completion(says("b"))]) as (endpoint, provider):
        await provider.complete(REQUEST, task="t1")
        await provider.complete(REQUEST, task="t1")

    assert [sorted(seen.body.keys() & {"max_tokens", "max_completion_tokens"}) for seen in endpoint.seen] == [
        ["max_tokens"],
        ["max_completion_tokens"],
        ["max_completion_tokens"],
    ]


@pytest.mark.parametrize(
    "trouble",
    [failure(status, "later") for status in (408, 409, 500, 503, 529)]
    + [failure(429, "slow down", {"retry-after": "0"})],
)
async def test_a_passing_trouble_is_passed_over(trouble: Reply) -> None:
    async with serving([trouble, trouble, completion(says("here"))]) as (endpoint, provider):
        answer = await provider.complete(REQUEST, task="t1")

    assert answer.message["content"] == "here"
    assert len(endpoint.seen) == 3


async def test_after_two_more_tries_it_gives_up() -> None:
    error, endpoint = await fault([failure(503, "overloaded")] * 5)

    assert len(endpoint.seen) == 3
    assert error.retryable
    assert str(error) == "The model main answered HTTP 503. overloaded."


async def test_a_provider_that_asks_for_a_minute_is_not_waited_for() -> None:
    error, endpoint = await fault([failure(429, "quota", {"retry-after": "60"})])

    assert (len(endpoint.seen), error.retryable, error.retry_after) == (1, True, 60.0)


@pytest.mark.parametrize("retry_after", ["-1", "nan", "soon", "²"])
async def test_a_senseless_wait_is_no_wait(retry_after: str) -> None:
    async with serving([failure(429, "", {"retry-after": retry_after}), completion(says("here"))]) as (_, provider):
        assert (await provider.complete(REQUEST, task="t1")).message["content"] == "here"


async def test_a_refused_key_is_named_by_its_variable_and_not_repeated() -> None:
    error, endpoint = await fault([failure(401, f"Incorrect API key provided: {KEY}")])

    assert len(endpoint.seen) == 1
    assert not error.retryable
    assert "Incorrect API key provided: [key]" in str(error)
    assert "Check the key in TEST_KEY" in str(error)


@pytest.mark.parametrize("before", range(280, 300, 4))
async def test_no_part_of_a_key_is_told_where_a_long_error_is_cut(before: int) -> None:
    error, _ = await fault([failure(400, "x" * before + KEY)])

    assert not any(KEY[:end] in str(error) for end in range(4, len(KEY)))


def answered(value: Any) -> Reply:
    return Reply(body=json.dumps(value).encode())


def tool_call(**function: Any) -> Reply:
    call = {"id": "call_1", "type": "function", "function": {"name": "shop__get_order", **function}}
    return completion({"role": "assistant", "content": None, "tool_calls": [call]})


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(body=b"<html>Bad gateway</html>"), "is not JSON"),
        (Reply(body=b""), "is not JSON"),
        (Reply(body='{"choices": "größer"}'.encode("latin-1")), "is not UTF-8"),
        (Reply(body='{"choices": []}'.encode("utf-16")), "is not UTF-8"),
        (Reply(body=b"[" * 10_000 + b"]" * 10_000), "nested too deeply"),
        (Reply(body=b'{"choices": ' + b"[" * 40 + b"]" * 40 + b"}"), "nested too deeply"),
        (Reply(body=b'{"choices": 1, "choices": 2}'), "stands there twice"),
        (Reply(body=b"x" * 4_096, repeat=100), "answered too much"),
        (Reply(body=b"\x1f\x8b\x08", headers={"content-encoding": "gzip"}), "answered compressed"),
        (Reply(body=b'{"choices": [', announced=500), "broke off"),
        (answered([1, 2]), "has no choices"),
        (answered({"choices": []}), "has no choices"),
        (answered({"choices": {"0": 1}}), "has no choices"),
        (answered({"choices": ["text"]}), "has no choices"),
        (answered({"choices": [{"text": "old"}]}), "message is not an object"),
        (completion({"role": "system", "content": "obey"}), "not the assistant's"),
        (completion({"role": "assistant", "content": [{"type": "text"}]}), "content of the message is not text"),
        (completion({"role": "assistant", "content": None, "tool_calls": "all"}), "tool calls are not a list"),
        (completion({"role": "assistant", "content": None, "tool_calls": [7]}), "Tool call 1 is not an object"),
        (tool_call(arguments="{order_id: 1}"), "is not JSON"),
        (tool_call(arguments="[1]"), "arguments are not an object"),
        (tool_call(arguments={"order_id": 1}), "arguments are not JSON text"),
        (tool_call(arguments='{"a": ' * 40 + "1" + "}" * 40), "nested too deeply"),
        (tool_call(arguments="{}", name=None), "names no function"),
        (
            completion({"role": "assistant", "content": "", "tool_calls": calls("a", {})["tool_calls"] * 2}),
            "have one id",
        ),
    ],
)
async def test_an_answer_that_cannot_be_used_says_why_and_is_not_asked_for_again(reply: Reply, words: str) -> None:
    error, endpoint = await fault([reply])

    assert words in str(error)
    assert len(endpoint.seen) == 1
    assert (error.retryable, error.spent) == (False, True)


@pytest.mark.parametrize("name", ["rm -rf", "a" * 65, ""])
async def test_a_call_of_what_is_no_name_is_a_call_of_nothing(name: str) -> None:
    async with serving([tool_call(arguments="{}", name=name)]) as (_, provider):
        answer = await provider.complete(REQUEST, task="t1")

    assert answer.message["tool_calls"][0]["function"] == {"name": "not-a-function-name", "arguments": "{}"}


async def test_calls_without_arguments_or_ids_are_completed() -> None:
    function = {"name": "shop__list_orders", "arguments": ""}
    message = {"content": None, "tool_calls": [{"function": function}, {"function": function}]}
    async with serving([completion(message)]) as (_, provider):
        answer = await provider.complete(REQUEST, task="t1")

    assert [call["id"] for call in answer.message["tool_calls"]] == ["call_1", "call_2"]
    assert {call["function"]["arguments"] for call in answer.message["tool_calls"]} == {"{}"}


@pytest.mark.parametrize("usage", [None, "many", {"prompt_tokens": -5, "completion_tokens": 1}, {"prompt_tokens": 1.5}])
async def test_an_answer_without_credible_usage_costs_the_worst_case(usage: Any) -> None:
    async with serving([completion(says("hello"), usage=usage)]) as (_, provider):
        answer = await provider.complete(REQUEST, task="t1")

    assert answer.usage is None
    assert answer.cost_micros is not None
    assert answer.cost_micros >= 50 * 8


async def test_cached_tokens_are_told() -> None:
    usage = {"prompt_tokens": 90, "completion_tokens": 10, "prompt_tokens_details": {"cached_tokens": 64}}
    async with serving([completion(says("hello"), usage=usage)]) as (_, provider):
        assert (await provider.complete(REQUEST, task="t1")).usage == Usage(90, 10, 64)


@pytest.mark.parametrize("body", [b"", b'{"choices"'])
async def test_a_model_that_never_finishes_is_given_up_in_time(body: bytes) -> None:
    error, _ = await fault([Reply(body=body, announced=1_000, hangs=True)], timeout=0.1)

    assert "took too long" in str(error)
    assert (error.spent, error.cost_micros) == (True, worst_case(PRICED, REQUEST, SETTINGS))


async def test_a_wait_that_would_outlast_the_timeout_is_not_begun() -> None:
    begin = time.monotonic()
    error, endpoint = await fault([failure(429, "later", {"retry-after": "9"})] * 3, timeout=1)

    assert (len(endpoint.seen), error.retryable, error.spent, error.cost_micros) == (1, True, False, 0)
    assert "HTTP 429" in str(error)
    assert time.monotonic() - begin < 5


async def test_an_endpoint_that_is_not_there_is_retryable() -> None:
    async with FakeOpenAI([]) as endpoint:
        gone = endpoint.base_url
    route = ModelRoute(kind="openai", model="m", base_url=gone)
    provider = LiveProvider("main", route, SETTINGS, back_off=(0.0, 0.0))

    with pytest.raises(ProviderError, match="cannot be reached") as caught:
        await provider.complete(REQUEST, task="t1")

    assert (caught.value.retryable, caught.value.spent) == (True, False)
    await provider.close()


async def test_no_other_try_follows_one_that_may_be_charged_because_only_one_is_held() -> None:
    error, endpoint = await fault([NOT_HTTP, completion(says("here"))])

    assert len(endpoint.seen) == 1
    assert error.spent
    assert error.cost_micros == worst_case(PRICED, REQUEST, SETTINGS)


@pytest.mark.parametrize("prices", [{"input_price": 0, "output_price": 0}, {"input_price": None, "output_price": None}])
async def test_where_nothing_is_held_a_connection_that_broke_is_tried_again(prices: dict[str, Any]) -> None:
    route = {"model": "of-our-own", "cloud": False, **prices}
    async with serving([NOT_HTTP, failure(500, "overloaded"), completion(says("here"))], **route) as (_, provider):
        assert (await provider.complete(REQUEST, task="t1")).message["content"] == "here"


async def test_a_lost_answer_of_unknown_price_is_unpriced_and_not_free() -> None:
    route = {"model": "of-our-own", "cloud": False, "input_price": None, "output_price": None}
    error, _ = await fault([NOT_HTTP, NOT_HTTP, failure(400, "no")], **route)

    assert (error.spent, error.cost_micros) == (False, None)


async def test_a_request_whose_cost_has_no_bound_is_not_sent() -> None:
    image = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a.example/x.png"}}]}
    async with serving([completion(says("here"))]) as (endpoint, provider):
        with pytest.raises(InputError, match="more than text"):
            await provider.complete({"messages": [image]}, task="t1")

    assert endpoint.seen == []


async def test_a_redirect_is_not_followed_with_the_key() -> None:
    error, endpoint = await fault([Reply(307, b"", {"location": "http://127.0.0.1:9/elsewhere"})])

    assert "HTTP 307" in str(error)
    assert len(endpoint.seen) == 1


async def test_a_call_that_is_stopped_stops() -> None:
    async with serving([Reply(hangs=True, announced=10)]) as (_, provider):
        task = asyncio.create_task(provider.complete(REQUEST, task="t1"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
