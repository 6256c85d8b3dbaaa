"""Prices: exact, in the cell's currency, never lower than what a call can cost, and None when nobody knows."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core import InputError, ModelRoute, Settings, canonical_bytes
from remit.gateway.providers import Completion, Usage, cost_of, price, warm_up, worst_case

OPENAI = "https://api.openai.com/v1"
EURO = Settings(currency="EUR", exchange={"USD": Decimal("0.92")})
USAGE = Usage(1_000, 100)


def route(**fields: Any) -> ModelRoute:
    usual: dict[str, Any] = {"kind": "openai", "model": "gpt-4o", "base_url": OPENAI}
    return ModelRoute(**usual | fields)


@pytest.fixture(scope="module", autouse=True)
def table() -> None:
    warm_up()


def test_the_public_table_is_converted_into_the_cells_currency() -> None:
    dollars = price(route(), USAGE, Settings(currency="USD"))

    assert dollars is not None
    assert dollars > 0
    assert price(route(), USAGE, EURO) == -(-dollars * 92 // 100)


def test_cached_tokens_cost_less() -> None:
    full, cached = price(route(), USAGE, EURO), price(route(), Usage(1_000, 100, 1_000), EURO)

    assert full is not None
    assert cached is not None
    assert 0 < cached < full


def anthropic(**fields: Any) -> ModelRoute:
    return route(**{"kind": "anthropic", "model": "claude-sonnet-4-5", "base_url": ""} | fields)


def test_a_model_of_anthropic_is_priced_by_its_maker_wherever_it_is_asked() -> None:
    cost = price(anthropic(), Usage(1_000, 100), Settings(currency="USD"))

    assert cost
    assert price(anthropic(base_url="https://api.anthropic.com"), USAGE, EURO) == -(-cost * 92 // 100)
    assert price(anthropic(base_url="https://models.acme.example"), USAGE, EURO) == -(-cost * 92 // 100)


def test_reading_from_the_cache_costs_less_and_writing_to_it_more() -> None:
    plain, read, written = (
        price(anthropic(), usage, EURO)
        for usage in (Usage(1_000, 0), Usage(1_000, 0, cached_tokens=900), Usage(1_000, 0, cache_write_tokens=900))
    )

    assert read is not None
    assert plain is not None
    assert written is not None
    assert 0 < read < plain < written


@pytest.mark.parametrize("fields", [{"model": "acme-secret-model"}, {"cloud": False}])
def test_a_model_of_anthropic_that_nobody_knows_is_unpriced(fields: dict[str, Any]) -> None:
    assert price(anthropic(**fields), USAGE, EURO) is None


def test_what_anthropic_adds_to_a_request_with_tools_is_held_too() -> None:
    own, tool = anthropic(**OWN), {"type": "function", "function": {"name": "f"}}
    request = {"messages": [{"role": "user", "content": "Hello"}]}
    bare, full = worst_case(own, request, EURO), worst_case(own, {**request, "tools": [tool]}, EURO)

    assert bare is not None
    assert full is not None
    assert full >= bare + 530


def test_a_proxy_before_a_public_model_is_priced_by_the_models_name() -> None:
    assert price(route(base_url="https://models.acme.example/v1"), USAGE, EURO) == price(route(), USAGE, EURO)


@pytest.mark.parametrize(
    ("fields", "settings"),
    [
        ({"model": "acme-secret-model"}, EURO),
        ({"cloud": False}, EURO),
        ({}, Settings(currency="EUR")),
    ],
)
def test_what_nobody_knows_the_price_of_is_unpriced(fields: dict[str, Any], settings: Settings) -> None:
    assert price(route(**fields), USAGE, settings) is None
    assert worst_case(route(**fields), {"messages": []}, settings) is None


def test_a_routes_own_prices_win_and_are_exact() -> None:
    own = route(cloud=False, input_price=Decimal("0.15"), output_price=Decimal("0.60"))

    assert price(own, Usage(1_000_000, 1_000_000), EURO) == 750_000
    assert price(own, Usage(1, 0), EURO) == 1  # rounded up: a call is never free


@pytest.mark.parametrize("kind", ["recorded", "simulated"])
def test_playing_back_and_simulating_are_free(kind: str) -> None:
    assert worst_case(route(kind=kind), {"messages": []}, EURO) == 0


def test_a_simulated_model_with_prices_is_charged_by_them() -> None:
    priced = route(kind="simulated", input_price=Decimal("0.80"), output_price=Decimal(4), cloud=False)
    answer = Completion({}, Usage(1_000, 100), "simulated", "simulated", 0, "stop")

    assert cost_of(priced, answer, EURO) == 1_200
    worst = worst_case(priced, {"messages": [{"role": "user", "content": "Hello"}]}, EURO)
    assert worst is not None
    assert worst >= 1_000


def test_an_answer_without_usage_costs_what_its_provider_assumed() -> None:
    told = Completion({}, USAGE, "gpt-4o", "live", None, "stop")
    silent = Completion({}, None, "gpt-4o", "live", 4_711, "stop")

    assert cost_of(route(), told, EURO) == price(route(), USAGE, EURO)
    assert cost_of(route(), silent, EURO) == 4_711


OWN = {"input_price": 1, "output_price": 1, "max_tokens": 1_000}


@given(st.lists(st.text(min_size=1), max_size=5), st.none() | st.integers(1, 5_000))
def test_the_worst_case_covers_every_answer_within_the_limit(texts: list[str], asked: int | None) -> None:
    request = {"messages": [{"role": "user", "content": text} for text in texts], "max_tokens": asked}

    cost = worst_case(route(**OWN), request, EURO)

    assert cost is not None
    assert cost >= len(canonical_bytes(request["messages"])) + min(asked or 1_000, 1_000)


@pytest.mark.parametrize(
    "more",
    [
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x" * 1_000}}},
        {"tools": [{"type": "function", "function": {"name": "f", "description": "x" * 1_000}}]},
        {"tool_choice": {"type": "function", "function": {"name": "x" * 1_000}}},
        {"stop": ["x" * 1_000]},
    ],
)
def test_everything_that_is_sent_is_priced(more: dict[str, Any]) -> None:
    bare, full = (worst_case(route(**OWN), {"messages": [], **fields}, EURO) for fields in ({}, more))

    assert bare is not None
    assert full is not None
    assert full >= bare + 1_000


def test_what_is_not_sent_is_not_priced() -> None:
    own = route(**OWN)
    assert worst_case(own, {"messages": [], "metadata": "x" * 1_000}, EURO) == worst_case(own, {"messages": []}, EURO)


@pytest.mark.parametrize("asked", [0, -5, 1.5, "50", True, [50]])
def test_a_limit_that_is_no_positive_whole_number_is_refused(asked: Any) -> None:
    with pytest.raises(InputError, match="max_tokens"):
        worst_case(route(**OWN), {"messages": [], "max_tokens": asked}, EURO)


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a.example/large.png"}}]},
        {"role": "user", "content": [{"type": "text", "text": "What is it?"}, {"type": "input_audio"}]},
        {"role": "user", "content": [{"type": "file", "file": {"file_id": "file_1"}}]},
        {"role": "user", "content": [{"image_url": {"url": "https://a.example/large.png"}}]},
        {"role": "user", "content": [{"type": "text", "text": "?", "image_url": "https://a.example/large.png"}]},
        {"role": "user", "content": ["What is it?"]},
        {"role": "user", "content": {"type": "image_url"}},
        {"role": "assistant", "audio": {"id": "audio_1"}},
        "What is it?",
    ],
)
def test_what_is_not_text_is_refused_because_its_cost_has_no_bound(message: Any) -> None:
    with pytest.raises(InputError, match="Message 1"):
        worst_case(route(**OWN), {"messages": [message]}, EURO)


@pytest.mark.parametrize("messages", [None, "hello", {"role": "user"}])
def test_messages_that_are_not_a_list_are_refused(messages: Any) -> None:
    with pytest.raises(InputError, match="messages"):
        worst_case(route(**OWN), {"messages": messages}, EURO)


@pytest.mark.parametrize("tools", [[{"type": "web_search"}], ["web_search"], {"type": "function"}])
def test_a_tool_that_runs_at_the_provider_is_refused(tools: Any) -> None:
    with pytest.raises(InputError, match=r"[Tt]ool"):
        worst_case(route(**OWN), {"messages": [], "tools": tools}, EURO)


def test_parts_of_text_are_text() -> None:
    message = {"role": "user", "content": [{"type": "text", "text": "x" * 100}], "audio": None}

    cost = worst_case(route(**OWN), {"messages": [message]}, EURO)

    assert cost is not None
    assert cost >= 1_100
