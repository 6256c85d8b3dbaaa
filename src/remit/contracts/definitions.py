"""A tools file of an MCP server is completed by its lock file: what a tool is stands there, what it may do here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from remit.contracts.lock import Lock, lock_name, read_lock
from remit.contracts.model import Finding
from remit.contracts.source import Source
from remit.contracts.validation import did_you_mean

# What the lock file says of a tool, and so the tools file does not.
PINNED = ("description", "input", "output")
# Stands in for a definition that cannot be read, so that everything else in the file is checked all the same.
_UNKNOWN: Mapping[str, Any] = {"description": "", "input": {"type": "object"}, "output": {}}


def lock_of(folder: Path, source: Source) -> tuple[Lock | None, list[Finding]]:
    """Returns the lock file that belongs to a tools file, and what is wrong with it."""
    server = Path(source.file).stem
    if (folder / lock_name(server)).exists():
        return read_lock(folder, server)
    where = "url" if "url" in source.lines else "command"
    problem = f"There is no {lock_name(server)}, which pins what the server offers"
    return None, [source.finding(where, problem, f"run `remit tools lock {server}`")]


def with_definitions(value: Mapping[str, Any], source: Source, lock: Lock | None) -> tuple[Any, list[Finding]]:
    """Returns the values of a tools file with the locked definitions of its tools put in, and every mistake."""
    tools = value.get("tools")
    if not isinstance(tools, dict):
        return value, []
    findings: list[Finding] = []
    defined: dict[str, Any] = {}
    for name, tool in cast("dict[str, Any]", tools).items():
        if isinstance(tool, dict):
            defined[name], problems = _defined(name, cast("dict[str, Any]", tool), source, lock)
            findings += problems
        else:
            defined[name] = tool  # which its type will say
    return {**value, "tools": defined}, findings


def _defined(
    name: str, tool: Mapping[str, Any], source: Source, lock: Lock | None
) -> tuple[dict[str, Any], list[Finding]]:
    at, file = f"tools.{name}", lock_name(Path(source.file).stem)
    findings = [
        source.finding(f"{at}.{word}", f"{word} is pinned in {file}", "leave it out here")
        for word in PINNED
        if word in tool
    ]
    if lock is None:
        return {**tool, **_UNKNOWN}, findings
    if name not in lock.tools:
        findings.append(source.finding(at, f"{file} has no tool {name!r}", did_you_mean(name, lock.tools)))
        return {**tool, **_UNKNOWN}, findings
    locked = lock.tools[name]
    taken, problems = _annotated(locked.input, tool.get("annotate"), source, f"{at}.annotate")
    definition = {"description": locked.description, "input": taken, "output": locked.output}
    return {**tool, **definition}, findings + problems


def _annotated(schema: dict[str, Any], notes: Any, source: Source, at: str) -> tuple[dict[str, Any], list[Finding]]:
    """Returns a pinned input with our own `x-…` words put to its fields; nothing else of it may be changed."""
    if not isinstance(notes, dict):
        return schema, []
    fields: dict[str, Any] = dict(schema.get("properties", {}))
    findings: list[Finding] = []
    for name, note in cast("dict[str, Any]", notes).items():
        if not isinstance(fields.get(name), dict):
            findings.append(source.finding(f"{at}.{name}", f"There is no field {name!r}", did_you_mean(name, fields)))
        elif isinstance(note, dict):  # anything else its type will say
            words = cast("dict[str, Any]", note)
            findings += [
                source.finding(f"{at}.{name}.{word}", f"{word} is pinned", "only words that begin with x- may be added")
                for word in words
                if not word.startswith("x-")
            ]
            fields[name] = {**fields[name], **words}
    return {**schema, "properties": fields}, findings
