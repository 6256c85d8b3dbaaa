"""Epistemic gates: code of the fleet that checks an action against a source of truth, before it or after.

A gate answers "" when its claim holds and otherwise why not. A gate that fails, is too slow or answers anything else
has not decided, and what is not decided is denied.
"""

import asyncio
import importlib
import inspect
from collections.abc import Awaitable, Callable, Mapping
from copy import deepcopy
from typing import Any, cast

from remit.core import InputError, JsonValue

# A reason is read by an agent and kept in the log; a longer one is a report.
LONGEST_REASON = 500
UNDECIDED = "could not be decided"
"""What stands in every reason that is a fault and no rule: asked again later, the answer may be another one."""

Read = Callable[..., Awaitable[JsonValue]]
Gate = Callable[[Read, Mapping[str, Any], JsonValue], Awaitable[str]]
Function = Callable[..., Any]

_HINT = "Write `module:function`, with the fleet's package importable"


def load_function(reference: str) -> Function:
    """Returns the function `module:function` names; Python keeps the module, so asking again costs a microsecond."""
    module_name, _, name = reference.partition(":")
    if not name.isidentifier() or not all(part.isidentifier() for part in module_name.split(".")):
        raise InputError("Not a reference to a function", which=reference, hint=_HINT)
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        told = f"{type(error).__name__}: {error}"
        raise InputError("Cannot import the module of", which=reference, why=told, hint=_HINT) from error
    function = getattr(module, name, None)
    if not callable(function):
        why = f"module {module_name} has no function {name}" if function is None else f"{name} is no function"
        raise InputError("Cannot load", which=reference, why=why, hint=_HINT)
    return cast("Function", function)


def load_code(reference: str) -> Callable[..., Awaitable[Any]]:
    """Returns the async function `module:function` names; a plain function is an `InputError`."""
    function = load_function(reference)
    if not inspect.iscoroutinefunction(function):
        raise InputError("Cannot load", which=reference, why="it is not async", hint="Write it as `async def`")
    return function


async def run_gate(
    function: Gate, read: Read, arguments: Mapping[str, Any], result: JsonValue, *, seconds: float
) -> str:
    """Returns "" when the gate holds, else why not: its own reason, or that it could not be decided."""
    # A gate judges; it is handed copies because what it is shown is what is sent.
    shown, outcome = deepcopy(dict(arguments)), deepcopy(result)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    answer: object = None
    failure = ""
    try:
        async with asyncio.timeout_at(deadline):
            answer = await function(read, shown, outcome)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever it is, the gate has not decided
        # Only the kind: the message may repeat what the gate was looking at.
        failure = f"it failed with {type(error).__name__}"
    # Read from the clock, because a gate can swallow its cancellation or never let the loop run.
    if loop.time() >= deadline:
        failure = f"it took longer than {seconds:g} seconds"
    elif not failure and not isinstance(answer, str):
        failure = f"it answered {type(answer).__name__} instead of text"
    if failure:
        name = getattr(function, "__name__", type(function).__name__)
        return f"the gate {name} {UNDECIDED}: {failure}"
    return str(answer)[:LONGEST_REASON]
