"""A contract as Cedar policies: permits for what it grants, forbids for `never` and `escalate`.

Every permit names its agent (or a role of people), one action, one resource where there is one, and the rungs it is
for. Who writes a contract writes none of this.

An escalation concerns the writing tools that have every field it mentions. It stops the autonomous rung where its
condition holds, and where such a field is not known; only an absent `confidence` means nothing. Confidence is what the agent says of itself, so in `autonomy` it may only narrow a
rule: it has to be joined with `and`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations

from remit.contracts import (
    All,
    AutonomyRule,
    Compare,
    Condition,
    Contract,
    Escalation,
    Finding,
    Fleet,
    Level,
    Tool,
    ToolUse,
    fields_of,
    parse_condition,
)
from remit.core import InputError
from remit.policy.authority import described, line_of, place, quorum_of, rules_of
from remit.policy.cedar import Est
from remit.policy.expressions import (
    CONFIDENCE,
    Scope,
    all_of,
    any_of,
    attribute,
    binary,
    condition_body,
    condition_guards,
    did_you_mean,
    member,
    negated,
    one_of,
    value,
    var,
)
from remit.policy.model import Note, Quorum, RoleVotes, Rung, undoes
from remit.policy.schema import LONGEST_ROLE_SET, PRIVACY, entity, facts_of, input_shapes, server_of, vote_key

_SESSION = attribute(var("context"), "session")
_VOTES = attribute(attribute(_SESSION, "approval"), "votes")
_ANY: Est = {"op": "All"}


@dataclass(slots=True)
class Grants:
    """One contract compiled: policies and notes by id, and the mistakes found on the way."""

    policies: dict[str, Est] = field(default_factory=dict[str, Est])
    notes: dict[str, Note] = field(default_factory=dict[str, Note])
    findings: list[Finding] = field(default_factory=list[Finding])


def compile_contract(fleet: Fleet, tools: Mapping[str, Tool], contract: Contract) -> Grants:
    """Returns the contract's policies; what cannot be compiled is left out and found. `tools` are the fleet's."""
    return _Compiler(fleet, tools, contract).run()


def role_sets(contract: Contract) -> Iterator[tuple[str, ...]]:
    """Yields every set of roles some rule of the contract counts votes of."""
    for rule in (rule for use in contract.terms.tools for rule in use.autonomy):
        yield from _subsets(rule.by)
    yield from _subsets(contract.terms.approvers)
    yield from ((escalation.to,) for escalation in contract.terms.escalate)


def _subsets(roles: Iterable[str]) -> Iterator[tuple[str, ...]]:
    names = sorted(set(roles))[:LONGEST_ROLE_SET]
    for size in range(1, len(names) + 1):
        yield from combinations(names, size)


@dataclass(frozen=True, slots=True)
class _Rule:
    """One rule of one tool on its way to policies."""

    tool: Tool
    rule: AutonomyRule
    number: int
    source: str
    condition: Est
    quorum: Quorum


class _Compiler:
    def __init__(self, fleet: Fleet, tools: Mapping[str, Tool], contract: Contract) -> None:
        self.fleet = fleet
        self.contract = contract
        self.tools = tools
        self.grants = Grants()
        self.writes: list[tuple[Scope, list[_Rule]]] = []

    def run(self) -> Grants:
        terms = self.contract.terms
        for index, use in enumerate(terms.tools):
            with_tool = self._tool(use.use, f"tools[{index}].use")
            if with_tool:
                self._use(index, use, with_tool)
        for index, name in enumerate(terms.never):
            if self._tool(name, f"never[{index}]"):
                self._never(index, name)
        for index, escalation in enumerate(terms.escalate):
            self._escalation(index, escalation)
        for index, target in enumerate(terms.handoffs):
            self._handoff(index, target)
        self._models()
        self._memory()
        return self.grants

    def _use(self, index: int, use: ToolUse, tool: Tool) -> None:
        try:
            scope = Scope(tool.name, input_shapes(tool), facts_of(tool))
        except InputError as error:
            return self._found(f"tools[{index}].use", error)
        rules: list[_Rule] = []
        for number, (source, rule) in enumerate(rules_of(self.contract, index, use, tool), start=1):
            path = f"tools[{index}].autonomy[{number - 1}]"
            try:
                condition = self._condition(use, rule, scope)
                quorum = self._quorum(rule)
            except InputError as error:
                self._found(f"{path}.when" if rule.when else path, error)
                continue
            rules.append(_Rule(tool, rule, number, source, condition, quorum))
        for rule in rules:
            self._rule(rule)
        if tool.effect == "write":
            self.writes.append((scope, rules))
        if tool.compensation is not None and tool.compensation.use in self.tools:
            self._undo(index, tool, tool.compensation.use, rules)

    def _undo(self, index: int, tool: Tool, undoing: str, rules: list[_Rule]) -> None:
        """What undoes a call is permitted in a rollback only, no more freely than the call itself was done."""
        quorums = dict.fromkeys(
            [*(rule.quorum for rule in rules), *((RoleVotes(each.to, 1),) for each in self.contract.terms.escalate)]
        )
        # People may be asked, or do it, where a rule would have let the agent: by org policies or an escalation.
        free = [Level.AUTONOMOUS] if any(rule.rule.level is Level.AUTONOMOUS for rule in rules) else []
        for level in (*free, Level.HUMAN_IN_THE_LOOP, Level.HUMAN_LED):
            text = f"undoes {tool.name}, as it was done: {level}"
            note = Note("permit", text, place(self.contract, f"tools[{index}].use"), text, undoing)
            name = f"{undoing}/undoes/{tool.name}/{level}"
            done = _undoes(tool, level)
            if level is Level.AUTONOMOUS:
                self._undo_policy(f"{name}/act", note, [_rung_in((Rung.AUTONOMOUS,)), done])
            for number, quorum in enumerate(filter(None, quorums), start=1):
                asked, rung = replace(note, quorum=quorum), Rung.SUGGEST if level is Level.HUMAN_LED else Rung.ASK
                self._undo_policy(f"{name}/ask/{number}", asked, [_rung_in((rung,)), done])
                if level is Level.HUMAN_LED:
                    self._undo_people(name, note, done, quorum)
                else:
                    given = [_rung_in((Rung.APPROVED,)), _voted(quorum), done]
                    self._undo_policy(f"{name}/approved/{number}", asked, given)

    def _undo_people(self, name: str, note: Note, done: Est, quorum: Quorum) -> None:
        for each in quorum:
            principal = {"op": "in", "entity": entity("Role", each.role)}
            asked = replace(note, quorum=(RoleVotes(each.role, 1),))
            self._undo_policy(f"{name}/person/{each.role}", asked, [_rung_in((Rung.AUTONOMOUS,)), done], principal)

    def _undo_policy(self, name: str, note: Note, conditions: list[Est], principal: Est | None = None) -> None:
        scope = (principal or self._self(), self._action(note.action), self._server(note.action))
        self._add(name, note, scope, conditions)

    def _condition(self, use: ToolUse, rule: AutonomyRule, scope: Scope) -> Est:
        parts = [one_of(map(value, use.intents), attribute(_SESSION, "intent"))] if use.intents else []
        if rule.when:
            condition = parse_condition(rule.when)
            _confidence_narrows(condition)
            parts += [*condition_guards(condition, scope), condition_body(condition, scope)]
        return all_of(parts)

    def _quorum(self, rule: AutonomyRule) -> Quorum:
        quorum = quorum_of(self.contract, rule)
        if not quorum and rule.level != Level.AUTONOMOUS:
            raise InputError("Nobody could answer", which=rule.level, hint="Name roles in `by` or in `approvers`")
        if len(quorum) > LONGEST_ROLE_SET:
            raise InputError("Too many roles for one answer", why=f"{len(quorum)}, the limit is {LONGEST_ROLE_SET}")
        return quorum

    def _rule(self, rule: _Rule) -> None:
        match rule.rule.level:
            case Level.AUTONOMOUS:
                rungs = (Rung.AUTONOMOUS, Rung.ASK, Rung.SUGGEST) if rule.quorum else (Rung.AUTONOMOUS,)
                self._permit(rule, "act", rungs)
                self._approved(rule, "approved", rule.condition, rule.quorum)
                self._people(rule)
            case Level.HUMAN_IN_THE_LOOP:
                self._permit(rule, "act", (Rung.ASK,))
                self._approved(rule, "approved", rule.condition, rule.quorum)
            case Level.HUMAN_LED:
                self._permit(rule, "act", (Rung.SUGGEST,))
                self._people(rule)

    def _permit(self, rule: _Rule, suffix: str, rungs: tuple[Rung, ...]) -> None:
        self._rule_policy(rule, suffix, rungs, rule.condition, rule.quorum)

    def _approved(self, rule: _Rule, suffix: str, condition: Est, quorum: Quorum) -> None:
        if quorum:
            self._rule_policy(rule, suffix, (Rung.APPROVED,), all_of([_voted(quorum), condition]), quorum)

    def _people(self, rule: _Rule) -> None:
        """People of the roles that answer may do it themselves: the other half of a suggestion."""
        for each in rule.quorum:
            principal = {"op": "in", "entity": entity("Role", each.role)}
            quorum = (RoleVotes(each.role, 1),)
            self._rule_policy(rule, f"person/{each.role}", (Rung.AUTONOMOUS,), rule.condition, quorum, principal)

    def _rule_policy(
        self,
        rule: _Rule,
        suffix: str,
        rungs: tuple[Rung, ...],
        condition: Est,
        quorum: Quorum,
        principal: Est | None = None,
    ) -> None:
        text = described(rule.rule, rule.quorum)
        note = Note("permit", rule.rule.because or text, rule.source, text, rule.tool.name, quorum)
        scope = (principal or self._self(), self._action(rule.tool.name), self._server(rule.tool.name))
        self._add(f"{rule.tool.name}/{rule.number}/{suffix}", note, scope, [_rung_in(rungs), condition])

    def _escalation(self, index: int, escalation: Escalation) -> None:
        path = f"escalate[{index}]"
        try:
            condition = parse_condition(escalation.when)
            met = [(scope, rules) for scope, rules in self.writes if all(map(scope.knows, fields_of(condition)))]
            for scope, rules in met:
                self._escalate(index, escalation, scope, rules, _escalates(condition, scope))
        except InputError as error:
            return self._found(f"{path}.when", error)
        if self.writes and not met:
            fields = ", ".join(sorted(set(map(str, fields_of(condition)))))
            self._problem(f"{path}.when", f"no writing tool of the contract has {fields} for policies to see")

    def _escalate(self, index: int, escalation: Escalation, scope: Scope, rules: list[_Rule], holds: Est) -> None:
        text = f"{escalation.when}: {escalation.to} decides"
        note = Note("forbid", text, place(self.contract, f"escalate[{index}]"), text, scope.tool)
        where = (self._self(), self._action(scope.tool), _ANY)
        self._add(f"{scope.tool}/escalate/{index + 1}", note, where, [_rung_in([Rung.AUTONOMOUS]), holds])
        quorum = (RoleVotes(escalation.to, 1),)
        for rule in rules:
            if rule.rule.level is Level.AUTONOMOUS and rule.quorum != quorum:
                both = all_of([rule.condition, holds])
                self._rule_policy(rule, f"escalated/{index + 1}/ask", (Rung.ASK,), both, quorum)
                self._approved(rule, f"escalated/{index + 1}/approved", both, quorum)

    def _never(self, index: int, name: str) -> None:
        note = Note(
            "forbid", f"{self.contract.name} never uses {name}", place(self.contract, f"never[{index}]"), "never", name
        )
        self._add(f"{name}/never", note, (self._self(), self._action(name), _ANY), [])

    def _handoff(self, index: int, target: str) -> None:
        if target in self.fleet.unread:
            return None
        if target not in self.fleet.contracts:
            return self._problem(
                f"handoffs[{index}]", f"there is no agent {target!r}", did_you_mean(target, self.fleet.contracts)
            )
        note = Note(
            "permit",
            f"hands off to {target}",
            place(self.contract, f"handoffs[{index}]"),
            f"hand-offs: {target}",
            "InvokeAgent",
        )
        scope = (self._self(), self._action("InvokeAgent"), {"op": "==", "entity": entity("Agent", target)})
        self._add(f"handoffs/{target}", note, scope, [_rung_in([Rung.AUTONOMOUS])])

    def _models(self) -> None:
        models = self.contract.terms.models
        source = attribute(var("context"), "input")
        # Labels may have raised the privacy of this call; nothing lowers it below the contract's.
        kept = [member("Privacy", name) for name in PRIVACY[PRIVACY.index(models.privacy) :]]
        text = f"models: privacy {models.privacy}, at most {models.max_tokens} tokens"
        note = Note("permit", text, place(self.contract, "models"), text, "InvokeLLM")
        resource = {"op": "==", "entity": entity("Model", models.route)} if models.route else _ANY
        conditions = [
            _rung_in([Rung.AUTONOMOUS]),
            one_of(kept, attribute(source, "privacy")),
            binary("<=", attribute(source, "max_tokens"), value(models.max_tokens)),
        ]
        self._add("models", note, (self._self(), self._action("InvokeLLM"), resource), conditions)

    def _memory(self) -> None:
        text = "every agent may use the fleet's memory"
        note = Note("permit", text, place(self.contract, "agent"), text, "Memory")
        scope = (self._self(), {"op": "in", "entity": entity("Action", "Memory")}, _ANY)
        self._add("memory", note, scope, [_rung_in([Rung.AUTONOMOUS])])

    def _add(self, name: str, note: Note, scope: tuple[Est, Est, Est], conditions: list[Est]) -> None:
        body = [{"kind": "when", "body": all_of(conditions)}] if conditions else []
        principal, action, resource = scope
        name = f"agent/{self.contract.id}/{name}"
        self.grants.policies[name] = {
            "effect": note.effect,
            "principal": principal,
            "action": action,
            "resource": resource,
            "conditions": body,
        }
        self.grants.notes[name] = note

    def _self(self) -> Est:
        return {"op": "==", "entity": entity("Agent", self.contract.name)}

    def _action(self, name: str) -> Est:
        return {"op": "==", "entity": entity("Action", name)}

    def _server(self, tool: str) -> Est:
        return {"op": "==", "entity": entity("ToolServer", server_of(tool))}

    def _tool(self, name: str, path: str) -> Tool | None:
        tool = self.tools.get(name)
        if tool is None and server_of(name) not in self.fleet.unread:
            self._problem(path, f"there is no tool {name!r}", did_you_mean(name, self.tools))
        return tool

    def _found(self, path: str, error: InputError) -> None:
        problem = ". ".join(
            part for part in (f"{error.what} {error.which!r}" if error.which else error.what, error.why) if part
        )
        self._problem(path, problem, error.hint)

    def _problem(self, path: str, problem: str, suggestion: str = "") -> None:
        found = Finding(self.contract.path, line_of(self.contract, path), path, problem, suggestion)
        if found not in self.grants.findings:
            self.grants.findings.append(found)


def _rung_in(rungs: Iterable[Rung]) -> Est:
    found = attribute(_SESSION, "autonomy")
    members = [member("Autonomy", rung) for rung in rungs]
    return binary("==", found, members[0]) if len(members) == 1 else one_of(members, found)


def _undoes(tool: Tool, level: Level) -> Est:
    """Only a rollback says what a call undoes, and it says it from the record."""
    said = binary("==", attribute(_SESSION, "undoes"), value(undoes(tool.name, level)))
    return all_of([{"has": {"left": _SESSION, "attr": "undoes"}}, said])


def _voted(quorum: Quorum) -> Est:
    """Enough people for every role, nobody counted twice.

    By Hall's theorem that is so exactly when, for every subset of the roles, as many people hold one of them as
    they need together.
    """
    counts = {each.role: each.count for each in quorum}
    tests = [{"has": {"left": _SESSION, "attr": "approval"}}]
    for roles in _subsets(counts):
        key = vote_key(roles)
        needed = value(sum(counts[role] for role in roles))
        tests += [{"has": {"left": _VOTES, "attr": key}}, binary(">=", attribute(_VOTES, key), needed)]
    return all_of(tests)


def _escalates(condition: Condition, scope: Scope) -> Est:
    known = condition_guards(condition, scope, confidence=False)
    holds = all_of([*known, *condition_guards(condition, scope, confidence=True), condition_body(condition, scope)])
    return any_of([negated(all_of(known)), holds]) if known else holds


def _confidence_narrows(condition: Condition) -> None:
    for part in condition.operands if isinstance(condition, All) else (condition,):
        if isinstance(part, All):
            _confidence_narrows(part)
        elif not isinstance(part, Compare) and any(found.path == CONFIDENCE for found in fields_of(part)):
            raise InputError(
                "Confidence may only narrow a rule",
                why="it is what the agent says of itself",
                hint="Join it with `and`, outside `or` and `not`",
            )
