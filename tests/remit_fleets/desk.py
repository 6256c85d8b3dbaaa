"""A few lines that stand in for the gateway: the contract's rules, the tools' facts and subjects, and nothing else."""

import importlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from remit.contracts import compile_schema, holds, parse_condition
from remit.gateway import ToolCall, ToolError
from remit_fleets.retail import Shop

FLEET = Path(importlib.import_module("remit_fleets.retail").__path__[0])
_KEYS = itertools.count(1)


def call(key: str = "", *, task: str = "task_1", fences: Mapping[str, int] | None = None) -> ToolCall:
    """Returns a call by a desk agent, with a key of its own unless one is given."""
    number = next(_KEYS)
    return ToolCall(key or f"run_1:{number}", task, "run_1", number, "retail-desk@1.0.0", "", fences or {})


async def use(shop: Shop, tool: str, arguments: Mapping[str, Any], key: str = "") -> Any:
    """Calls a tool of the shop by its short name."""
    return await getattr(shop, tool)(call(key), **arguments)


def declared(server: str = "shop") -> Mapping[str, Any]:
    """Returns the tools file as written."""
    return yaml.safe_load((FLEET / "tools" / f"{server}.yaml").read_text())


def contract(agent: str = "retail-desk") -> Mapping[str, Any]:
    """Returns the contract's front matter as written."""
    return yaml.safe_load((FLEET / "agents" / f"{agent}.agent.md").read_text().split("---\n")[1])


@dataclass(frozen=True, slots=True)
class Judged:
    """What the contract says to one action; no level means that it is denied."""

    level: str
    facts: Mapping[str, Any]
    subject: str = "none"

    @property
    def allowed(self) -> bool:
        """Whether it may happen, with or without a person's yes."""
        return bool(self.level) and self.subject in ("inside", "none")


class Authority:
    """The rules of `retail-desk`, asked one action at a time."""

    def __init__(self) -> None:
        self._tools = declared()["tools"]
        uses = {use["use"].partition("__")[2]: use for use in contract()["tools"]}
        self._rules = {
            name: [(parse_condition(rule["when"]), rule["level"]) for rule in use.get("autonomy", ())]
            for name, use in uses.items()
        }
        self.guarded = frozenset(name for name, tool in self._tools.items() if "facts" in tool)
        """The tools that change the shop's documents."""
        self._inputs = {name: compile_schema(tool["input"]) for name, tool in self._tools.items()}

    async def judge(self, shop: Shop, tool: str, arguments: Mapping[str, Any], customer: str | None) -> Judged:
        """Returns the contract's answer to a call of the shop's `tool`."""
        if self._inputs[tool].problems(dict(arguments)):
            return Judged("", {})
        facts = await self.facts(shop, tool, arguments)
        levels = [level for rule, level in self._rules[tool] if holds(rule, {**arguments, "facts": facts})]
        if not self._rules[tool]:
            levels = ["autonomous"]
        return Judged(min(levels, default=""), facts, self._subject(tool, arguments, facts, customer))

    async def facts(self, shop: Shop, tool: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns what the tool's facts function finds out."""
        if "facts" not in self._tools[tool]:
            return {}
        module, _, name = self._tools[tool]["facts"]["code"].partition(":")
        function = getattr(importlib.import_module(module), name)
        return {k: v for k, v in (await function(reader(shop), arguments, {})).items() if v is not None}

    def _subject(self, tool: str, arguments: Mapping[str, Any], facts: Mapping[str, Any], customer: str | None) -> str:
        path = self._tools[tool].get("subjects", {}).get("customer")
        if path is None:
            return "none"
        touched = facts.get(path.removeprefix("facts.")) if path.startswith("facts.") else arguments[path]
        if touched is None or customer is None:
            return "unknown"
        return "inside" if touched == customer else "outside"


def reader(shop: Shop) -> Any:
    """Returns how facts read: by full tool name, None for what the shop does not know."""

    async def read(tool: str, /, **arguments: Any) -> Any:
        try:
            return await use(shop, tool.removeprefix("shop__"), arguments)
        except ToolError:
            return None

    return read
