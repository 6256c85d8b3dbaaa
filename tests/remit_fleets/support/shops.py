"""A small world, whoever calls its shop, and reads of it as facts and gates make them."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from remit.gateway import Read
from remit_fleets.support.shop.calls import Caller, Reply, carry_out
from remit_fleets.support.shop.definitions import DEFINITIONS
from remit_fleets.support.shop.faults import Fault
from remit_fleets.support.shop.records import ShopError
from remit_fleets.support.world import Intent, Order, Situation, make_world

SMALL_WORLD = make_world(7, 150)
NOBODY = "C-1"
AGENT = "refund-desk@1.0.0"


def caller(
    key: str = "r:1", *, task: str = "task_1", agent: str = AGENT, fences: Mapping[str, int] | None = None
) -> Caller:
    """Returns who calls under a key."""
    return Caller(key, task, "run_1", 1, agent, fences or {})


def call(
    shop: sqlite3.Connection,
    tool: str,
    who: Caller | None = None,
    faults: frozenset[Fault] = frozenset(),
    /,
    **arguments: Any,
) -> Reply:
    """Carries out one call, of an order for its owner unless somebody else is named."""
    return carry_out(shop, who or caller(), tool, for_owner(tool, arguments), faults)


def for_owner(tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Returns arguments with the customer whose order they name, when the tool wants to know and they do not say."""
    takes = DEFINITIONS[tool][1]["properties"]
    order = SMALL_WORLD.orders.get(arguments.get("order_id", ""))
    owner = order.customer_id if order else NOBODY
    return {**({"customer_id": owner} if {"order_id", "customer_id"} <= takes.keys() else {}), **arguments}


def situation(intent: Intent, place: int = 0) -> tuple[Situation, Order]:
    """Returns a situation of a kind and the order it is about."""
    found = [one for one in SMALL_WORLD.situations if one.intent == intent][place]
    return found, SMALL_WORLD.orders[found.order_id]


def reading(
    shop: sqlite3.Connection, *, task: str = "task_1", faults: frozenset[Fault] = frozenset(), key: str = "k"
) -> Read:
    """Returns the `read` that facts and gates are handed, over a shop."""

    async def read(tool: str, /, **arguments: Any) -> Any:
        try:
            who = caller(key, task=task)
            return carry_out(shop, who, tool.removeprefix("shop__"), arguments, faults).answer
        except ShopError:
            return None

    return read
