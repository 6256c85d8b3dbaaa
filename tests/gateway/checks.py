"""Facts and gates of a fleet that was written badly."""

import asyncio
from collections.abc import Mapping
from typing import Any

from remit.gateway import Read


async def raising(read: Read, arguments: Mapping[str, Any], other: Any) -> Any:
    raise RuntimeError("the database of facts is gone")


async def endless(read: Read, arguments: Mapping[str, Any], other: Any) -> Any:
    await asyncio.Event().wait()


async def undeclared(read: Read, arguments: Mapping[str, Any], subjects: Mapping[str, str]) -> Mapping[str, Any]:
    return {"delivered": True, "open_amount": 40, "vip": True}


async def mistyped(read: Read, arguments: Mapping[str, Any], subjects: Mapping[str, str]) -> Mapping[str, Any]:
    return {"delivered": "yes", "open_amount": 40}


async def no_mapping(read: Read, arguments: Mapping[str, Any], subjects: Mapping[str, str]) -> Any:
    return ["delivered"]


async def unknown(read: Read, arguments: Mapping[str, Any], subjects: Mapping[str, str]) -> Mapping[str, Any]:
    return {"delivered": None, "open_amount": None}


async def nothing(read: Read, arguments: Mapping[str, Any], subjects: Mapping[str, str]) -> Mapping[str, Any]:
    return {}


async def writing(read: Read, arguments: Mapping[str, Any], subjects: Mapping[str, str]) -> Mapping[str, Any]:
    await read("shop__issue_refund", **arguments)
    return {"delivered": True, "open_amount": 40}


async def reading(read: Read, arguments: Mapping[str, Any], subjects: Mapping[str, str]) -> Mapping[str, Any]:
    order = await read("shop__get_order", order_id=arguments["order_id"])
    return {"delivered": order.get("status") != "lost"}


async def meddling(read: Read, arguments: Any, subjects: Any) -> Mapping[str, Any]:
    """Changes what it is shown; what is sent must not change with it."""
    arguments["amount"] = 30
    subjects["order"] = "R-2"
    return {"delivered": True, "open_amount": 40}


async def no(read: Read, arguments: Mapping[str, Any], result: Any) -> str:
    return "the moon is full"


async def no_text(read: Read, arguments: Mapping[str, Any], result: Any) -> Any:
    return None


async def silent(call: Any, arguments: Mapping[str, Any]) -> Any:
    """Looks up and never answers."""
    await asyncio.Event().wait()
