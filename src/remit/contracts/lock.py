"""Lock files: what the tools of an MCP server are, pinned, so that no model and no person ever meets another definition.

What a server says of its tools is text by strangers that models read. It is cleaned of what people cannot see, bounded
and written to `tools/<server>.lock.json`; the locked text is what everybody sees, and a server that says something else
later is found out by the digest.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pydantic import Field

from remit.contracts.declared import SHORT_TOOL_NAME, Part, ServerName
from remit.contracts.model import Finding
from remit.contracts.schemas import compile_schema, show, subschemas
from remit.contracts.source import Source, read_text
from remit.contracts.validation import validated
from remit.core import DEEPEST, InputError, canonical_bytes, check_depth, digest_of, parse_json

# A server with a hundred tools has a quarter of this.
LARGEST_LOCK = 4_194_304
# A description that takes more than this to read is a manual.
LONGEST_DESCRIPTION = 8_192
LONGEST_NAME = 200
LONGEST_TOOL_NAME = 38
# A schema lies three levels down in the lock file.
DEEPEST_SCHEMA = DEEPEST - 4

# Variation selectors that no script in use needs; a whole text can be hidden in them.
_SELECTORS = range(0xE0100, 0xE01F0)
_TOOL_LINE = re.compile(r'    "(?P<name>[^"\\]+)": \{')


class LockedTool(Part):
    """A tool as its server defined it when it was locked, cleaned."""

    title: str = ""
    description: str = ""
    input_schema: dict[str, Any] = Field(alias="inputSchema")
    output_schema: dict[str, Any] | None = Field(default=None, alias="outputSchema")
    annotations: dict[str, Any] = Field(default_factory=dict)
    """The server's own hints; they are kept to be compared, and decide nothing."""
    digest: str

    @property
    def input(self) -> dict[str, Any]:
        """Returns the schema of the arguments, without where it was published."""
        return _without_address(self.input_schema)

    @property
    def output(self) -> dict[str, Any]:
        """Returns the schema of the result; empty when the server promises nothing."""
        return _without_address(self.output_schema or {})


class Implementation(Part):
    """What a server says it is."""

    name: str = ""
    version: str = ""


class Lock(Part):
    """One `tools/<server>.lock.json`."""

    server: ServerName
    implementation: Implementation = Implementation()
    tools: dict[str, LockedTool] = Field(default_factory=dict)

    def text(self) -> str:
        """Returns the file: the same lock gives the same bytes."""
        value = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False) + "\n"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server offers at one moment."""

    implementation: Implementation = field(default_factory=Implementation)
    tools: Mapping[str, LockedTool] = field(default_factory=dict[str, LockedTool])
    refused: Mapping[str, str] = field(default_factory=dict[str, str])
    """Tools that cannot be locked, by name, and why."""


def lock_name(server: str) -> str:
    """Returns the path of a server's lock file in the fleet's folder."""
    return f"tools/{server}.lock.json"


def pin(name: str, definition: Mapping[str, Any]) -> LockedTool:
    """Returns a tool's definition (MCP's `Tool` object) as it is locked; one that cannot be locked is an `InputError`."""
    if not re.fullmatch(SHORT_TOOL_NAME, name) or len(name) > LONGEST_TOOL_NAME:
        why = f"a tool's name has letters, digits, hyphens and underscores, and at most {LONGEST_TOOL_NAME} of them"
        raise InputError("The tool has no name that models can call", which=visible(name)[:LONGEST_NAME], why=why)
    tool = LockedTool.model_validate(
        {
            "title": visible(definition.get("title") or "")[:LONGEST_NAME],
            "description": _bounded(visible(definition.get("description") or "")),
            "inputSchema": _clean(definition["inputSchema"]),
            "outputSchema": _clean(definition.get("outputSchema")),
            "annotations": _clean(definition.get("annotations") or {}),
            "digest": "",
        }
    )
    for problem in _problems(tool):
        raise InputError("The tool cannot be locked", which=name, why=problem)
    return tool.model_copy(update={"digest": definition_digest(name, tool)})


def definition_digest(name: str, tool: LockedTool) -> str:
    """Returns the digest of everything the server says of a tool."""
    told = tool.model_dump(mode="json", by_alias=True, exclude={"digest"}, exclude_defaults=True)
    return digest_of({"name": name, **told})


def visible(text: str) -> str:
    """Returns `text` without control and format characters: people do not see them, and models read them."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c for c in text if c in "\n\t" or not _is_hidden(c))


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf") or ord(character) in _SELECTORS


def read_lock(folder: Path, server: str) -> tuple[Lock | None, list[Finding]]:
    """Returns a server's lock file, which exists, and what is wrong with it; with a mistake there is no lock."""
    file = lock_name(server)
    again = f"run `remit tools lock {server}` and look at what it changes"
    try:
        text = read_text(folder, folder / file, largest=LARGEST_LOCK)
        value = parse_json(text, name="The lock file", largest=LARGEST_LOCK)
    except InputError as error:
        return None, [Finding(file, 1, "", error.text(), again)]
    source = Source(file, value, _lines(text))
    lock, findings = validated(Lock, value, source)
    if lock is None:
        return None, findings
    if lock.server != server:
        findings.append(source.finding("server", f"This is the lock file of {lock.server!r}", again))
    for name, tool in lock.tools.items():
        findings += [source.finding(f"tools.{name}", problem, again) for problem in _told(name, tool)]
    return (None if findings else lock), findings


def _told(name: str, tool: LockedTool) -> Iterator[str]:
    if tool.digest != definition_digest(name, tool):
        yield f"The definition of {name!r} was altered: its digest does not match"
        return
    try:
        pin(name, tool.model_dump(mode="json", by_alias=True))
    except InputError as error:
        yield error.text()


def _problems(tool: LockedTool) -> Iterator[str]:
    for name, schema in (("inputSchema", tool.input_schema), ("outputSchema", tool.output_schema or {})):
        try:
            check_depth(schema, name=name, deepest=DEEPEST_SCHEMA)
            canonical_bytes(schema)
            compile_schema(_without_address(schema))
        except (InputError, ValueError, TypeError, RecursionError) as error:
            yield f"{name}: {error}"
            return
        if place := _hidden(schema):
            yield f"{name} has characters nobody can see at {place}"
    if tool.input_schema.get("type") != "object":
        yield "its input is not an object"


def _bounded(text: str) -> str:
    return text if len(text) <= LONGEST_DESCRIPTION else f"{text[: LONGEST_DESCRIPTION - 1]}…"


def _clean(value: Any) -> Any:
    """Returns a copy of a schema in which the texts people and models read are visible; names and values stay."""
    if not isinstance(value, dict):
        return value
    copy = cast("dict[str, Any]", json.loads(json.dumps(value)))
    for _, part in subschemas(copy):
        for word in ("title", "description", "$comment"):
            if isinstance(part.get(word), str):
                part[word] = _bounded(visible(part[word]))
    return copy


def _hidden(value: Any, path: tuple[str | int, ...] = ()) -> str:
    """Returns where in a schema a name or value holds what cannot be seen; such a thing can only be meant to deceive."""
    if isinstance(value, str):
        return show(path) if visible(value) != value else ""
    if isinstance(value, list):
        children = enumerate(cast("list[Any]", value))
        return next((found for i, child in children if (found := _hidden(child, (*path, i)))), "")
    if not isinstance(value, dict):
        return ""
    for name, child in cast("dict[str, Any]", value).items():
        if found := _hidden(name, path) or _hidden(child, (*path, name)):
            return found
    return ""


def _without_address(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {word: value for word, value in schema.items() if word not in ("$id", "$schema")}


def _lines(text: str) -> dict[str, int]:
    """Returns the line of each tool, in the layout in which lock files are written."""
    found = ((_TOOL_LINE.fullmatch(line), number) for number, line in enumerate(text.split("\n"), 1))
    return {f"tools.{match['name']}": number for match, number in found if match}
