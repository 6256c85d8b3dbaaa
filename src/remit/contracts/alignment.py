"""Contracts beside each other: hand-offs that fit, events with one taker, no two writers in each other's way."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from remit.contracts.bounds import bounds
from remit.contracts.cells import can_hold
from remit.contracts.conditions import All, condition_of
from remit.contracts.declared import Level, Tool
from remit.contracts.field_types import FieldType, field_types
from remit.contracts.model import Contract, Finding, Fleet, ToolUse, Trigger
from remit.contracts.source import Source
from remit.contracts.validation import did_you_mean

Schema = Mapping[str, Any]
Claim = tuple[Contract, int, Trigger]


def check_alignment(fleet: Fleet) -> Iterator[Finding]:
    """Yields every place where two contracts do not go together."""
    for contract in fleet.contracts.values():
        yield from _given(contract, fleet)
        yield from _taken(contract, fleet)
    yield from _events(fleet)
    yield from _purposes(fleet)
    yield from _writers(fleet)


def breaking_changes(old: Contract, new: Contract, fleet: Fleet) -> list[Finding]:
    """Returns what no longer fits once `new` takes the place of `old`, each naming the agent it breaks."""
    givers = [giver for giver in fleet.contracts.values() if new.name in giver.terms.handoffs]
    takers = [fleet.contracts[name] for name in new.terms.handoffs if name in fleet.contracts]
    broken: list[Finding] = []
    at = _place(new)
    for taker in takers:
        known = set(misfits(old.terms.output, taker.terms.input))
        for name, problem, _ in set(misfits(new.terms.output, taker.terms.input)) - known:
            broken.append(at.finding("output", f"{taker.name} can no longer take a hand-off: {name} {problem}"))
    for giver in givers:
        known = set(misfits(giver.terms.output, old.terms.input))
        for name, problem, _ in set(misfits(giver.terms.output, new.terms.input)) - known:
            broken.append(at.finding("input", f"{giver.name} can no longer hand off to it: {name} {problem}"))
    return sorted(broken, key=str)


def misfits(given: Schema, taken: Schema, *, known: Schema | None = None) -> Iterator[tuple[str, str, bool]]:
    """Yields each field that a taker's input has another idea of than a giver's output, and whether it always fails.

    What the giver does not put out itself it may pass on from what is `known` to it: its own input.
    """
    gives = field_types(given)
    if not gives:  # free-form: nothing can be told
        return
    gives = {**field_types(known or {}), **gives}
    for name, wanted in field_types(taken).items():
        found = gives.get(name)
        if found is None:
            if wanted.required and not any(f"{name}.".startswith(f"{part}.") for part in gives):
                yield name, "is needed and not given", True
        elif not _fits(found, wanted):
            yield name, f"is {_shown(found)} and must be {_shown(wanted)}", True
        elif wanted.required and not found.required:
            yield name, "is needed and not always given", False


def _fits(found: FieldType, wanted: FieldType) -> bool:
    if "opaque" in (found.kind, wanted.kind):
        return True
    if wanted.kind == "array" and found.kind == "array":
        return _fits(FieldType(found.items, found.values), FieldType(wanted.items, wanted.values))
    if wanted.kind == "enum":
        return found.kind == "enum" and set(found.values) <= set(wanted.values)
    if wanted.kind == "string":
        return found.kind in ("string", "enum", "date", "date-time")
    return found.kind == wanted.kind or (found.kind, wanted.kind) == ("integer", "number")


def _shown(field: FieldType) -> str:
    if field.kind == "enum":
        return "one of " + ", ".join(field.values)
    return f"array of {field.items}" if field.kind == "array" else field.kind


def _given(contract: Contract, fleet: Fleet) -> Iterator[Finding]:
    at = _place(contract)
    for i, name in enumerate(contract.terms.handoffs):
        path = f"handoffs[{i}]" if f"handoffs[{i}]" in contract.lines else "handoffs"
        taker = fleet.contracts.get(name)
        if name == contract.name:
            yield at.finding(path, "An agent does not hand off to itself", "remove it")
        elif taker is None:
            yield from _unknown_agent(name, fleet, at, path)
        elif contract.name not in _givers(taker):
            problem = f"{name} takes no hand-offs from {contract.name}"
            yield at.finding(path, problem, f"add to {taker.path}: triggers: - {{on: handoff, from: {contract.name}}}")
        else:
            if any(step.agent == name for step in contract.steps):
                continue  # its steps say what is handed over, and are checked for it
            terms = contract.terms
            for field, problem, always in misfits(terms.output, taker.terms.input, known=terms.input):
                told = f"The output does not fit the input of {name}: {field} {problem}"
                # Code may find out what neither its input nor its output has; the gateway checks what it hands over.
                yield at.finding(path, told) if always and terms.code is None else at.warning(path, told)


def _taken(contract: Contract, fleet: Fleet) -> Iterator[Finding]:
    at = _place(contract)
    for i, trigger in enumerate(contract.terms.triggers):
        for name in trigger.givers:
            path = f"triggers[{i}].from"
            giver = fleet.contracts.get(name)
            if giver is None:
                yield from _unknown_agent(name, fleet, at, path)
            elif contract.name not in giver.terms.handoffs:
                problem = f"{name} never hands off to {contract.name}"
                yield at.finding(path, problem, f"add to {giver.path}: handoffs: [{contract.name}]")


def _events(fleet: Fleet) -> Iterator[Finding]:
    claims: dict[str, list[Claim]] = defaultdict(list)
    for contract in fleet.contracts.values():
        for i, trigger in enumerate(contract.terms.triggers):
            if trigger.on == "event" and trigger.name:
                claims[trigger.name].append((contract, i, trigger))
    for name, found in claims.items():
        for (first, _, one), (second, i, other) in combinations(found, 2):
            if first is not second and _may_both_fire((first, one), (second, other)):
                told = f"{first.name} claims the event {name!r} too, and both conditions can hold at once"
                yield _place(second).finding(f"triggers[{i}].when", told, "make the two exclude each other")


def _may_both_fire(one: tuple[Contract, Trigger], other: tuple[Contract, Trigger]) -> bool:
    mine, theirs = field_types(one[0].terms.input), field_types(other[0].terms.input)
    types = {**mine, **theirs}
    for name in mine.keys() & theirs.keys():
        values = tuple(dict.fromkeys((*mine[name].values, *theirs[name].values)))
        types[name] = FieldType(theirs[name].kind if mine[name].kind == theirs[name].kind else "string", values)
    conditions = All((condition_of(one[1].when), condition_of(other[1].when)))
    schemas = (one[0].terms.input, other[0].terms.input)  # the event's data must fit both
    return can_hold(All((conditions, *(bounds(schema, conditions) for schema in schemas))), types)


def _purposes(fleet: Fleet) -> Iterator[Finding]:
    first: dict[str, Contract] = {}
    for contract in fleet.contracts.values():
        same = first.setdefault(" ".join(contract.terms.purpose.casefold().split()), contract)
        if same is not contract:
            yield _place(contract).warning(
                "purpose", f"{same.name} has the same purpose", "merge them or tell them apart"
            )


def _writers(fleet: Fleet) -> Iterator[Finding]:
    writers: dict[str, list[tuple[Contract, int]]] = defaultdict(list)
    for contract in fleet.contracts.values():
        for i, use in enumerate(contract.terms.tools):
            tool = fleet.tools.get(use.use)
            if tool is not None and tool.effect == "write" and not tool.locks and _writes_alone(use, tool):
                writers[tool.name].append((contract, i))
    for name, found in writers.items():
        for contract, i in found[1:]:
            told = f"{found[0][0].name} also calls {name} without asking, and nothing keeps the two apart"
            yield _place(contract).warning(
                f"tools[{i}].use", told, "declare locks: for the tool, or let one agent own it"
            )


def _writes_alone(use: ToolUse, tool: Tool) -> bool:
    levels = [rule.level for rule in use.autonomy] or [tool.proposed_level]
    return Level.AUTONOMOUS in levels


def _givers(contract: Contract) -> set[str]:
    return {name for trigger in contract.terms.triggers for name in trigger.givers}


def _unknown_agent(name: str, fleet: Fleet, at: Source, path: str) -> Iterator[Finding]:
    if f"agents/{name}.agent.md" not in fleet.unread:
        yield at.finding(path, f"There is no agent {name!r}", did_you_mean(name, fleet.contracts))


def _place(contract: Contract) -> Source:
    return Source(contract.path, lines=contract.lines)
