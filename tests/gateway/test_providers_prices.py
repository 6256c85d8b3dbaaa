"""Prices: exact, in the cell's currency, never lower than what a call can cost, and None when nobody knows."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core import ModelRoute, Settings, canonical_bytes
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


def test_an_answer_without_usage_costs_what_its_provider_assumed() -> None:
    told = Completion({}, USAGE, "gpt-4o", "live", None, "stop")
    silent = Completion({}, None, "gpt-4o", "live", 4_711, "stop")

    assert cost_of(route(), told, EURO) == price(route(), USAGE, EURO)
    assert cost_of(route(), silent, EURO) == 4_711


@given(st.lists(st.text(min_size=1), max_size=5), st.none() | st.integers(-5, 5_000) | st.text() | st.booleans())
def test_the_worst_case_covers_every_answer_within_the_limit(texts: list[str], asked: Any) -> None:
    own = route(input_price=1, output_price=1, max_tokens=1_000)
    request = {"messages": [{"role": "user", "content": text} for text in texts], "max_tokens": asked}

    cost = worst_case(own, request, EURO)

    allowed = asked if type(asked) is int and 0 < asked <= 1_000 else 1_000
    assert cost is not None
    assert cost >= len(canonical_bytes(texts)) // 3 + allowed
