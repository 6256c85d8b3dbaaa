"""What is translated for Anthropic means the same there; what would not is refused by name."""

import json
from typing import Any

import pytest

from remit.core import InputError, ModelRoute
from remit.gateway.providers.anthropic_messages import conversation, messages_body
from remit.gateway.providers.dialects import longest_body
from remit.testing import calls, says

ROUTE = ModelRoute(kind="anthropic", model="claude-sonnet-4-5", key="KEY")
USER: dict[str, Any] = {"role": "user", "content": "Hello"}
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "shop__one",
        "description": "Finds an order.",
        "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}},
    },
}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def told(**fields: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(messages_body(ROUTE, {"messages": [USER], **fields}))
    usual = {"model": "claude-sonnet-4-5", "max_tokens": 2_000, "stream": True}
    assert body | usual == body
    return {field: value for field, value in body.items() if field not in (*usual, "messages")}


def test_a_conversation_with_tools_takes_turns() -> None:
    asked = calls("shop__one", {"a": 1}, identifier="call_1")
    asked["tool_calls"] += calls("shop__two", {}, identifier="call_2")["tool_calls"]
    system, turns = conversation(
        [
            {"role": "system", "content": "Be kind."},
            USER,
            {"role": "user", "content": [text("Are you"), text("there?")]},
            {**asked, "content": "Let me see."},
            {"role": "tool", "tool_call_id": "call_1", "content": '{"found": true}'},
            {"role": "tool", "tool_call_id": "call_2", "content": ""},
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": "And?"},
            says("It is here."),
            says("Bye."),
        ]
    )

    assert system == [text("Be kind."), text("Be brief.")]
    assert turns == [
        {"role": "user", "content": [text("Hello"), text("Are you"), text("there?")]},
        {
            "role": "assistant",
            "content": [
                text("Let me see."),
                {"type": "tool_use", "id": "call_1", "name": "shop__one", "input": {"a": 1}},
                {"type": "tool_use", "id": "call_2", "name": "shop__two", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "call_1", "content": [text('{"found": true}')]},
                {"type": "tool_result", "tool_use_id": "call_2"},
                text("And?"),
            ],
        },
        {"role": "assistant", "content": [text("It is here."), text("Bye.")]},
    ]


def test_a_message_without_words_is_left_out() -> None:
    assert conversation([USER, says(""), USER])[1] == [{"role": "user", "content": [text("Hello"), text("Hello")]}]


def test_tools_are_functions_with_a_schema() -> None:
    bare = {"type": "function", "function": {"name": "shop__two", "strict": True}}

    assert told(tools=[TOOL, bare]) == {
        "tools": [
            {"name": "shop__one", "description": "Finds an order.", "input_schema": TOOL["function"]["parameters"]},
            {"name": "shop__two", "strict": True, "input_schema": {"type": "object", "properties": {}}},
        ]
    }


@pytest.mark.parametrize(
    ("fields", "choice"),
    [
        ({"tool_choice": "auto"}, {"type": "auto"}),
        ({"tool_choice": "none", "parallel_tool_calls": False}, {"type": "none"}),
        ({"tool_choice": "required"}, {"type": "any"}),
        (
            {"tool_choice": {"type": "function", "function": {"name": "shop__one"}}},
            {"type": "tool", "name": "shop__one"},
        ),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"tool_choice": "required", "parallel_tool_calls": False}, {"type": "any", "disable_parallel_tool_use": True}),
    ],
)
def test_the_choice_of_a_tool_is_carried_over(fields: dict[str, Any], choice: dict[str, Any]) -> None:
    assert told(tools=[TOOL], **fields)["tool_choice"] == choice


def test_a_choice_without_tools_is_no_choice() -> None:
    assert told(tools=[], tool_choice="auto", parallel_tool_calls=False) == {}


SCHEMA: dict[str, Any] = {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    ("fields", "there"),
    [
        ({"temperature": 0.2, "top_p": 0.9}, {"temperature": 0.2, "top_p": 0.9}),
        ({"temperature": None, "top_p": None, "seed": None, "stop": None}, {}),
        ({"stop": "END"}, {"stop_sequences": ["END"]}),
        ({"stop": ["END", "STOP"]}, {"stop_sequences": ["END", "STOP"]}),
        ({"reasoning_effort": "high"}, {"output_config": {"effort": "high"}}),
        ({"response_format": {"type": "text"}}, {}),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}},
            {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        ),
    ],
)
def test_settings_of_the_answer_are_carried_over(fields: dict[str, Any], there: dict[str, Any]) -> None:
    assert told(**fields) == there


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"seed": 0}, "counterpart 'seed'"),
        ({"temperature": 1.5}, "temperature '1.5'"),
        ({"temperature": "hot"}, "temperature 'hot'"),
        ({"response_format": {"type": "json_object"}}, "counterpart 'response_format'"),
        ({"reasoning_effort": "minimal"}, "counterpart 'reasoning_effort'"),
        ({"tools": [TOOL], "tool_choice": "sometimes"}, "counterpart 'tool_choice'"),
        ({"tool_choice": "required"}, "wants a tool called, and has none"),
        ({"tools": [{"type": "function"}]}, "function of tool 1 is not an object"),
        (
            {"tools": [{"type": "function", "function": {"name": "a", "examples": [1]}}]},
            "counterpart 'tools: function.ex",
        ),
        ({"messages": []}, "has no message"),
        ({"messages": [{"role": "system", "content": "Be kind."}]}, "has no message"),
        ({"messages": [{"role": "function", "content": "x"}]}, "Message 1 has no role that can be told 'function'"),
        ({"messages": [{**USER, "name": "alice"}]}, "Message 1 holds what cannot be told to Anthropic 'name'"),
        ({"messages": [{**says("x"), "reasoning_content": "hm"}]}, "'reasoning_content'"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "id of a tool call cannot be told"),
        (
            {"messages": [calls("a", {}, identifier="functions.a:0")]},
            "id of a tool call cannot be told 'functions.a:0'",
        ),
        ({"messages": [{**calls("a", {}), "tool_calls": [{"id": "a"}]}]}, "function of a tool call is not an object"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "a", "function": {"arguments": "[1]"}}]}]},
            "arguments of a tool call is not an object",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "more than text"),
        ({"max_tokens": 0}, "max_tokens"),
    ],
)
def test_what_has_no_counterpart_is_refused_by_name(fields: dict[str, Any], words: str) -> None:
    request = {"messages": [USER], **fields}

    with pytest.raises(InputError, match=words.replace("(", r"\(")):
        longest_body(ROUTE, request)


def test_what_one_provider_cannot_be_told_another_can() -> None:
    longest_body(ModelRoute(kind="openai", model="gpt-4o"), {"messages": [USER], "seed": 7})
