"""The agent of the fleet: as many calls of the model as it is given, each with as much context as the trace has."""

from collections.abc import Mapping
from typing import Any

from remit.runtime import ActionDeniedError, RunHandle

# About four characters are a token of English.
WORD = "lore "


async def agent(run: RunHandle) -> dict[str, int]:
    """Asks once for each call; one that no budget pays for any more is refused, and counted."""
    answered = refused = 0
    for call, tokens in run.input["calls"]:
        words = f"{call} " + (WORD * tokens)[: tokens * 4]
        try:
            await run.model([{"role": "user", "content": words}])
            answered += 1
        except ActionDeniedError as denied:
            if "budget" not in str(denied):
                raise
            refused += 1
    return {"answered": answered, "refused": refused}


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """Stands in the settings; the benchmark's own provider answers with the trace's tokens instead."""
    raise NotImplementedError("benchmarks/model_calls.py brings the provider")
