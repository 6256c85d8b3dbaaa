"""A hosted agent: the contract's steps in order, a model only where the contract says so, and a bounded refinement."""

import json
from collections.abc import Collection, Mapping
from typing import Any, cast

from remit.contracts import ENVELOPE_SCHEMA, HANDOFF_SERVER, Contract, Step, holds, parse_condition, value_at
from remit.core import InputError, JsonValue, NotFoundError, parse_json
from remit.gateway import Check, Denied, Done, Parts, Release
from remit.guardrails import load_function, run_gate
from remit.runtime.handle import LOOK_AGAIN, RunHandle
from remit.runtime.model import ParkedSignal, RunFailedError

# A model that answers in prose gives this field.
TEXT_FIELD = "text"
# A hand-off as a model's function is named like the tools of a server of this name, which no server may have.
HANDOFF = f"{HANDOFF_SERVER}__"


class HostedAgent:
    """Runs one contract."""

    def __init__(self, parts: Parts, release: Release) -> None:
        self._parts = parts
        self._release = release

    async def __call__(self, run: RunHandle) -> dict[str, Any]:
        """Returns the run's output: what the last step gave, checked."""
        contract, known = self._release.contract, _Known(run.input)
        steps = contract.steps or (Step(number=1),)
        for step in steps[:-1]:
            await self._take(run, step, known)
        return await self._last(run, steps[-1], known)

    async def _take(self, run: RunHandle, step: Step, known: "_Known") -> None:
        if not _applies(step, known):
            return
        if step.is_model:
            known.learn(step, await self._reason(run, known, []))
        elif step.agent:
            known.learn(step, await self._hand_off(run, step, known))
        else:
            known.learn(step, await self._call(run, step, known))

    async def _last(self, run: RunHandle, step: Step, known: "_Known") -> dict[str, Any]:
        """Takes the last step; a model's answer that fails its checks goes back with the reason, then to a person."""
        refine = self._release.contract.terms.refine
        complaints: list[str] = []
        is_model = step.is_model and _applies(step, known)
        while True:
            if is_model:
                known.learn(step, await self._reason(run, known, complaints))
            else:
                await self._take(run, step, known)
            answer = known.answer(self._release.contract)
            why = str(await run.value("check", lambda answer=answer: self._check(run, answer)))
            if not why:
                return answer
            complaints.append(why)
            if not is_model or len(complaints) > refine.times:
                return dict(await run.ask_person(answer, because=why, role=refine.to))

    async def _check(self, run: RunHandle, answer: dict[str, Any]) -> str:
        """Returns why the answer cannot stand, or nothing."""
        if problems := self._release.output.problems(answer):
            return "the answer does not fit the output schema: " + "; ".join(problems)
        seconds = self._parts.settings.limits.tool_seconds
        for name in self._release.contract.terms.refine.gates:
            code = next(server.gates[name] for server in self._release.servers.values() if name in server.gates)
            if why := await run_gate(load_function(code), self._read, run.input, answer, seconds=seconds):
                return why
        return ""

    async def _read(self, tool: str, /, **arguments: JsonValue) -> JsonValue:
        raise InputError("A gate of an answer judges the answer and the input alone", which=tool)

    async def _call(self, run: RunHandle, step: Step, known: "_Known") -> JsonValue:
        tool = self._release.tools[step.tool]
        arguments = known.arguments(tool.input, step)
        outcome = await run.try_action(
            "tool",
            tool.name,
            arguments,
            confidence=known.stated.get("confidence"),
            reasoning=str(known.stated.get("why") or ""),
            alternatives=known.stated.get("alternatives"),
        )
        if isinstance(outcome, Denied):
            raise RunFailedError(f"Step {step.number} was not permitted", which=tool.name, why=outcome.sentence())
        if outcome.is_error:
            raise RunFailedError(f"Step {step.number} failed", which=tool.name, why=outcome.words())
        return outcome.value

    async def _hand_off(self, run: RunHandle, step: Step, known: "_Known") -> JsonValue:
        """Hands the work on with what is known of it; returns the taker's output."""

        def context() -> dict[str, Any]:
            return known.arguments(self._taker_of(step.agent).contract.terms.input, step)

        # Made once: driven again after the taker has a newer version, the run must ask for the same.
        given = cast("dict[str, Any]", await run.value("context", context))
        intent = step.text or self._release.contract.terms.purpose
        outcome = await run.try_handoff(step.agent, intent, given)
        if isinstance(outcome, Denied) and outcome.step is Check.LIMITS and run.is_at_hops:
            return None  # a person has let the run go on without it
        if isinstance(outcome, Denied):
            raise RunFailedError(f"Step {step.number} was not permitted", which=step.agent, why=outcome.sentence())
        if outcome.is_error:
            raise RunFailedError(f"Step {step.number} failed", which=step.agent, why=outcome.words())
        return outcome.value["output"]

    def _taker_of(self, agent: str) -> Release:
        """Returns the release of who takes the work; while nobody does the run waits, as for the hand-off itself."""
        again = self._parts.clock.now() + LOOK_AGAIN
        try:
            version = self._parts.registry.current(agent)
        except NotFoundError as none:
            raise ParkedSignal(f"{agent} has no live version", waits_for="release", until=again) from none
        if (release := self._parts.releases.get(version.release)) is None:
            raise ParkedSignal(f"the release of {version.id} is not loaded", waits_for="release", until=again)
        return release

    async def _reason(self, run: RunHandle, known: "_Known", complaints: list[str]) -> JsonValue:
        """The model loop: answers and tool calls until a final answer, within the contract's turns."""
        tools = [*self._reachable_tools(), *await self._reachable_agents(run)]
        if complaints:
            messages = known.conversation
            messages.append({"role": "user", "content": f"Your answer cannot stand: {complaints[-1]}. Correct it."})
        else:
            messages = [
                {"role": "system", "content": self._release.contract.instructions},
                {"role": "user", "content": json.dumps(known.told(run.envelope), ensure_ascii=False, sort_keys=True)},
            ]
        for _ in range(self._release.contract.terms.models.turns):
            message = await run.model(messages, tools=tools)
            messages.append(message)
            if not message.get("tool_calls"):
                known.conversation = messages
                return _final(message.get("content") or "")
            for call in message["tool_calls"]:
                content = await _answer(run, call, {tool["function"]["name"] for tool in tools})
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": content})
        raise RunFailedError("The model did not finish", why=f"{len(messages)} messages, no final answer")

    def _reachable_tools(self) -> list[dict[str, Any]]:
        """The tools a model may call: what the contract grants, less what its steps call themselves."""
        scripted = {step.tool for step in self._release.contract.steps}
        return [
            {
                "type": "function",
                "function": {"name": name, "description": tool.description, "parameters": tool.input},
            }
            for name in self._release.inputs
            if name not in scripted
            for tool in [self._release.tools[name]]
        ]

    async def _reachable_agents(self, run: RunHandle) -> list[dict[str, Any]]:
        """The agents a model may hand work to, as functions: whom the contract names, less whom its steps name."""
        scripted = {step.agent for step in self._release.contract.steps}
        if not (names := [name for name in self._release.contract.terms.handoffs if name not in scripted]):
            return []
        # Told once: a taker's newer version may take another input, and driven again the model is asked the same.
        told = await run.value("hand-offs", lambda: [self._as_function(name) for name in names])
        return cast("list[dict[str, Any]]", [function for function in cast("list[Any]", told) if function])

    def _as_function(self, agent: str) -> dict[str, Any]:
        """Describes a hand-off to a model; empty while nobody takes it."""
        known = [version for version in self._parts.registry.versions(agent) if version.may_begin]
        releases = [self._parts.releases[v.release] for v in known if v.release in self._parts.releases]
        if not releases:
            return {}
        terms = releases[-1].contract.terms
        properties = {**ENVELOPE_SCHEMA["properties"], "context": terms.input}
        properties.pop("attempted")  # the journal tells it
        parameters = {"type": "object", "properties": properties, "required": ["intent", "context"]}
        description = f"Hands work to another agent and waits for its answer. It is there to: {terms.purpose}"
        function = {"name": f"{HANDOFF}{agent}", "description": description, "parameters": parameters}
        return {"type": "function", "function": function}


class _Known:
    """What a run knows so far: its input and the results of its steps."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._input = dict(given)
        self._results: dict[str, JsonValue] = {}
        self.values: dict[str, Any] = dict(given)
        self.stated: dict[str, Any] = {}
        """What the latest model step said: only a model's own answer speaks of its confidence and reasons."""
        self.conversation: list[dict[str, Any]] = []

    def learn(self, step: Step, result: JsonValue) -> None:
        self._results[str(step.number)] = result
        fields = cast("dict[str, Any]", result) if isinstance(result, dict) else {}
        self.values |= fields
        if step.is_model:
            self.stated = fields

    def told(self, envelope: Mapping[str, Any]) -> dict[str, Any]:
        """Returns what a model is told first: the input, results so far, and what came with a hand-off."""
        told = {"input": self._input, "results": self._results} if self._results else self._input
        handed = {name: value for name, value in envelope.items() if name != "context" and value}
        return {"input": self._input, "results": self._results, "handed_over": handed} if handed else told

    def arguments(self, schema: Mapping[str, Any], step: Step) -> dict[str, Any]:
        """Fills the input of a tool or taker: by the paths the step names, else by name from what is known."""
        tree = {"input": self._input, "steps": self._results}
        names: Mapping[str, Any] = schema.get("properties", {})
        found = {
            name: value_at(tree, tuple(step.inputs[name].split("."))) if name in step.inputs else self.values.get(name)
            for name in names
        }
        return {name: value for name, value in found.items() if value is not None}

    def answer(self, contract: Contract) -> dict[str, Any]:
        """Returns the last result as the run's output; prose fills the `text` field."""
        last = next(reversed(self._results.values()), None)
        if isinstance(last, dict):
            wanted: dict[str, Any] = contract.terms.output.get("properties", {})
            known = {**self.values, **last}  # pyright: ignore[reportUnknownVariableType]
            return {name: known[name] for name in wanted if name in known} if wanted else dict(last)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        return {TEXT_FIELD: last}


def _applies(step: Step, known: _Known) -> bool:
    return not step.when or holds(parse_condition(step.when), known.values)


def _final(content: str) -> JsonValue:
    """Reads a final answer: a JSON object if it is one, else prose."""
    text = content.strip()
    if text.startswith("```"):
        text = text.strip("`").removeprefix("json").strip()
    if not text.startswith("{"):
        return content
    try:
        return parse_json(text, name="The model's answer", largest=len(content) * 4 + 1)
    except InputError:
        return content


async def _asked(run: RunHandle, name: str, arguments: dict[str, Any]) -> Denied | Done:
    """Does what a model's function call asks for; what its envelope lacks, the gateway tells it."""
    if not name.startswith(HANDOFF):
        return await run.try_action("tool", name, arguments)
    return await run.try_handoff(
        name.removeprefix(HANDOFF),
        arguments.get("intent", ""),
        arguments.get("context", {}),
        arguments.get("constraints", ()),
        arguments.get("verification", ()),
    )


async def _answer(run: RunHandle, call: Mapping[str, Any], offered: Collection[str]) -> str:
    """Returns what the model reads about one of its tool calls: the result, or why there is none."""
    function = call["function"]
    if function.get("name") not in offered:
        return f"Not called: it is not offered here. Offered are: {', '.join(sorted(offered)) or 'none'}."
    try:
        arguments = parse_json(function.get("arguments") or "{}", name="The arguments", largest=1_000_000)
    except InputError as fault:
        return f"Not called: {fault.text()}"
    if not isinstance(arguments, dict):
        return "Not called: the arguments are not a JSON object."
    outcome = await _asked(run, str(function.get("name")), arguments)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(outcome, Denied):
        return outcome.sentence()
    return outcome.value if isinstance(outcome.value, str) else json.dumps(outcome.value, ensure_ascii=False)
