"""A SIMULATED model for the refund desk: fixed rules that read the ticket; no model is asked anything."""

import json
import re
from typing import Any

_AMOUNT = re.compile(r"(\d+(?:\.\d{1,2})?)")
_CONFIDENCE = re.compile(r"confidence (0(?:\.\d+)?|1)")


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Returns the desk's next message: the decision first, then a word to the customer."""
    told = json.loads(next(m["content"] for m in request["messages"] if m["role"] == "user"))
    message = _next_word(told) if "3" in told["results"] or "2" in told["results"] else _decision(told)
    return {"role": "assistant", "content": json.dumps(message)}


def _decision(told: dict[str, Any]) -> dict[str, Any]:
    message, order = told["input"]["message"], told["results"]["1"]
    named = _AMOUNT.search(message.replace(order["order_id"], ""))
    amount = float(named.group(1)) if named else order["paid"]
    stated = _CONFIDENCE.search(message)
    refund = order["status"] == "delivered" and order["refunded"] == 0
    why = "the customer asks for it and the order was delivered" if refund else "nothing is left to refund"
    return {"refund": refund, "amount": amount, "why": why, "confidence": float(stated.group(1)) if stated else 0.9}


def _next_word(told: dict[str, Any]) -> dict[str, Any]:
    decision, refund = told["results"]["2"], told["results"].get("3")
    if refund:
        return {"resolved": True, "text": f"We have refunded {refund['amount']:g} to you: {decision['why']}."}
    return {"resolved": True, "text": f"We cannot refund this: {decision['why']}."}
