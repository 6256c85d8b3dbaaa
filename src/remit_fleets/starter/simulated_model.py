"""A SIMULATED model for the supplies desk: fixed rules that read the request; no model is asked, no key is needed."""

import json
import re
from typing import Any

_ITEMS = ("coffee", "paper", "pens", "chair", "standing desk", "drain cleaner")


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Returns the desk's next message: first what is wanted, then a word to the person who asked."""
    told = json.loads(next(m["content"] for m in request["messages"] if m["role"] == "user"))
    message = _what_happened(told["results"]) if "results" in told else _what_is_wanted(told["request"])
    return {"role": "assistant", "content": json.dumps(message)}


def _what_is_wanted(text: str) -> dict[str, Any]:
    number = re.search(r"\d+", text)
    item = next((name for name in _ITEMS if name in text.casefold()), text)
    return {"item": item[:40], "quantity": int(number[0]) if number else 1, "why": text[:500], "confidence": 0.9}


def _what_happened(results: dict[str, Any]) -> dict[str, Any]:
    order = results.get("3")
    if order is None:
        return {"ordered": False, "text": f"Nothing was ordered: the store has run out of {results['2']['item']}."}
    return {"ordered": True, "text": f"Ordered: {order['quantity']} x {order['item']}, {order['total']:.2f} EUR."}
