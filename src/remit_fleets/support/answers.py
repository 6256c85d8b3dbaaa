"""Reading the shop for facts and gates, without taking an answer to another question for an answer."""

from collections.abc import Mapping
from typing import Any, cast

from remit.gateway import Read


class AnotherAnswerError(Exception):
    """The shop answered about something else than was asked for."""


async def asked(read: Read, tool: str, **arguments: Any) -> Mapping[str, Any] | None:
    """Returns what the shop answers, or None when it refused; raises when the answer is about something else."""
    answer = await read(f"shop__{tool}", **arguments)
    if answer is None:
        return None
    if why := misfit(arguments, answer):
        raise AnotherAnswerError(why)
    return answer


def misfit(arguments: Mapping[str, Any], answer: Any) -> str:
    """Returns why an answer does not fit what was asked, or nothing: each argument is to be found in it again."""
    if not isinstance(answer, Mapping):
        return "the answer is no object"
    told = cast("Mapping[str, Any]", answer)
    for name, value in arguments.items():
        if name not in told:
            return f"the answer does not say which {name} it is about"
        if _plain(told[name]) != _plain(value):
            return f"the answer is about another {name} than was asked for"
    return ""


def order_in(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Returns whose order, and which, the arguments of a call name."""
    return {name: arguments[name] for name in ("order_id", "customer_id")}


def cents(amount: float) -> int:
    """Returns EUR as whole cents."""
    return round(amount * 100)


def _plain(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value
