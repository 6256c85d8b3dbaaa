"""The Cedar schema of a fleet, or of one agent: closed vocabularies, entity types, one action per tool.

Every action's context has four records: `input`, `facts`, `session`, `system`. People inside the session are plain
strings, so that a policy cannot ask for groups of theirs that the request does not carry.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from remit.contracts import Tool
from remit.core import InputError
from remit.policy.fields import Shape, fact_shapes, record, shapes

_Fields = Mapping[str, Shape]

NAMESPACE = "Fleet"
LONGEST_ROLE_SET = 4
PROBE = "SelfTest"
"""An action of no tool, in the group `writes`: asked once per bundle, the built-in forbid must be heard."""

_ENUMS: Mapping[str, tuple[str, ...]] = {
    "Autonomy": ("autonomous", "ask", "approved", "suggest"),
    "Subject": ("inside", "outside", "unknown", "none"),
    "Privacy": ("public", "internal", "restricted"),
}
PRIVACY = _ENUMS["Privacy"]
_GROUPS: Mapping[str, tuple[str, ...]] = {
    "Mcp": (),
    "Http": (),
    "CallTool": ("Mcp",),
    "Memory": (),
    "reads": (),
    "writes": (),
    "irreversible": (),
    "regulated": (),
    "risk_low": (),
    "risk_medium": (),
    "risk_high": (),
    "risk_critical": (),
}
_FIXED_ACTIONS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "InvokeLLM": (("Http",), "Model"),
    "InvokeAgent": (("Http",), "Agent"),
    "ReadMemory": (("Memory", "reads"), "Memory"),
    "WriteMemory": (("Memory", "writes"), "Memory"),
}
_COMMON_FACTS = {"amount_minor": Shape("long", required=False), "spent_today_minor": Shape("long", required=False)}
_SYSTEM = {"now": Shape("moment")}
_MODEL_INPUT = {
    "privacy": Shape("enum", options=PRIVACY, enum="Privacy"),
    "max_tokens": Shape("long"),
}


def entity(kind: str, name: str) -> dict[str, str]:
    """Returns the reference to one entity."""
    return {"type": f"{NAMESPACE}::{kind}", "id": name}


def server_of(tool: str) -> str:
    """Returns the server's part of a tool's name."""
    return tool.partition("__")[0]


def input_shapes(tool: Tool) -> dict[str, Shape]:
    """Returns what policies can see of a tool's input."""
    return shapes(tool.input, f"{tool.name}_Input")


def facts_of(tool: Tool) -> dict[str, Shape]:
    """Returns what policies can see of a tool's facts, the amount moved and spent today included."""
    own = fact_shapes(tool.facts.gives, f"{tool.name}_Facts") if tool.facts else {}
    taken = sorted(own.keys() & _COMMON_FACTS.keys())
    if taken:
        raise InputError("The fact name is taken", which=taken[0], why="the gateway fills it in", hint="Rename it")
    return {**own, **_COMMON_FACTS}


def groups_of(tool: Tool) -> tuple[str, ...]:
    """Returns the action groups a tool belongs to."""
    write = tool.effect == "write"
    groups = ["CallTool", "writes" if write else "reads", f"risk_{tool.risk}", f"environment_{tool.environment}"]
    if write and not tool.reversible:
        groups.append("irreversible")
    if tool.regulated:
        groups.append("regulated")
    return tuple(dict.fromkeys([*groups, *tool.groups]))


def visible_names(tools: Iterable[Tool], vote_keys: Iterable[str]) -> dict[str, frozenset[str]]:
    """Returns every field name there is in each of the four records, at any depth."""
    kinds = list(tools)
    return {
        "input": frozenset(name for tool in kinds for name in _names(input_shapes(tool))) | _MODEL_INPUT.keys(),
        "facts": frozenset(name for tool in kinds for name in facts_of(tool)) | _COMMON_FACTS.keys(),
        "session": frozenset(_names(session_shapes(vote_keys))),
        "system": frozenset(_SYSTEM),
    }


def _names(fields: _Fields) -> Iterator[str]:
    for name, shape in fields.items():
        yield name
        yield from _names(shape.fields)


def actions_for(tools: Iterable[Tool]) -> frozenset[str]:
    """Returns every action of an agent with these tools, and every group they are in."""
    own = {name for tool in tools for name in (tool.name, *groups_of(tool))}
    fixed = {name for action, (groups, _) in _FIXED_ACTIONS.items() for name in (action, *groups)}
    return frozenset({*own, *fixed, "Mcp"})


def vote_key(roles: Iterable[str]) -> str:
    """Returns the name under which people holding any of `roles` are counted."""
    return "+".join(sorted(roles))


def session_shapes(vote_keys: Iterable[str]) -> dict[str, Shape]:
    """Returns the type of `context.session`."""
    votes = {key: Shape("long", required=False) for key in sorted(vote_keys)}
    approval = {
        "by": Shape("set", item=Shape("text")),
        "votes": Shape("record", fields=votes),
        "digest": Shape("text"),
        "at": Shape("moment"),
        "given_for": Shape("text"),
        "asked_for": Shape("text"),
        "asked_by": Shape("text"),
    }
    return {
        "autonomy": Shape("enum", options=_ENUMS["Autonomy"], enum="Autonomy"),
        "on_behalf_of": Shape("text"),
        "digest": Shape("text"),
        "hops": Shape("long"),
        "intent": Shape("text"),
        "subject": Shape("enum", options=_ENUMS["Subject"], enum="Subject"),
        "confidence": Shape("decimal", required=False),
        "refused_before": Shape("bool"),
        "undoes": Shape("text", required=False),
        "approval": Shape("record", required=False, fields=approval),
    }


def cedar_schema(
    tools: Iterable[Tool], vote_keys: Iterable[str], *, mentioned: frozenset[str] | None = None
) -> dict[str, Any]:
    """Returns the schema in Cedar's JSON format.

    With `mentioned` it is one agent's: only fields some policy of the bundle names are in it (each costs
    microseconds per question), and the probe is.
    """
    session = _kept(session_shapes(vote_keys), None if mentioned is None else mentioned | {"autonomy"})
    rest = {"session": Shape("record", fields=session), "system": Shape("record", fields=_kept(_SYSTEM, mentioned))}
    enums: dict[str, tuple[str, ...]] = dict(_ENUMS)
    actions: dict[str, Any] = {name: _group(parents) for name, parents in _GROUPS.items()}

    def add(name: str, parents: tuple[str, ...], kinds: tuple[list[str], str], seen: tuple[_Fields, _Fields]) -> None:
        own = {"input": Shape("record", fields=_kept(seen[0], mentioned))}
        context = {**own, "facts": Shape("record", fields=_kept(seen[1], mentioned)), **rest}
        _add_enums(enums, context)
        for group in parents:
            actions.setdefault(group, _group(()))
        applies = {"principalTypes": kinds[0], "resourceTypes": [kinds[1]], "context": record(context)}
        actions[name] = {**_group(parents), "appliesTo": applies}

    for tool in tools:
        add(tool.name, groups_of(tool), (["Agent", "Human"], "ToolServer"), (input_shapes(tool), facts_of(tool)))
    for name, (parents, resource) in _FIXED_ACTIONS.items():
        add(name, parents, (["Agent"], resource), (_MODEL_INPUT if name == "InvokeLLM" else {}, _COMMON_FACTS))
    if mentioned is not None:
        add(PROBE, ("writes",), (["Agent"], "Memory"), ({}, {}))
    return {NAMESPACE: {"entityTypes": _entity_types(enums), "actions": actions}}


def _kept(fields: _Fields, mentioned: frozenset[str] | None) -> dict[str, Shape]:
    return {name: shape for name, shape in fields.items() if mentioned is None or name in mentioned}


def _group(parents: Iterable[str]) -> dict[str, Any]:
    return {"memberOf": [{"id": parent} for parent in parents]}


def _add_enums(enums: dict[str, tuple[str, ...]], context: _Fields) -> None:
    for shape in (found for part in context.values() for found in part.enums()):
        if enums.setdefault(shape.enum, shape.options) != shape.options:
            raise InputError("Two enums get the same name in policies", which=shape.enum, hint="Rename one field")


def _entity_types(enums: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    text = {"type": "String"}
    agent = {"type": "Record", "attributes": {"owner": text, "version": text}}
    model = {"type": "Record", "attributes": {"cloud": {"type": "Boolean"}}}
    return {
        **{name: {"enum": list(options)} for name, options in enums.items()},
        "Role": {},
        "Human": {"memberOfTypes": ["Role"]},
        "Unit": {},
        "Class": {},
        "Agent": {"memberOfTypes": ["Unit", "Class"], "shape": agent},
        "ToolServer": {},
        "Model": {"shape": model},
        "Memory": {},
    }
