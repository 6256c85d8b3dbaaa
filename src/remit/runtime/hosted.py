"""A hosted agent: the contract's steps in order, a model only where the contract says so, and a bounded refinement."""

import asyncio
import json
from typing import Any, cast

from remit.contracts import Contract, Step, Tool, holds, normalise, parse_condition
from remit.core import InputError, JsonValue, NotFoundError, parse_json
from remit.gateway import Check, Denied, Parts, Release
from remit.guardrails import load_function, run_gate
from remit.runtime.functions import Functions
from remit.runtime.handle import LOOK_AGAIN, RunHandle
from remit.runtime.known import Known
from remit.runtime.model import ParkedSignal, RunFailedError
from remit.runtime.refinement import Course, Kept, Setback, done_otherwise, named

# Seconds; each time twice as long. With two returns, a source that lies or is away for three seconds is waited out.
FAULT_PAUSE = 1.0


class HostedAgent:
    """Runs one contract, in one attempt."""

    def __init__(self, parts: Parts, release: Release) -> None:
        self._parts = parts
        self._release = release
        self._functions = Functions(parts, release)

    @property
    def _contract(self) -> Contract:
        return self._release.contract

    async def __call__(self, run: RunHandle) -> dict[str, Any]:
        """Returns the run's output: what the last step gave, checked.

        A model's answer that fails its checks goes back with the reason, then to a person.
        """
        refine, steps = self._contract.terms.refine, self._contract.steps or (Step(number=1),)
        course, number = Course(refine, run.input), 1
        while True:
            while number <= len(steps):
                number = await self._take(run, steps[number - 1], course)
            answer = course.known.answer(self._contract)
            why = str(await run.value("check", lambda answer=answer: self._check(run, answer)))
            if not why:
                return answer
            last = steps[-1]
            if not last.is_model or course.known.latest is not last or not course.may_return:
                return dict(await run.ask_person(answer, because=why, role=refine.to))
            course.go_back(last, f"Your answer cannot stand: {why}. Correct it.")
            number = last.number

    async def _check(self, run: RunHandle, answer: dict[str, Any]) -> str:
        """Returns why the answer cannot stand, or nothing."""
        if problems := self._release.output.problems(answer):
            return "the answer does not fit the output schema: " + "; ".join(problems)
        seconds = self._parts.settings.limits.tool_seconds
        for name in self._contract.terms.refine.gates:
            code = next(server.gates[name] for server in self._release.servers.values() if name in server.gates)
            if why := await run_gate(load_function(code), self._read, run.input, answer, seconds=seconds):
                return why
        return ""

    async def _read(self, tool: str, /, **arguments: JsonValue) -> JsonValue:
        raise InputError("A gate of an answer judges the answer and the input alone", which=tool)

    async def _take(self, run: RunHandle, step: Step, course: Course) -> int:
        """Takes one step; returns the number of the next one, which stands before it when the run goes back."""
        kept, applies = course.kept.get(step.number), _applies(step, course.known)
        if kept is not None and (kept.is_missing or not applies):
            self._leave_done(step, kept, course)
            return step.number + 1
        if not applies:
            return step.number + 1
        if step.is_model:
            result = await self._reason(run, step, course)
        elif step.agent:
            result = await self._hand_off(run, step, course)
        else:
            result = await self._call(run, step, course)
        if isinstance(result, Setback):
            return await self._set_back(run, result, course)
        course.known.learn(step, result)
        return step.number + 1

    def _leave_done(self, step: Step, kept: Kept, course: Course) -> None:
        """Goes on with what a step has done before, whatever is known by now: it stays done."""
        if kept.is_missing:
            course.known.go_without(step, f"{named(step)} was done, and its result cannot be used")
        else:
            course.known.learn(step, kept.result)

    async def _call(self, run: RunHandle, step: Step, course: Course) -> "JsonValue | Setback":
        tool, stated = self._release.tools[step.tool], course.known.stated
        arguments = course.known.arguments(tool.input, step)
        if kept := course.kept.get(step.number):
            same = arguments == kept.arguments or self._was_done_with(run, kept, tool, arguments)
            return kept.result if same else done_otherwise(step, kept, arguments)
        if course.has_answer(tool, arguments):
            why = "people were asked for exactly this before, and did not permit it"
            return Setback(step, "was refused", why, arguments=arguments)
        outcome = await run.try_action(
            "tool",
            tool.name,
            arguments,
            confidence=stated.get("confidence"),
            reasoning=str(stated.get("why") or ""),
            alternatives=stated.get("alternatives"),
        )
        if isinstance(outcome, Denied):
            setback = Setback(step, "was refused", outcome.sentence(), False, arguments, outcome.is_undecided)
            if outcome.step is Check.PERFORM and not run.has_effects:
                raise _failed(setback)  # a fork that only looks: no other answer of the model mends that
            if outcome.step is Check.APPROVAL:
                course.keep_answer(tool, arguments)
            return setback
        acted = tool.effect == "write" and (outcome.acted or not outcome.is_error)
        if acted:
            course.kept[step.number] = Kept(arguments, run.steps, outcome.value, is_missing=outcome.is_error)
        if not outcome.is_error:
            return outcome.value
        lies = tool.effect == "read" and outcome.is_refuted
        return Setback(step, "failed", outcome.words(), acted, arguments, is_fault=lies)

    def _was_done_with(self, run: RunHandle, kept: Kept, tool: Tool, arguments: dict[str, Any]) -> bool:
        """Whether a step was done with these arguments: a person may have changed what the run asked for."""
        row = self._parts.journal.step(run.id, kept.number)
        try:
            asked = normalise(tool.input, arguments)
        except (InputError, TypeError, ValueError, RecursionError):
            return False
        return row is not None and self._parts.journal.content(row.judged)["arguments"] == asked

    async def _hand_off(self, run: RunHandle, step: Step, course: Course) -> "JsonValue | Setback":
        """Hands the work on with what is known of it; returns the taker's output."""

        def context() -> dict[str, Any]:
            return course.known.arguments(self._taker_of(step.agent).contract.terms.input, step)

        # Made once: driven again after the taker has a newer version, the run must ask for the same.
        given = cast("dict[str, Any]", await run.value("context", context))
        if kept := course.kept.get(step.number):
            return kept.result if given == kept.arguments else done_otherwise(step, kept, given)
        intent = step.text or self._contract.terms.purpose
        outcome = await run.try_handoff(step.agent, intent, given)
        if isinstance(outcome, Denied) and outcome.step is Check.LIMITS and run.is_at_hops:
            return None  # a person has let the run go on without it
        if isinstance(outcome, Denied):
            return Setback(step, "was refused", outcome.sentence(), arguments=given)
        # Whatever came of it, the taker has worked: it is not handed the same work again.
        result = None if outcome.is_error else outcome.value["output"]
        course.kept[step.number] = Kept(given, run.steps, result, is_missing=outcome.is_error)
        return Setback(step, "failed", outcome.words(), True, given) if outcome.is_error else result

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

    async def _set_back(self, run: RunHandle, setback: Setback, course: Course) -> int:
        """Takes the run back to where a setback can be mended, or asks a person; else the run fails."""
        refine, step = self._contract.terms.refine, setback.step
        course.note(setback)
        if not refine.steps:
            raise _failed(setback)
        is_read = bool(step.tool) and self._release.tools[step.tool].effect == "read"
        if back := course.place_before(setback, is_read=is_read):
            # On the record, where people see why steps are taken again.
            await run.value(f"return {course.returns + 1} to step {back.number}", lambda: _told_later(setback, course))
            course.go_back(back, course.correct(setback, back) if back.is_model else "")
            return back.number
        if not refine.to:
            raise _failed(setback)
        asked = {"step": step.number, "name": named(step), "arguments": dict(setback.arguments)}
        await run.ask_person(asked, because=course.tried(step), role=refine.to, kind="stuck")
        kept = course.kept.get(step.number)
        if kept is not None:
            self._leave_done(step, kept, course)
        else:
            course.known.go_without(step, setback.sentence())
        return step.number + 1

    async def _reason(self, run: RunHandle, step: Step, course: Course) -> JsonValue:
        """The model loop: answers and tool calls until a final answer, within the contract's turns."""
        tools = await self._functions.offered(run)
        names = {tool["function"]["name"] for tool in tools}
        if correction := course.correction():
            messages = course.conversations[step.number]
            messages.append({"role": "user", "content": correction})
        else:
            messages = [
                {"role": "system", "content": self._contract.instructions},
                {"role": "user", "content": _told(course.known, run)},
            ]
        for _ in range(self._contract.terms.models.turns):
            message = await run.model(messages, tools=tools)
            messages.append(message)
            if not message.get("tool_calls"):
                course.conversations[step.number] = messages
                return _final(message.get("content") or "")
            for call in message["tool_calls"]:
                content = await self._functions.answer(run, call, names)
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": content})
        raise RunFailedError("The model did not finish", why=f"{len(messages)} messages, no final answer")


async def _told_later(setback: Setback, course: Course) -> str:
    """Returns why the run goes back; after a fault a while later, longer each time: asked at once, it would be there still."""
    if setback.is_fault:
        await asyncio.sleep(FAULT_PAUSE * 2**course.returns)
    return setback.sentence()


def _failed(setback: Setback) -> RunFailedError:
    what = "was not permitted" if setback.how == "was refused" else "failed"
    return RunFailedError(f"Step {setback.step.number} {what}", which=named(setback.step), why=setback.why)


def _applies(step: Step, known: Known) -> bool:
    return not step.when or holds(parse_condition(step.when), known.conditions)


def _told(known: Known, run: RunHandle) -> str:
    return json.dumps(known.told(run.envelope), ensure_ascii=False, sort_keys=True)


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
