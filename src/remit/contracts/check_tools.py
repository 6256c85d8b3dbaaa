"""The tools files: does each declaration fit the tool's own schemas, and name things that exist?"""

from collections.abc import Iterable, Iterator, Mapping

from remit.contracts.check_compensation import check_compensation
from remit.contracts.condition_types import CONFIDENCE
from remit.contracts.declared import Server, Tool
from remit.contracts.field_types import FieldType, field_types, scalar_type
from remit.contracts.handoff import HANDOFF_SERVER
from remit.contracts.model import Finding, Fleet
from remit.contracts.schemas import schema_problems, show
from remit.contracts.source import Source
from remit.contracts.validation import did_you_mean

_CURRENCY_LENGTH = 3
# What can be said of a server only when it is reached in the way that has it.
_ONLY_WITH = {
    "env": ("command",),
    "headers": ("url",),
    "connect_seconds": ("command", "url"),
}


def check_server(server: Server, fleet: Fleet) -> Iterator[Finding]:
    """Yields every mistake in one tools file."""
    at = Source(server.path, lines=server.lines)
    if fleet.people and server.owner and server.owner not in fleet.people:
        yield at.warning("owner", f"people.yaml does not know {server.owner}", did_you_mean(server.owner, fleet.people))
    if server.name == HANDOFF_SERVER:
        yield at.finding("server", f"{server.name!r} is how models see hand-offs", "give the server another name")
    yield from _reach(server, at)
    for tool in server.tools:
        path = f"tools.{tool.name.partition('__')[2]}"
        types = field_types(tool.input)
        yield from _facts(tool, at, path)
        yield from _fields(tool, types, at, path)
        yield from _amount(tool, types, at, path)
        yield from _names(tool, server, fleet, at, path)


def _reach(server: Server, at: Source) -> Iterator[Finding]:
    for name, ways in _ONLY_WITH.items():
        if name in server.lines and not any(getattr(server, way) for way in ways):
            problem = f"{name} says something only of a server that has {' or '.join(ways)}"
            yield at.finding(name, problem, "leave it out")
    for tool in () if server.is_pinned else server.tools:
        if tool.annotate:
            path = f"tools.{tool.name.partition('__')[2]}.annotate"
            yield at.finding(path, "annotate is for definitions in a lock file", "write it into the input itself")


def _facts(tool: Tool, at: Source, path: str) -> Iterator[Finding]:
    for name, schema in (tool.facts.gives if tool.facts else {}).items():
        where = f"{path}.facts.gives.{name}"
        problems = list(schema_problems(schema))
        for place, problem in problems:
            yield at.finding(where, f"{show(place)}: {problem}" if place else problem)
        if not problems and scalar_type(schema).kind in ("opaque", "array"):
            yield at.finding(where, "A fact is one plain value", "give it a type: boolean, integer, number or string")
    for name in field_types(tool.input):
        if name in CONFIDENCE or name.partition(".")[0] == "facts":
            yield at.warning(f"{path}.input", f"Conditions mean something else by {name!r}", "rename the field")


def _fields(tool: Tool, types: Mapping[str, FieldType], at: Source, path: str) -> Iterator[Finding]:
    facts = {f"facts.{name}" for name in (tool.facts.gives if tool.facts else {})}
    for kind, name in tool.subjects.items():
        yield from _known(name, {*types, *facts}, at, f"{path}.subjects.{kind}")
    for name in tool.locks:
        yield from _known(name, types, at, f"{path}.locks")
    given = field_types(tool.output)
    for kind, name in tool.binds.items():
        if given and name != "$":
            yield from _known(name, given, at, f"{path}.binds.{kind}")


def _amount(tool: Tool, types: Mapping[str, FieldType], at: Source, path: str) -> Iterator[Finding]:
    if tool.amount is None:
        return
    field, currency = tool.amount.field, tool.amount.currency
    yield from _known(field, types, at, f"{path}.amount.field")
    if field in types and types[field].kind not in ("integer", "number"):
        yield at.finding(f"{path}.amount.field", f"{field} is no number")
    is_code = len(currency) == _CURRENCY_LENGTH and currency.isascii() and currency.isupper()
    if currency not in types and not is_code:
        problem = f"{currency!r} is neither a currency such as EUR nor a field of the input"
        yield at.finding(f"{path}.amount.currency", problem, did_you_mean(currency, types))


def _names(tool: Tool, server: Server, fleet: Fleet, at: Source, path: str) -> Iterator[Finding]:
    for gate in filter(None, (tool.gate.before, tool.gate.after)):
        if gate not in server.gates:
            yield at.finding(f"{path}.gate", f"There is no gate {gate!r} here", did_you_mean(gate, server.gates))
    if tool.compensation is not None:
        yield from check_compensation(tool, tool.compensation, fleet, at, f"{path}.compensation")


def _known(name: str, known: Iterable[str], at: Source, path: str) -> Iterator[Finding]:
    names = list(known)
    if name not in names:
        yield at.finding(path, f"There is no field {name!r}", did_you_mean(name, names))
