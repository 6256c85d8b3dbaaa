"""Whom a step acts for: does its subject come from the task, or may a model say it?"""

from collections.abc import Iterator, Mapping, Sequence

from remit.contracts.field_types import field_types
from remit.contracts.model import Contract, Finding, Fleet, Step
from remit.contracts.source import Source


def check_subjects(contract: Contract, fleet: Fleet) -> Iterator[Finding]:
    """Yields a warning for each argument that says whom a step acts for, and that a model's answer may give."""
    for place, step in enumerate(contract.steps):
        before, where = contract.steps[:place], Source(contract.path, lines={"": step.line})
        for kind, argument in _subjects_of(step, fleet).items():
            if not _may_come_from_a_model(step.inputs.get(argument, ""), argument, before, fleet):
                continue
            problem = f"a model's answer may say which {kind} {step.tool or step.agent} acts for: {argument}"
            yield where.warning(f"steps[{step.number}]", problem, _better(argument, contract, before, fleet))


def _subjects_of(step: Step, fleet: Fleet) -> dict[str, str]:
    """Returns the arguments of a step that name a subject, by its kind; not of writes, which policy keeps to the task's."""
    tool, taker = fleet.tools.get(step.tool), fleet.contracts.get(step.agent)
    if tool and tool.effect == "write":
        return {}
    declared: Mapping[str, str] = tool.subjects if tool else taker.terms.subjects if taker else {}
    return {kind: path for kind, path in declared.items() if not path.startswith("facts.")}


def _may_come_from_a_model(source: str, argument: str, before: Sequence[Step], fleet: Fleet) -> bool:
    head, _, rest = source.partition(".")
    if head == "input":
        return False
    if head == "steps":
        return any(str(step.number) == rest.partition(".")[0] and step.is_model for step in before)
    for step in reversed(before):  # by name: the latest result that has it
        if step.is_model:
            return True
        if not step.when and argument in _sure(step, fleet):
            return False
    return False


def _better(argument: str, contract: Contract, before: Sequence[Step], fleet: Fleet) -> str:
    """Returns what to write instead."""
    if argument in field_types(contract.terms.input):
        return f"write: with `{argument} = input.{argument}`"
    known = [step for step in before if argument in field_types(_output_of(step, fleet))]
    if known:
        return f"write: with `{argument} = steps.{known[0].number}.{argument}`"
    return f"write: with `{argument} = …`, from the input or a tool's result"


def _output_of(step: Step, fleet: Fleet) -> Mapping[str, object]:
    tool, taker = fleet.tools.get(step.tool), fleet.contracts.get(step.agent)
    return tool.output if tool else taker.terms.output if taker else {}


def _sure(step: Step, fleet: Fleet) -> set[str]:
    """Returns the fields that a step's result always has."""
    return {name for name, kind in field_types(_output_of(step, fleet)).items() if kind.required}
