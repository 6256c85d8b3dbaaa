"""The steps of a contract: is each tool granted, and does each argument come from somewhere?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from remit.contracts.condition_types import CONFIDENCE, condition_problems
from remit.contracts.conditions import fields_of, parse_condition
from remit.contracts.declared import Tool
from remit.contracts.field_types import FieldType, field_types
from remit.contracts.model import Contract, Finding, Fleet, Step
from remit.contracts.source import Source
from remit.contracts.validation import did_you_mean

Types = Mapping[str, FieldType]


@dataclass(slots=True)
class _Known:
    """What is known before a step: the input, and the result of each step so far (None: it may hold anything)."""

    input: Types
    results: dict[int, Types | None] = field(default_factory=dict[int, Types | None])

    @property
    def open(self) -> bool:
        return None in self.results.values()

    def names(self) -> Types:
        """Returns what a bare name may mean; the latest result comes first."""
        known = dict(self.input) | {f"input.{name}": kind for name, kind in self.input.items()}
        for result in self.results.values():
            known |= result or {}
        return known

    def problem(self, path: str) -> str:
        """Returns why `path` leads nowhere, or `""`."""
        head, _, rest = path.partition(".")
        if head == "input":
            return "" if not rest or _leads(rest, self.input) else f"the input has no {rest!r}"
        if head == "steps":
            return self._result_problem(*rest.partition(".")[::2])
        return "" if self.open or _leads(path, self.names()) else f"neither the input nor a result so far has {path!r}"

    def _result_problem(self, number: str, rest: str) -> str:
        if not number.isdecimal() or int(number) not in self.results:
            return f"there is no step {number!r} before this one"
        result = self.results[int(number)]
        return "" if result is None or not rest or _leads(rest, result) else f"step {number} gives no {rest!r}"


def check_steps(contract: Contract, fleet: Fleet, at: Source) -> Iterator[Finding]:
    """Yields every mistake in the steps of a contract."""
    known = _Known(field_types(contract.terms.input))
    for step in contract.steps:
        where = Source(contract.path, lines={"": step.line})
        path = f"steps[{step.number}]"
        tool = fleet.tools.get(step.tool)
        yield from _when(step, known, where, path)
        for argument, source in step.inputs.items():
            if problem := known.problem(source):
                yield where.finding(path, f"{argument} = {source}: {problem}", "paths: input.FIELD, steps.N.FIELD")
        if step.tool:
            yield from _tool_step(step, tool, contract, known, where)
        taker = fleet.contracts.get(step.agent)
        if step.agent:
            yield from _handoff_step(step, taker, contract, known, where)
        output = tool.output if tool else taker.terms.output if taker else {}
        known.results[step.number] = field_types(output) or None


def _tool_step(step: Step, tool: Tool | None, contract: Contract, known: _Known, where: Source) -> Iterator[Finding]:
    path = f"steps[{step.number}]"
    if contract.tool_use(step.tool) is None:
        granted = [use.use for use in contract.terms.tools]
        yield where.finding(path, f"The contract does not grant {step.tool!r}", did_you_mean(step.tool, granted))
    if tool is None:
        return  # told where it is granted
    yield from _arguments(step, tool.input, tool.name, known, where)


def _arguments(step: Step, schema: Mapping[str, Any], name: str, known: _Known, where: Source) -> Iterator[Finding]:
    path = f"steps[{step.number}]"
    properties: Mapping[str, object] = schema.get("properties", {})
    for argument in step.inputs:
        if argument not in properties:
            yield where.finding(path, f"{name} has no argument {argument!r}", did_you_mean(argument, properties))
    required: list[str] = schema.get("required", [])
    for argument in required:
        if argument not in step.inputs and known.problem(argument):
            problem = f"{name} needs {argument}, which neither the input nor a result so far has"
            yield where.finding(path, problem, f"write: with `{argument} = …`")


def _handoff_step(
    step: Step, taker: Contract | None, contract: Contract, known: _Known, where: Source
) -> Iterator[Finding]:
    path = f"steps[{step.number}]"
    granted = contract.terms.handoffs
    if step.agent not in granted:
        suggestion = did_you_mean(step.agent, granted) or f"add to handoffs: [{step.agent}]"
        yield where.finding(path, f"The contract does not hand off to {step.agent!r}", suggestion)
    if taker is not None:
        yield from _arguments(step, taker.terms.input, taker.name, known, where)


def _when(step: Step, known: _Known, where: Source, path: str) -> Iterator[Finding]:
    if not step.when:
        return
    condition = parse_condition(step.when)
    types = {**CONFIDENCE, **known.names()}
    if known.open and any(str(name) not in types for name in fields_of(condition)):
        return  # a model's answer, or a result without a schema, may have it
    for problem, suggestion in condition_problems(condition, types):
        yield where.finding(path, problem, suggestion)


def _leads(path: str, types: Types) -> bool:
    """Whether `path` names a field, an object of fields, or something inside a free-form value."""
    parts = path.split(".")
    above = [".".join(parts[:size]) for size in range(1, len(parts))]
    free = any(types[name].kind in ("opaque", "array") for name in above if name in types)
    return free or path in types or any(name.startswith(f"{path}.") for name in types)
