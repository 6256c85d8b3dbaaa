"""What a model may call in a hosted agent's `model` step, and what it reads about its calls."""

import json
from collections.abc import Collection, Mapping
from typing import Any, cast

from remit.contracts import ENVELOPE_SCHEMA, HANDOFF_SERVER, is_tool_name
from remit.core import InputError, parse_json
from remit.gateway import Denied, Done, Parts, Release
from remit.runtime.handle import RunHandle

# A hand-off as a model's function is named like the tools of a server of this name, which no server may have.
HANDOFF = f"{HANDOFF_SERVER}__"
# Calls of one run for what it was not offered that are refused on the record. So many tell what there is to tell; the
# next ones would only fill the log and use up the run's steps.
MOST_STRAYS = 10


class Functions:
    """The functions of one attempt's model steps."""

    def __init__(self, parts: Parts, release: Release) -> None:
        self._parts = parts
        self._release = release
        self._strays = 0
        steps, handoffs = release.contract.steps, release.contract.terms.handoffs
        self._scripted = {step.tool for step in steps if step.tool}
        self._agents = [name for name in handoffs if name not in {step.agent for step in steps}]
        self._known = self._scripted | {f"{HANDOFF}{name}" for name in handoffs}

    async def offered(self, run: RunHandle) -> list[dict[str, Any]]:
        """Returns what the contract grants, less what its steps call themselves."""
        return [*self._tools(), *await self._takers(run)]

    def _tools(self) -> list[dict[str, Any]]:
        return [
            {
                "type": "function",
                "function": {"name": name, "description": tool.description, "parameters": tool.input},
            }
            for name in self._release.inputs
            if name not in self._scripted
            for tool in [self._release.tools[name]]
        ]

    async def _takers(self, run: RunHandle) -> list[dict[str, Any]]:
        if not self._agents:
            return []
        # Told once: a taker's newer version may take another input, and driven again the model is asked the same.
        told = await run.value("hand-offs", lambda: [self._as_function(name) for name in self._agents])
        return cast("list[dict[str, Any]]", [function for function in cast("list[Any]", told) if function])

    def _as_function(self, agent: str) -> dict[str, Any]:
        """Describes a hand-off to a model; empty while nobody takes it."""
        known = [version for version in self._parts.registry.versions(agent) if version.may_begin]
        contracts = [contract for v in known if (contract := self._parts.releases.contract(v.release))]
        if not contracts:
            return {}
        terms = contracts[-1].terms
        properties = {**ENVELOPE_SCHEMA["properties"], "context": terms.input}
        properties.pop("attempted")  # the journal tells it
        parameters = {"type": "object", "properties": properties, "required": ["intent", "context"]}
        description = f"Hands work to another agent and waits for its answer. It is there to: {terms.purpose}"
        function = {"name": f"{HANDOFF}{agent}", "description": description, "parameters": parameters}
        return {"type": "function", "function": function}

    async def answer(self, run: RunHandle, call: Mapping[str, Any], offered: Collection[str]) -> str:
        """Returns what the model reads about one of its calls: the result, or why there is none."""
        name, text = str(call["function"].get("name")), call["function"].get("arguments") or "{}"
        if name not in offered:
            return await self._stray(run, name, text, offered)
        try:
            arguments = parse_json(text, name="The arguments", largest=1_000_000)
        except InputError as fault:
            return f"Not called: {fault.text()}"
        if not isinstance(arguments, dict):
            return "Not called: the arguments are not a JSON object."
        return _read(await self._asked(run, name, arguments))  # pyright: ignore[reportUnknownArgumentType]

    async def _asked(self, run: RunHandle, name: str, arguments: dict[str, Any]) -> Denied | Done:
        """Does what a call asks for; what a hand-off's envelope lacks, the gateway tells it."""
        if not name.startswith(HANDOFF):
            return await run.try_action("tool", name, arguments)
        return await run.try_handoff(
            name.removeprefix(HANDOFF),
            arguments.get("intent", ""),
            arguments.get("context", {}),
            arguments.get("constraints", ()),
            arguments.get("verification", ()),
        )

    async def _stray(self, run: RunHandle, name: str, text: str, offered: Collection[str]) -> str:
        """Puts a call for what was not offered to the gateway, which denies it on the record.

        What steps call themselves is not denied in general, and so it is only answered here, like what is no name.
        """
        if name in self._known or not is_tool_name(name) or self._strays == MOST_STRAYS:
            return f"Not called: it is not offered here. Offered are: {', '.join(sorted(offered)) or 'none'}."
        self._strays += 1
        arguments = _arguments(text, largest=self._parts.settings.limits.argument_bytes)
        if name.startswith(HANDOFF):
            return _read(await run.try_action("handoff", name.removeprefix(HANDOFF), arguments))
        return _read(await run.try_action("tool", name, arguments))


def _read(outcome: Denied | Done) -> str:
    if isinstance(outcome, Denied):
        return outcome.sentence()
    return outcome.value if isinstance(outcome.value, str) else json.dumps(outcome.value, ensure_ascii=False)


def _arguments(text: str, *, largest: int) -> dict[str, Any]:
    """Reads the arguments of a call that is denied for its name; unreadable or large ones are left out of the record."""
    try:
        arguments = parse_json(text, name="The arguments", largest=largest)
    except InputError:
        return {}
    return cast("dict[str, Any]", arguments) if isinstance(arguments, dict) else {}
