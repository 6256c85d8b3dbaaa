"""The agent of the generated fleet, the model it asks, and what is true of its payments."""

import json
from collections.abc import Mapping
from typing import Any

from fleet_desk import Desk, open_desk
from remit.gateway import Read, ToolCall
from remit.runtime import RunHandle, ToolFailedError

WORDS = "We looked at your case, reserved what you ordered and paid what was owed. " * 2


async def agent(run: RunHandle) -> dict[str, Any]:
    """Eight governed steps: two reads, a model, five writes; one that fails is tried once more."""
    case_id = run.input["case_id"]
    case = await run.tool("desk__get_case", case_id=case_id)
    question = f"Decide how much is owed, as JSON with pay and why. The case: {json.dumps(case)}"
    decided = json.loads((await run.model([{"role": "user", "content": question}]))["content"])
    await run.tool("desk__get_stock", shelf=case["shelf"])
    await _call(run, "desk__note", case_id=case_id, text=decided["why"])
    await _call(run, "desk__reserve", case_id=case_id, shelf=case["shelf"])
    paid = await _call(run, "desk__pay", case_id=case_id, amount=decided["pay"])
    await _call(run, "desk__notify", case_id=case_id, text=WORDS)
    closed = await _call(run, "desk__close_case", case_id=case_id)
    return {"paid": paid["amount"], "closed": closed["status"] == "closed"}


async def _call(run: RunHandle, tool: str, **arguments: Any) -> Any:
    try:
        return await run.tool(tool, **arguments)
    except ToolFailedError:
        return await run.tool(tool, **arguments)


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """The simulated model: what the case says is owed."""
    said = request["messages"][-1]["content"]
    case = json.loads(said[said.index("{") :])
    told = {"pay": case["amount"], "why": f"{case['amount']:.2f} is owed, {case['paid']:.2f} was paid before"}
    return {"role": "assistant", "content": json.dumps(told)}


async def payment_facts(read: Read, arguments: Mapping[str, Any], subjects: Mapping[str, str]) -> Mapping[str, Any]:
    """Finds out whether the case is open and unpaid."""
    case = await read("desk__get_case", case_id=arguments["case_id"])
    return {"unpaid": case["status"] == "open" and case["paid"] == 0} if case else {}


async def is_paid(read: Read, arguments: Mapping[str, Any], result: Any) -> str:
    """What the desk says it paid stands in its books."""
    case = await read("desk__get_case", case_id=arguments["case_id"])
    return "" if case and case["paid"] == arguments["amount"] else "the payment is not in the books"


async def find_payment(call: ToolCall, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Looks for the payment of a call whose answer was lost."""
    database = open_desk(Desk.latest)
    try:
        query = "select 1 from effects where key = ? and tool = 'pay'"
        found = database.execute(query, (call.key,)).fetchone() is not None
    finally:
        database.close()
    return {"performed": found, "result": {"payment": call.key, "amount": arguments["amount"]} if found else None}
