"""The triggers of a contract: can each of them fire, and does what it starts with fit?"""

from collections.abc import Iterator, Mapping
from typing import cast

from remit.contracts.check_conditions import check_condition
from remit.contracts.field_types import field_types
from remit.contracts.model import Contract, Finding, Trigger
from remit.contracts.schemas import compile_schema
from remit.contracts.source import Source
from remit.core import JsonValue

# The fields each kind of trigger needs, and those it has no use for.
_FIELDS: Mapping[str, tuple[str, frozenset[str]]] = {
    "task": ("", frozenset(("name", "cron", "timezone", "missed", "input", "from"))),
    "event": ("name", frozenset(("cron", "timezone", "missed", "input", "from"))),
    "schedule": ("cron", frozenset(("name", "when", "from"))),
    "handoff": ("from", frozenset(("name", "cron", "timezone", "missed", "input"))),
}


def check_triggers(contract: Contract, at: Source) -> Iterator[Finding]:
    """Yields what is wrong with each trigger alone; what others have to do with it is `alignment`'s."""
    schema = contract.terms.input
    for i, trigger in enumerate(contract.terms.triggers):
        path = f"triggers[{i}]"
        needed, useless = _FIELDS[trigger.on]
        if needed and not trigger.model_dump(by_alias=True)[needed]:
            yield at.finding(path, f"A trigger on: {trigger.on} needs {needed}:, it would never fire")
        for name in sorted(_written(trigger) & useless):
            yield at.finding(f"{path}.{name}", f"A trigger on: {trigger.on} has no use for {name}")
        yield from check_condition(trigger.when, field_types(schema), at, f"{path}.when", schema=schema)
        if trigger.on == "schedule":
            yield from _schedule_input(contract, trigger, at, f"{path}.input")
    yield from _twice(contract, at)


def _schedule_input(contract: Contract, trigger: Trigger, at: Source, path: str) -> Iterator[Finding]:
    value: JsonValue = {} if trigger.input is None else trigger.input
    if not isinstance(value, dict):
        yield at.finding(path, "The schedule's input is no object", "write {field: value}")
        return
    for problem in compile_schema(contract.terms.input).problems(cast("dict[str, JsonValue]", value)):
        yield at.finding(path, f"The schedule's input does not fit the contract's: {problem}")


def _twice(contract: Contract, at: Source) -> Iterator[Finding]:
    seen: list[Trigger] = []
    for i, trigger in enumerate(contract.terms.triggers):
        if trigger.on == "schedule" and any(_is_same(trigger, other) for other in seen):
            told = "The same schedule with the same input stands here twice"
            yield at.finding(f"triggers[{i}]", told, "each due time would start two tasks; remove one")
        seen.append(trigger)


def _is_same(one: Trigger, other: Trigger) -> bool:
    mine, theirs = one.cron.lower().split(), other.cron.lower().split()
    same_times = mine == theirs and one.timezone == other.timezone
    return other.on == "schedule" and same_times and (one.input or {}) == (other.input or {})


def _written(trigger: Trigger) -> set[str]:
    names = {"givers": "from"}
    return {names.get(name, name) for name in trigger.model_fields_set}
