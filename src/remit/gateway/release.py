"""A release: everything a run is pinned to, compiled once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast
from urllib.parse import unquote

from remit.contracts import Contract, Facts, Fleet, SchemaValidator, Server, Tool, compile_schema, with_compensations
from remit.core import Money, Settings, canonical_bytes, digest_of
from remit.policy import Bundle

# How far fields are looked for: an object in an array behind a reference is three steps.
DEEPEST_FIELD = 24
# Where a schema speaks of the same field, of the items of a list, or of fields whose names it does not tell.
_SINGLE = (
    "items",
    "contains",
    "if",
    "then",
    "else",
    "additionalProperties",
    "unevaluatedItems",
    "unevaluatedProperties",
)
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_MAPS = ("patternProperties", "dependentSchemas")


@dataclass(frozen=True, slots=True)
class Release:
    """One contract with the tools and model routes it may use, its validators and its policy bundle."""

    contract: Contract
    digest: str
    bundle: Bundle
    tools: Mapping[str, Tool]
    servers: Mapping[str, Server]
    inputs: Mapping[str, SchemaValidator]
    undoing: Mapping[str, SchemaValidator]
    """By tool that undoes calls of a granted one: it is called in rollbacks only."""
    facts: Mapping[str, SchemaValidator]
    """By tool: what its facts function may give."""
    output: SchemaValidator
    personal: Mapping[str, tuple[str, ...]]
    """By tool: the input fields marked `x-subject`."""
    prices: Mapping[str, int]
    """By tool: what one call costs, in micro-units of the cell's currency."""
    caps: Mapping[Literal["run", "agent", "unit"], int | None]
    """What a run, and the agent and its unit in a day, may cost at most; None is metered only."""
    constraints: Mapping[str, tuple[str, ...]]
    """By tool: what bounds its use besides policy, in words, for the record."""
    gates: Mapping[Literal["before", "after"], Mapping[str, str]]
    """By moment and tool: `module:function` of the gate at a call; tools without one are not in it."""


def release_digest(contract: Contract, fleet: Fleet, settings: Settings) -> str:
    """Returns the digest of contract, granted tools' definitions and model routes together (§7.7)."""
    digests = {name: tool.digest for name, tool in needed_tools(contract, fleet).items()}
    # Without defaults: a newer Remit that knows one setting more does not make every release another one.
    routes = {
        name: route.model_dump(mode="json", exclude={"key", "concurrency"}, exclude_defaults=True)
        for name, route in sorted(settings.models.items())
    }
    return digest_of({"contract": contract.digest, "tools": digests, "models": routes})


def granted_tools(contract: Contract, fleet: Fleet) -> dict[str, Tool]:
    """Returns the tools a contract grants, by name, in its order."""
    declared = fleet.tools
    return {use.use: declared[use.use] for use in contract.terms.tools}


def needed_tools(contract: Contract, fleet: Fleet) -> dict[str, Tool]:
    """Returns the tools a contract grants, and those that undo their calls."""
    declared = fleet.tools
    return {tool.name: tool for tool in with_compensations(granted_tools(contract, fleet).values(), declared)}


def release_source(contract: Contract, fleet: Fleet) -> bytes:
    """Returns the contract and the tool files it needs, from which `Releases` makes the same release."""
    needed = {tool.server for tool in needed_tools(contract, fleet).values()}
    servers = {name: fleet.servers[name].model_dump(mode="json") for name in sorted(needed)}
    return canonical_bytes({"contract": contract.model_dump(mode="json", by_alias=True), "servers": servers})


def compile_release(contract: Contract, fleet: Fleet, settings: Settings, bundle: Bundle) -> Release:
    """Compiles what a run of `contract` needs; the fleet has been checked before."""
    granted, needed = granted_tools(contract, fleet), needed_tools(contract, fleet)
    undoing = {tool.compensation.use for tool in granted.values() if tool.compensation}
    return Release(
        contract=contract,
        digest=release_digest(contract, fleet, settings),
        bundle=bundle,
        tools=fleet.tools,
        servers=fleet.servers,
        inputs={name: compile_schema(tool.input) for name, tool in granted.items()},
        undoing={name: compile_schema(tool.input) for name, tool in needed.items() if name in undoing},
        facts={name: facts_schema(tool.facts) for name, tool in needed.items() if tool.facts},
        output=compile_schema(contract.terms.output),
        prices={name: _in_cell(tool.price, settings) or 0 for name, tool in needed.items()},
        caps={
            "run": _in_cell(contract.terms.limits.cost_per_run, settings),
            "agent": _in_cell(contract.terms.limits.cost_per_day, settings),
            "unit": _in_cell(
                Money.parse(settings.unit_budget_per_day) if settings.unit_budget_per_day else None, settings
            ),
        },
        constraints={name: constraints_of(contract, tool) for name, tool in needed.items()},
        personal={name: personal_fields(tool.input) for name, tool in needed.items()},
        gates={"before": _gates(contract, needed, fleet, "before"), "after": _gates(contract, needed, fleet, "after")},
    )


def _gates(contract: Contract, tools: Mapping[str, Tool], fleet: Fleet, when: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, tool in tools.items():
        use = contract.tool_use(name)
        if gate := (use and getattr(use.gate, when)) or getattr(tool.gate, when):
            found[name] = fleet.servers[tool.server].gates[gate]
    return found


def facts_schema(declared: Facts) -> SchemaValidator:
    """Returns the validator of what a facts function gives: the declared facts and no others."""
    return compile_schema({"type": "object", "properties": declared.gives, "additionalProperties": False})


def personal_fields(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the dotted paths of a schema's fields that are marked `x-subject`; lists are looked through.

    A field that holds its own schema again counts as marked when anything is, one nested too deeply in any case.
    """
    search = _MarkedFields(schema)
    search.look(schema, (), ())
    found = dict.fromkeys([*search.marked, *(search.again if search.marked else ())])
    return tuple(".".join(names) for names in found if names)


@dataclass(slots=True)
class _MarkedFields:
    root: Mapping[str, Any]
    marked: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    again: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    _seen: set[tuple[tuple[str, ...], int]] = field(default_factory=set[tuple[tuple[str, ...], int]])

    def look(self, schema: Any, names: tuple[str, ...], above: tuple[int, ...]) -> None:
        """Looks at what `schema` says of the field `names`; `above` are the schemas that led here."""
        if not isinstance(schema, Mapping) or (names, id(cast("Any", schema))) in self._seen:
            return
        part = cast("Mapping[str, Any]", schema)
        self._seen.add((names, id(part)))
        if id(part) in above:
            self.again.append(names)
            return
        if "x-subject" in part or len(above) == DEEPEST_FIELD:
            self.marked.append(names)
        if len(above) < DEEPEST_FIELD:
            for name, child in part.get("properties", {}).items():
                self.look(child, (*names, name), (*above, id(part)))
            for child in self._same_field(part):
                self.look(child, names, (*above, id(part)))

    def _same_field(self, part: Mapping[str, Any]) -> list[Any]:
        return [
            *(part[word] for word in _SINGLE if word in part),
            *(child for word in _LISTS for child in part.get(word, ())),
            *(child for word in _MAPS for child in part.get(word, {}).values()),
            *([_referred(self.root, part["$ref"])] if "$ref" in part else ()),
        ]


def _referred(root: Mapping[str, Any], reference: str) -> Any:
    """Returns what a local reference points to, or None; a fleet's schemas have no others once they are parsed."""
    found: Any = root if reference.startswith("#") else None
    for name in unquote(reference.removeprefix("#")).split("/")[1:]:
        key = name.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list):
            found = dict(enumerate(cast("list[Any]", found))).get(int(key) if key.isdecimal() else -1)
        else:
            found = cast("dict[str, Any]", found).get(key) if isinstance(found, dict) else None
    return found


def constraints_of(contract: Contract, tool: Tool) -> tuple[str, ...]:
    """Returns a tool's rate, how much at once, price, locks and the budgets that pay, in words."""
    limits = contract.terms.limits
    told = (
        f"at most {tool.rate.calls} calls in {tool.rate.seconds} s" if tool.rate else "",
        f"at most {tool.cell_concurrency} at once" if tool.cell_concurrency else "",
        f"price {tool.price}" if tool.price else "",
        f"locks {', '.join(tool.locks)}" if tool.locks else "",
        f"at most {limits.cost_per_run} a run" if limits.cost_per_run else "",
        f"at most {limits.cost_per_day} a day" if limits.cost_per_day else "",
    )
    return tuple(filter(None, told))


def _in_cell(money: Money | None, settings: Settings) -> int | None:
    return settings.in_cell(money) if money else None
