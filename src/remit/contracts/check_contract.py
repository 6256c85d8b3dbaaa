"""One contract against its fleet: does everything it names exist, and can every condition be decided?"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from remit.contracts.check_cases import check_cases
from remit.contracts.check_conditions import check_condition
from remit.contracts.check_steps import check_steps
from remit.contracts.check_subjects import check_subjects
from remit.contracts.check_triggers import check_triggers
from remit.contracts.condition_types import CONFIDENCE
from remit.contracts.declared import Level, Tool
from remit.contracts.field_types import FieldType, field_types, scalar_type
from remit.contracts.model import AutonomyRule, Contract, Finding, Fleet, ToolUse
from remit.contracts.source import Source
from remit.contracts.validation import did_you_mean

_FREEDOM = tuple(Level)  # from the least to the most


def check_contract(contract: Contract, fleet: Fleet) -> Iterator[Finding]:
    """Yields every mistake in one contract."""
    at = Source(contract.path, lines=contract.lines)
    yield from _people(contract, fleet, at)
    yield from check_triggers(contract, at)
    yield from _task(contract, at)
    for i, use in enumerate(contract.terms.tools):
        yield from _tool_use(contract, fleet, use, at, f"tools[{i}]")
    yield from _tools_as_a_whole(contract, fleet, at)
    yield from _oversight(contract, fleet, at)
    yield from _limits(contract, at)
    yield from _undoing(contract, fleet, at)
    yield from check_steps(contract, fleet, at)
    yield from check_subjects(contract, fleet)
    yield from check_cases(contract, fleet, at)


def authority_types(tool: Tool) -> Mapping[str, FieldType]:
    """Returns what the conditions of an authority table may speak of: the tool's input, its facts, confidence."""
    facts = tool.facts.gives if tool.facts else {}
    return {
        **field_types(tool.input),
        **{f"facts.{name}": scalar_type(schema) for name, schema in facts.items()},
        **CONFIDENCE,
    }


def _roles(roles: Iterable[str], fleet: Fleet, at: Source, path: str) -> Iterator[Finding]:
    if not fleet.people:  # then roles come from elsewhere, such as an identity provider
        return
    for role in roles:
        if role and role not in fleet.roles:
            yield at.finding(path, f"Nobody has the role {role!r}", did_you_mean(role, fleet.roles))


def _people(contract: Contract, fleet: Fleet, at: Source) -> Iterator[Finding]:
    terms = contract.terms
    for path, people in (("owner", (terms.owner,)), ("experts", terms.experts)):
        for person in people:
            if fleet.people and person not in fleet.people:
                yield at.warning(path, f"people.yaml does not know {person}", did_you_mean(person, fleet.people))


def _task(contract: Contract, at: Source) -> Iterator[Finding]:
    terms = contract.terms
    types = field_types(terms.input)
    yield from check_condition(terms.success, field_types(terms.output), at, "success")
    for kind, name in terms.subjects.items():
        if name not in types:
            yield at.finding(f"subjects.{kind}", f"The input has no field {name!r}", did_you_mean(name, types))
    if terms.intent and types.get(terms.intent, FieldType("opaque")).kind not in ("string", "enum"):
        yield at.finding("intent", f"The input has no text {terms.intent!r}", did_you_mean(terms.intent, types))


def _tool_use(contract: Contract, fleet: Fleet, use: ToolUse, at: Source, path: str) -> Iterator[Finding]:
    if use.use in contract.terms.never:
        yield at.finding(f"{path}.use", f"{use.use} is also in never", "remove it from one of the two")
    yield from _gates((use.gate.before, use.gate.after), fleet, at, f"{path}.gate")
    yield from _intents(contract, use, at, path)
    for j, rule in enumerate(use.autonomy):
        yield from _answerers(contract, fleet, rule, at, f"{path}.autonomy[{j}]")
    tool = fleet.tools.get(use.use)
    if tool is None:
        yield from _unknown_tool(use.use, fleet, at, f"{path}.use")
        return
    types = authority_types(tool)
    for j, rule in enumerate(use.autonomy):
        yield from check_condition(rule.when, types, at, f"{path}.autonomy[{j}].when")
        yield from _deviation(tool, rule, at, f"{path}.autonomy[{j}]")
    if not use.autonomy and tool.proposed_level is not Level.AUTONOMOUS and not contract.terms.approvers:
        problem = f"For its risk {tool.name} is {tool.proposed_level}, and nobody would be asked"
        yield at.finding(f"{path}.use", problem, "add approvers: to the contract, or autonomy: to the tool")


def _unknown_tool(name: str, fleet: Fleet, at: Source, path: str) -> Iterator[Finding]:
    if f"tools/{name.partition('__')[0]}.yaml" not in fleet.unread:
        yield at.finding(path, f"No tools file declares {name!r}", did_you_mean(name, fleet.tools))


def _gates(names: Iterable[str], fleet: Fleet, at: Source, path: str) -> Iterator[Finding]:
    declared = {gate for server in fleet.servers.values() for gate in server.gates}
    for name in names:
        if name and name not in declared and not any(file.startswith("tools/") for file in fleet.unread):
            yield at.finding(path, f"No tools file declares the gate {name!r}", did_you_mean(name, declared))


def _intents(contract: Contract, use: ToolUse, at: Source, path: str) -> Iterator[Finding]:
    terms = contract.terms
    if use.intents and not terms.intent:
        yield at.finding(f"{path}.intents", "The contract does not say where a task's intent is", "add intent: FIELD")
        return
    known = field_types(terms.input).get(terms.intent)
    for intent in use.intents:
        if known and known.kind == "enum" and intent not in known.values:
            yield at.finding(
                f"{path}.intents", f"{terms.intent} is never {intent!r}", did_you_mean(intent, known.values)
            )


def _answerers(contract: Contract, fleet: Fleet, rule: AutonomyRule, at: Source, path: str) -> Iterator[Finding]:
    yield from _roles(rule.by, fleet, at, f"{path}.by")
    roles = rule.by or contract.terms.approvers
    if not roles and rule.level is not Level.AUTONOMOUS:
        yield at.finding(
            path, f"{rule.level}, but nobody would be asked", "add by: ROLE, or approvers: to the contract"
        )
    for role in roles if rule.level is Level.HUMAN_IN_THE_LOOP else ():
        holders = sum(role in person.roles for person in fleet.people.values())
        if 0 < holders < rule.count:
            problem = f"{rule.count} people of role {role!r} must agree, but there are only {holders}"
            yield at.finding(f"{path}.count", problem, "it could never be approved")


def _deviation(tool: Tool, rule: AutonomyRule, at: Source, path: str) -> Iterator[Finding]:
    more = _FREEDOM.index(rule.level) > _FREEDOM.index(tool.proposed_level)
    if more and not rule.because:
        undone = "reversible" if tool.reversible else "not reversible"
        regulated = ", regulated" if tool.regulated else ""
        why = f"{tool.effect}, {tool.risk} risk, {undone}{regulated}"
        problem = f"{rule.level} is more freedom than {tool.proposed_level}, proposed for {tool.name} ({why})"
        yield at.finding(f"{path}.level", problem, "say why with because:")


def _tools_as_a_whole(contract: Contract, fleet: Fleet, at: Source) -> Iterator[Finding]:
    for name, times in Counter(use.use for use in contract.terms.tools).items():
        if times > 1:
            last = max(i for i, use in enumerate(contract.terms.tools) if use.use == name)
            yield at.finding(f"tools[{last}].use", f"{name} is granted {times} times", "put its rules under one use:")
    for name in contract.terms.never:
        if name not in fleet.tools:
            yield from _unknown_tool(name, fleet, at, "never")


def _oversight(contract: Contract, fleet: Fleet, at: Source) -> Iterator[Finding]:
    terms = contract.terms
    yield from _roles(terms.approvers, fleet, at, "approvers")
    for i, escalation in enumerate(terms.escalate):
        yield from _roles((escalation.to,), fleet, at, f"escalate[{i}].to")
        yield from _escalation(contract, fleet, escalation.when, at, f"escalate[{i}].when")
    yield from _roles((terms.refine.to,), fleet, at, "refine.to")
    yield from _gates(terms.refine.gates, fleet, at, "refine.gates")
    if terms.refine.steps and not any(step.tool or step.agent for step in contract.steps):
        yield at.finding("refine.steps", "No tool or hand-off is a step of this contract", "leave it out")


def _escalation(contract: Contract, fleet: Fleet, when: str, at: Source, path: str) -> Iterator[Finding]:
    """An escalation counts for every tool that has its fields; it must make sense for at least one."""
    tools = [fleet.tools[use.use] for use in contract.terms.tools if use.use in fleet.tools]
    tried = [list(check_condition(when, types, at, path)) for types in (CONFIDENCE, *map(authority_types, tools))]
    yield from min(tried, key=len)


def _limits(contract: Contract, at: Source) -> Iterator[Finding]:
    run, day = contract.terms.limits.cost_per_run, contract.terms.limits.cost_per_day
    if run is None or day is None:
        return
    if run.currency != day.currency:
        yield at.finding("limits.cost_per_day", f"{day.currency} here, {run.currency} per run", "use one currency")
    elif day < run:
        yield at.finding("limits.cost_per_day", f"{day} a day is less than {run} per run", "no run could be paid for")


def _undoing(contract: Contract, fleet: Fleet, at: Source) -> Iterator[Finding]:
    """Says of which writes a rollback could not undo what they did, where the contract counts on it."""
    terms = contract.terms
    for i, use in enumerate(terms.tools):
        tool = fleet.tools.get(use.use)
        if tool is None or tool.effect == "read":
            continue
        path, undo = f"tools[{i}].use", tool.compensation
        if undo is not None and undo.use in terms.never:
            yield at.warning(path, f"{tool.name} is undone by {undo.use}, which is in never", "it could not be undone")
        if undo is None and terms.on_failure == "rollback":
            problem = f"on_failure is rollback, and {tool.name} has no compensation"
            yield at.warning(path, problem, "what it did stays; declare a compensation in its tools file")
