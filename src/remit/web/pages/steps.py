"""A step in words and values, as its template takes it."""

from collections.abc import Mapping
from typing import Any, cast

from remit.operations import StepContent
from remit.web.differences import differences


def step_context(step: StepContent) -> dict[str, Any]:
    """Returns what the template of a step takes."""
    arguments, asked = arguments_of(step.arguments), arguments_of(step.asked)
    changed = differences(asked, arguments) if step.content and step.asked is not None else []
    return {"step": step, "arguments": arguments, "result": result_of(step.result), "changed": changed}


def arguments_of(content: Any) -> Any:
    """Returns what an action was given, without its kind and name, which stand beside it."""
    return _inside(content, "arguments")


def result_of(content: Any) -> Any:
    """Returns what came back, without what it is wrapped in."""
    return _inside(content, "value")


def _inside(content: Any, name: str) -> Any:
    if not isinstance(content, Mapping):
        return content
    found = cast("Mapping[str, Any]", content)
    return found.get(name, found)
