"""What a model call costs, in micro-units of the cell's currency: the route's own prices, or the public price table.

None means unpriced: the table does not know the model, or `exchange` does not know the dollar.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal
from typing import Any

import genai_prices

from remit.core import MICRO, InputError, ModelRoute, Settings
from remit.gateway.providers.dialect import AnswerStream
from remit.gateway.providers.dialects import longest_body
from remit.gateway.providers.model import Completion, Usage
from remit.gateway.providers.request import answer_tokens

# No token has less than one byte. English has four, but whoever writes the text chooses how many it has, and a hold
# that can be too small is no limit. What is held in excess comes back with the answer.
BYTES_PER_TOKEN = 1
# Anthropic puts instructions of its own before a request with tools: up to 530 tokens, and they are charged.
TOOL_PROMPT_TOKENS = 1_000


def price(route: ModelRoute, usage: Usage, settings: Settings) -> int | None:
    """Returns what `usage` costs on `route`, rounded up; playing back and simulating cost nothing.

    A simulated model that is given prices is charged by them, so that figures have the size of real ones; its charges
    say that they are simulated.
    """
    if _is_free(route):
        return 0
    if (units := _units(route, usage, settings)) is None:
        return None
    return int((units * MICRO).to_integral_value(ROUND_CEILING))


def worst_case(route: ModelRoute, request: Mapping[str, Any], settings: Settings) -> int | None:
    """Returns what one try of `request` can cost at most: all that is sent, uncached, and the longest answer.

    A request whose cost has no bound is an `InputError`.
    """
    return price(route, _most_usage(route, request), settings)


def estimate(route: ModelRoute, request: Mapping[str, Any], stream: AnswerStream, settings: Settings) -> int | None:
    """Returns what an answer that was cut off may be charged: by what was told and received, at most the worst case.

    Nobody knows how much was written before the first word came; until then it is the worst case.
    """
    worst = worst_case(route, request, settings)
    told = stream.usage
    if worst is None or (told is None and not stream.received):
        return worst
    if told is None:
        told = Usage(_most_usage(route, request).input_tokens, 0)
    if not stream.done:
        told = replace(told, output_tokens=max(told.output_tokens, stream.received // BYTES_PER_TOKEN))
    cost = price(route, told, settings)
    return None if cost is None else min(cost, worst) or worst  # who tells of no usage half way tells nothing


def _most_usage(route: ModelRoute, request: Mapping[str, Any]) -> Usage:
    unseen = TOOL_PROMPT_TOKENS if route.kind == "anthropic" and request.get("tools") else 0
    return Usage(len(longest_body(route, request)) // BYTES_PER_TOKEN + unseen, answer_tokens(route, request))


def cost_of(route: ModelRoute, completion: Completion, settings: Settings) -> int | None:
    """Returns what `completion` cost; where the provider told no usage, what the provider was told to assume."""
    if completion.usage is None or _is_free(route):
        return completion.cost_micros
    return price(route, completion.usage, settings)


def check_prices(route: ModelRoute) -> None:
    """Raises `InputError` when the route's own prices make no sense."""
    own = (route.input_price, route.output_price)
    if own.count(None) == 1:
        raise InputError("A model has one price of two", which=route.model, hint="Set input_price and output_price")
    if any(one is not None and one < 0 for one in own):
        raise InputError("A price is negative", which=route.model)


def _is_free(route: ModelRoute) -> bool:
    return route.kind == "recorded" or (route.kind == "simulated" and route.input_price is None)


def warm_up() -> None:
    """Loads the price table, which takes a noticeable moment; never over the network."""
    _in_table("gpt-4o", None, None, Usage(1, 1))


def _units(route: ModelRoute, usage: Usage, settings: Settings) -> Decimal | None:
    if route.input_price is not None and route.output_price is not None:
        return (route.input_price * usage.input_tokens + route.output_price * usage.output_tokens) / 1_000_000
    rate = Decimal(1) if settings.currency == "USD" else settings.exchange.get("USD")
    # A model on our own premises may have a public model's name, but not its price.
    if rate is None or not route.cloud:
        return None
    # A company's proxy in front of a public model is not in the table by its address, but the model is by its name.
    maker = "anthropic" if route.kind == "anthropic" else None
    for address, provider in ((route.base_url, None), (None, maker)):
        if (dollars := _in_table(route.model, address, provider, usage)) is not None:
            return dollars * rate
    return None


def _in_table(model: str, address: str | None, provider: str | None, usage: Usage) -> Decimal | None:
    counted = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
    )
    try:
        if provider is not None:
            return genai_prices.calc_price(counted, model, provider_id=provider).total_price
        return genai_prices.calc_price(counted, model, provider_api_url=address or None).total_price
    except LookupError:
        return None
