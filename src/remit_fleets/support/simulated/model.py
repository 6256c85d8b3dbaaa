"""The SIMULATED model's one function: reads a request, decides by rule, and makes its stated mistakes."""

from collections.abc import Mapping
from typing import Any

from remit_fleets.support.simulated.asked import read_request
from remit_fleets.support.simulated.desks import DECIDE
from remit_fleets.support.simulated.faults import spoil
from remit_fleets.support.simulated.letters import write_letter


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the next message of the agent that the system prompt names."""
    asked = read_request(request)
    if asked.agent not in (*DECIDE, "follow-up"):
        return {"role": "assistant", "content": "This simulated model plays the agents of the support fleet only."}
    right = write_letter(asked) if asked.agent == "follow-up" else DECIDE[asked.agent](asked)
    return spoil(asked, right)
