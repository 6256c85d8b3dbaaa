"""One condition of a contract: can it be decided, and can it ever hold?"""

from collections.abc import Iterator, Mapping
from typing import Any

from remit.contracts.bounds import bounds
from remit.contracts.cells import can_hold
from remit.contracts.condition_types import condition_problems
from remit.contracts.conditions import All, parse_condition
from remit.contracts.field_types import FieldType
from remit.contracts.model import Finding
from remit.contracts.source import Source

_FREE: Mapping[str, Any] = {}


def check_condition(
    text: str, types: Mapping[str, FieldType], at: Source, path: str, *, schema: Mapping[str, Any] = _FREE
) -> Iterator[Finding]:
    """Yields what is wrong with the condition `text`, which stands at `path`; no text always holds.

    `schema` is what the values fit, for the bounds of its numbers.
    """
    if not text:
        return
    condition = parse_condition(text)
    problems = list(condition_problems(condition, types))
    yield from (at.finding(path, problem, suggestion) for problem, suggestion in problems)
    if not problems and not can_hold(All((condition, bounds(schema, condition))), types):
        yield at.finding(path, f"{text!r} can never hold", "nothing would ever come of it; mend or remove it")
