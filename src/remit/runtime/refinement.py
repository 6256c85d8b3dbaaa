"""How a hosted run goes back: which step is taken again, what must not be done twice, and what people are told."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from remit.contracts import Refinement, Step, Tool
from remit.core import JsonValue
from remit.runtime.known import Known

# Of each reason a person reads; what was refused stands in full in the run's steps.
LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Setback:
    """Why a step gave no result."""

    step: Step
    how: Literal["was refused", "failed"]
    why: str
    """The sentence of the refusal, or the tool's words."""
    acted: bool = False
    """Whether the step has changed something all the same, so that it must not be taken again."""
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    is_fault: bool = False
    """Whether time may mend it: nothing was decided, or nothing could be read."""

    def sentence(self) -> str:
        """Returns it in plain words."""
        why = self.why.removeprefix("Not permitted: ").rstrip(".")
        return f"Step {self.step.number}, {named(self.step)}, {self.how}: {why}."


@dataclass(frozen=True, slots=True)
class Kept:
    """A step that has changed something: it is not taken a second time in a run."""

    arguments: Mapping[str, Any]
    """As the run asked for it."""
    number: int
    """Under which it stands in the journal."""
    result: JsonValue = None
    is_missing: bool = False
    """Whether it gave nothing one could go on with."""


class Course:
    """Where a run is among its contract's steps. All of it follows from its input and recorded outcomes."""

    def __init__(self, refine: Refinement, given: Mapping[str, Any]) -> None:
        self._refine = refine
        self.known = Known(given)
        self.kept: dict[int, Kept] = {}
        """By step."""
        self.returns = 0
        self.conversations: dict[int, list[dict[str, Any]]] = {}
        """Of each `model` step."""
        self._correction = ""
        self._setbacks: list[Setback] = []
        self._answered: list[tuple[str, Mapping[str, Any]]] = []

    @property
    def may_return(self) -> bool:
        """Whether the run may go back once more."""
        return self.returns < self._refine.times

    def go_back(self, step: Step, correction: str = "") -> None:
        """Takes the run back to `step`: what came of it and after it is forgotten, and done again."""
        self.returns += 1
        self.known.forget(step)
        self._correction = correction

    def correction(self) -> str:
        """Returns what the model is told when its step is taken again; "" the first time."""
        told, self._correction = self._correction, ""
        return told

    def note(self, setback: Setback) -> None:
        """Keeps why a step gave nothing, for whoever is asked in the end."""
        self._setbacks.append(setback)

    def place_before(self, setback: Setback, *, is_read: bool) -> Step | None:
        """Returns the step at which the run goes on after a setback; None when going back mends nothing."""
        if setback.acted or not self.may_return:
            return None
        return self.known.reasoned or (setback.step if is_read else None)

    def correct(self, setback: Setback, back: Step) -> str:
        """Returns what the model is told about a setback, and what stays as it is whatever it answers."""
        done = [number for number in self.kept if number > back.number]
        stays = f" Done already, and not done again: step {', '.join(map(str, sorted(done)))}." if done else ""
        return f"{setback.sentence()}{stays} Correct your answer."

    def has_answer(self, tool: Tool, arguments: Mapping[str, Any]) -> bool:
        """Whether people have answered exactly this, and not with a yes: they are not asked the same again."""
        return (tool.name, _said(tool, arguments)) in self._answered

    def keep_answer(self, tool: Tool, arguments: Mapping[str, Any]) -> None:
        """Notes that people did not permit a call of a tool with these arguments."""
        self._answered.append((tool.name, _said(tool, arguments)))

    def tried(self, step: Step) -> str:
        """Returns what came of every try of a step, for the person who is asked."""
        told = [each for each in self._setbacks if each.step.number == step.number]
        counted = Counter(_cut(each.sentence()) for each in told)
        reasons = " ".join(f"{text} ({times} times)" if times > 1 else text for text, times in counted.items())
        tries = "tried once" if len(told) == 1 else f"tried {len(told)} times"
        again = " What it did stays done." if any(each.acted for each in told) else ""
        return f"{tries}. {reasons}{again} Approve lets the run go on without it, reject ends it"


def named(step: Step) -> str:
    """Returns what a step calls, by name."""
    return step.tool or step.agent or "model"


def done_otherwise(step: Step, kept: Kept, arguments: Mapping[str, Any]) -> Setback:
    """Returns the refusal of a step that was done with other arguments before."""
    words = json.dumps(kept.arguments, ensure_ascii=False, sort_keys=True)
    why = f"it has been done with {words}, and is not done again with anything else"
    return Setback(step, "was refused", why, arguments=arguments)


def _said(tool: Tool, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns what arguments say: an optional field that is empty, or as it is without it, says nothing."""
    properties: Mapping[str, Any] = tool.input.get("properties", {})
    silent = {
        name: (None, "", properties[name].get("default", ""))
        for name in arguments
        if name in properties and name not in tool.input.get("required", ())
    }
    return {name: value for name, value in arguments.items() if not (name in silent and value in silent[name])}


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]}…"
