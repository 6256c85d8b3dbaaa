"""A tool's compensation against the tool it names: can it be called with what the record of a call has?"""

from collections.abc import Iterator, Mapping

from remit.contracts.declared import Compensation, Tool
from remit.contracts.field_types import FieldType, field_types
from remit.contracts.model import Finding, Fleet
from remit.contracts.source import Source
from remit.contracts.validation import did_you_mean


def check_compensation(tool: Tool, declared: Compensation, fleet: Fleet, at: Source, path: str) -> Iterator[Finding]:
    """Yields every mistake in what a tool says of how it is undone."""
    undo = fleet.tools.get(declared.use)
    if tool.effect == "read":
        yield at.finding(path, "A tool without effect needs no compensation", "leave it out")
    if undo is None:
        if f"tools/{declared.use.partition('__')[0]}.yaml" not in fleet.unread:
            yield at.finding(path, f"There is no tool {declared.use!r}", did_you_mean(declared.use, fleet.tools))
        return
    yield from _sound(undo, at, path)
    if circle := _circle(tool, fleet):
        yield at.finding(path, f"Compensations undo each other: {' → '.join(circle)}", "let one of them stand for good")
    yield from _arguments(tool, declared, undo, at, path)
    for name in declared.after:
        if name not in fleet.tools:
            yield at.finding(f"{path}.after", f"There is no tool {name!r}", did_you_mean(name, fleet.tools))


def _sound(undo: Tool, at: Source, path: str) -> Iterator[Finding]:
    if undo.effect == "read":
        yield at.finding(path, f"{undo.name} has no effect, so it undoes nothing", "name a tool with effect: write")
    elif not undo.reversible:
        yield at.finding(
            path, f"{undo.name} is itself irreversible", f"say reversible: true of {undo.name} if it is so"
        )


def _circle(tool: Tool, fleet: Fleet) -> list[str]:
    """Returns the tools of a circle of compensations that `tool` is part of."""
    names, here = [tool.name], tool
    while here.compensation is not None and (following := fleet.tools.get(here.compensation.use)) is not None:
        names.append(following.name)
        if following.name == tool.name:
            return names
        if following.name in names[:-1]:
            return []  # a circle further on: it is found at its own tools
        here = following
    return []


def _arguments(tool: Tool, declared: Compensation, undo: Tool, at: Source, path: str) -> Iterator[Finding]:
    wanted, known = field_types(undo.input), undo.input.get("properties", {})
    for name in undo.input.get("required", ()):
        if name not in declared.arguments:
            yield at.finding(f"{path}.arguments", f"{undo.name} needs {name!r}", f"say where {name} comes from")
    for name, taken in declared.arguments.items():
        where = f"{path}.arguments.{name}"
        if name not in known:
            yield at.finding(where, f"{undo.name} has no argument {name!r}", did_you_mean(name, known))
            continue
        yield from _source(tool, taken, wanted.get(name), at, where)
        if taken.partition(".")[0] == "result" and undo.server != tool.server:
            problem = f"What {tool.server} answers says what {undo.server} is told"
            yield at.warning(where, problem, "take it from arguments.…, or let a tool of the same server undo it")


def _source(tool: Tool, taken: str, wanted: FieldType | None, at: Source, where: str) -> Iterator[Finding]:
    """Looks whether a path leads to a value that is known, and of the kind that is wanted."""
    if taken.startswith("'"):
        if wanted is not None and wanted.kind in ("boolean", "integer", "number", "array"):
            yield at.finding(where, f"A text is no {wanted.kind}", "take it from arguments.… or result.…")
        return
    head, _, field = taken.partition(".")
    schema = tool.input if head == "arguments" else tool.output
    types = field_types(schema)
    if not field or (head == "result" and not types):
        return  # what the result looks like nobody has said: it is looked at when it is there
    found = types.get(field)
    if found is None and not _is_part(field, types):
        of = "input" if head == "arguments" else "output"
        yield at.finding(where, f"The {of} of {tool.name} has no field {field!r}", did_you_mean(field, types))
    elif found is not None and wanted is not None and not _fits(found, wanted):
        yield at.finding(where, f"{field} is {found.kind}, and {wanted.kind} is wanted")


def _is_part(field: str, types: Mapping[str, FieldType]) -> bool:
    """Whether `field` is an object whose fields are known, or lies inside a value nobody has described."""
    inside = any(name.startswith(f"{field}.") for name in types)
    above = [name for name, kind in types.items() if field.startswith(f"{name}.") and kind.kind == "opaque"]
    return inside or bool(above)


def _fits(found: FieldType, wanted: FieldType) -> bool:
    texts = ("string", "enum", "date", "date-time")
    if "opaque" in (found.kind, wanted.kind) or found.kind == wanted.kind:
        return True
    if found.kind in texts and wanted.kind in texts:
        return True
    return found.kind == "integer" and wanted.kind == "number"
