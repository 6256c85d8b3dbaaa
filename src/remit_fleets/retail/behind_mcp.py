"""The fleet with its shop behind an MCP server: the same tools file, reached by address or command instead of code."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

# What a tool is stands in the server and its lock file; the tools file says only what it may do here.
_DEFINED_BY_SERVER = ("description", "input", "output")


def put_shop_behind_mcp(folder: Path, *, url: str = "", command: Sequence[str] = ()) -> None:
    """Rewrites `tools/shop.yaml` of a copy of this fleet; it needs its lock file before it is sound again.

    Give either the `url` of a running `remit_fleets.retail.server`, or the `command` that starts one over stdio.
    """
    path = folder / "tools" / "shop.yaml"
    written: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    reached: dict[str, Any] = {"url": url} if url else {"command": list(command)}
    kept = {name: value for name, value in written.items() if name not in ("server", "python", "tools")}
    tools = {name: _terms(tool) for name, tool in written["tools"].items()}
    content = {"server": written["server"], **reached, **kept, "tools": tools}
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")


def without_our_words(schema: Any) -> Any:
    """Returns a schema as a server publishes it: without the words, such as `x-subject`, that Remit adds to it."""
    if isinstance(schema, dict):
        return {word: without_our_words(value) for word, value in schema.items() if not str(word).startswith("x-")}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(schema, list):
        return [without_our_words(value) for value in schema]  # pyright: ignore[reportUnknownVariableType]
    return schema


def _terms(tool: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in tool.items() if name not in _DEFINED_BY_SERVER}
    fields: Mapping[str, Mapping[str, Any]] = tool["input"]["properties"]
    ours = {field: {word: said[word] for word in said if word.startswith("x-")} for field, said in fields.items()}
    noted = {field: words for field, words in ours.items() if words}
    return {**kept, "annotate": noted} if noted else kept
