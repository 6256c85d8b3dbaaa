"""What a hosted run knows: its input, the results of its steps, and what it has to do without."""

from collections.abc import Mapping
from typing import Any, cast

from remit.contracts import Contract, Step, value_at
from remit.core import JsonValue

# A model that answers in prose gives this field.
TEXT_FIELD = "text"


class Known:
    """The input, and the result of each step that was taken; what is taken again is forgotten first."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._input = dict(given)
        self._learned: list[tuple[Step, JsonValue]] = []
        self._without: dict[int, str] = {}
        self.values: dict[str, Any] = dict(given)
        self.stated: dict[str, Any] = {}
        """What the latest model step said: only a model's own answer speaks of its confidence and reasons."""

    @property
    def conditions(self) -> dict[str, Any]:
        """What a step's condition speaks of: everything by name, and the input by `input.…`, which no result covers."""
        return self.values | {"input": self._input}

    @property
    def latest(self) -> Step | None:
        """The last step that gave a result."""
        return self._learned[-1][0] if self._learned else None

    @property
    def reasoned(self) -> Step | None:
        """The last `model` step that was taken."""
        return next((step for step, _ in reversed(self._learned) if step.is_model), None)

    def learn(self, step: Step, result: JsonValue) -> None:
        """Keeps what a step gave."""
        self._learned.append((step, result))
        fields = cast("dict[str, Any]", result) if isinstance(result, dict) else {}
        self.values |= fields
        if step.is_model:
            self.stated = fields

    def go_without(self, step: Step, why: str) -> None:
        """Notes that the run goes on although a step gave nothing; models are told."""
        self._without[step.number] = why

    def forget(self, first: Step) -> None:
        """Drops what came of `first` and of every step after it."""
        before = [(step, result) for step, result in self._learned if step.number < first.number]
        self._without = {number: why for number, why in self._without.items() if number < first.number}
        self._learned, self.values, self.stated = [], dict(self._input), {}
        for step, result in before:
            self.learn(step, result)

    def told(self, envelope: Mapping[str, Any]) -> dict[str, Any]:
        """Returns what a model is told first: the input, results so far, and what came with a hand-off."""
        results, handed = self._results(), {name: value for name, value in envelope.items() if name != "context"}
        more = {
            "without": {str(number): why for number, why in self._without.items()},
            "handed_over": {name: value for name, value in handed.items() if value},
        }
        if not results and not any(more.values()):
            return self._input
        return {"input": self._input, "results": results} | {name: told for name, told in more.items() if told}

    def arguments(self, schema: Mapping[str, Any], step: Step) -> dict[str, Any]:
        """Fills the input of a tool or taker: by the paths the step names, else by name from what is known."""
        tree = {"input": self._input, "steps": self._results()}
        names: Mapping[str, Any] = schema.get("properties", {})
        found = {
            name: value_at(tree, tuple(step.inputs[name].split("."))) if name in step.inputs else self.values.get(name)
            for name in names
        }
        return {name: value for name, value in found.items() if value is not None}

    def answer(self, contract: Contract) -> dict[str, Any]:
        """Returns the last result as the run's output; prose fills the `text` field."""
        last = self._learned[-1][1] if self._learned else None
        if not isinstance(last, dict):
            return {TEXT_FIELD: last}
        fields = cast("dict[str, Any]", last)
        wanted: Mapping[str, Any] = contract.terms.output.get("properties", {})
        known = self.values | fields
        return {name: known[name] for name in wanted if name in known} if wanted else dict(fields)

    def _results(self) -> dict[str, JsonValue]:
        return {str(step.number): result for step, result in self._learned}
