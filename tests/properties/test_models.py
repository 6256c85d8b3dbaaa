"""However a model's answer is written and cut, it is the same answer; whatever is said to Anthropic, nothing is lost."""

import json
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import httpx2
from hypothesis import given
from hypothesis import strategies as st

from remit.core import ModelRoute
from remit.gateway.providers.anthropic_messages import answer_of, conversation
from remit.gateway.providers.dialects import dialect_of
from remit.testing.fake_anthropic import Block, events, text, tool_use
from remit.testing.fake_openai import chunks

WORDS = st.text(st.characters(codec="utf-8"), max_size=40)
NAMES = st.from_regex(r"[a-z_]{1,12}__[a-z_]{1,12}", fullmatch=True)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
CALLS = st.lists(st.tuples(NAMES, st.dictionaries(WORDS, VALUES, max_size=3)), max_size=4)


@st.composite
def messages(draw: st.DrawFn) -> dict[str, Any]:
    """An assistant's message, as a provider of the chat-completions form writes it."""
    calls = [
        {"id": f"call_{place}", "type": "function", "function": {"name": name, "arguments": json.dumps(value)}}
        for place, (name, value) in enumerate(draw(CALLS))
    ]
    return {"role": "assistant", "content": draw(WORDS) or None} | ({"tool_calls": calls} if calls else {})


def meaning(message: dict[str, Any]) -> Any:
    """Returns what a message says, whichever way its arguments are written."""
    calls = [
        (call["id"], call["function"]["name"], json.loads(call["function"]["arguments"]))
        for call in message.get("tool_calls", [])
    ]
    return message["content"], calls


async def read(kind: Any, sent: bytes, cuts: list[int]) -> dict[str, Any]:
    """Returns the answer in a stream that comes in pieces."""

    async def pieces() -> AsyncIterator[bytes]:
        places = sorted({0, len(sent), *(cut % (len(sent) + 1) for cut in cuts)})
        for start, end in pairwise(places):
            yield sent[start:end]

    asked, headers = httpx2.Request("POST", "http://127.0.0.1"), {"content-type": "text/event-stream"}
    response = httpx2.Response(200, headers=headers, content=pieces(), request=asked)
    response.encoding = "utf-8"
    stream = dialect_of(ModelRoute(kind=kind)).stream()
    async for event in httpx2.EventSource(response):
        stream.add(event.data)
    assert stream.done
    return stream.answer().message


@given(messages(), st.lists(st.integers(0, 10**6), max_size=20))
async def test_a_stream_of_openai_is_the_message_wherever_it_is_cut(message: dict[str, Any], cuts: list[int]) -> None:
    assert await read("openai", b"".join(chunks(message)), cuts) == message


@given(messages(), st.lists(st.integers(0, 10**6), max_size=20))
async def test_a_stream_of_anthropic_is_the_message_wherever_it_is_cut(
    message: dict[str, Any], cuts: list[int]
) -> None:
    answer = await read("anthropic", b"".join(events(blocks_of(message))), cuts)

    assert meaning(answer) == meaning(message)


@given(messages())
def test_what_a_model_said_is_the_same_after_it_went_to_anthropic_and_back(message: dict[str, Any]) -> None:
    _, turns = conversation([{"role": "user", "content": "Hello"}, message])
    there: list[Any] = [block for turn in turns[1:] for block in turn["content"]]

    back = answer_of({"type": "message", "role": "assistant", "content": there}).message

    assert meaning(back) == meaning(message)


def blocks_of(message: dict[str, Any]) -> list[Block]:
    said = [text(message["content"])] if message["content"] else []
    _, calls = meaning(message)
    return [*said, *(tool_use(name, value, identifier=identifier) for identifier, name, value in calls)]


SPOKEN = st.tuples(st.sampled_from(["system", "developer", "user", "assistant", "tool"]), WORDS)


@given(st.lists(SPOKEN, max_size=12))
def test_every_word_of_a_conversation_is_told_once_and_in_order_and_turns_alternate(
    spoken: list[tuple[str, str]],
) -> None:
    said = [
        {"role": role, "content": words} | ({"tool_call_id": f"call_{place}"} if role == "tool" else {})
        for place, (role, words) in enumerate(spoken)
    ]
    system, turns = conversation([{"role": "user", "content": "Hello"}, *said])

    assert [block["text"] for block in system] == [w for role, w in spoken if w and role in ("system", "developer")]
    roles = [turn["role"] for turn in turns]
    assert all(one != other for one, other in pairwise(roles))
    told = [(turn["role"], block) for turn in turns for block in turn["content"]][1:]
    flat: list[tuple[str, str]] = []
    for role, block in told:
        if block["type"] == "tool_result":
            flat.append(("tool", "".join(part["text"] for part in block.get("content", []))))
        else:
            flat.append((role, block["text"]))
    kept = [(role, w) for role, w in spoken if role == "tool" or (w and role in ("user", "assistant"))]
    assert flat == kept
