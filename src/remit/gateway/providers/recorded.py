"""A recorded model: plays the answers of a task back, in order, so that any run can be run again offline."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

from remit.core import InputError, parse_json
from remit.gateway.calls import Before
from remit.gateway.providers.messages import assistant_message, usage_of
from remit.gateway.providers.model import Completion, ProviderError, Usage

# One line is one task with all its answers.
LARGEST_LINE = 64 * 1_048_576

Answer = tuple[dict[str, Any], Usage | None]


class RecordedProvider:
    """Gives as n-th answer of a task what was recorded as its n-th; n is read off the request, so nothing is kept."""

    def __init__(self, answers: Mapping[str, Sequence[Mapping[str, Any]]], *, model: str = "recorded") -> None:
        """Takes each task's answers: assistant messages, or `{"message": …, "usage": …}`."""
        self._model = model
        self._answers = {task: [_answer(value) for value in values] for task, values in answers.items()}

    @classmethod
    def load(cls, path: Path, *, model: str = "recorded") -> "RecordedProvider":
        """Reads a file of lines `{"task": …, "answers": […]}`; a mistake is an `InputError` with the line's number."""
        answers: dict[str, list[Any]] = {}
        try:
            lines = path.read_bytes().splitlines()
        except OSError as error:
            raise InputError("Cannot read the recording", which=str(path), why=error.strerror or "") from error
        for number, line in enumerate(lines, 1):
            if line.strip():
                task, said = _line(line, f"{path}:{number}")
                if task in answers:
                    raise InputError("A task is recorded twice", which=f"{path}:{number}", why=f"task {task}")
                answers[task] = said
        return cls(answers, model=model)

    async def complete(
        self, request: Mapping[str, Any], *, task: str, before_retry: Before | None = None
    ) -> Completion:
        """Returns the answer recorded for `task` after as many answers as the request already holds."""
        said = sum(message.get("role") == "assistant" for message in request.get("messages", []))
        answers = self._answers.get(task)
        if answers is None:
            raise ProviderError("No answers are recorded for task", which=task)
        if said >= len(answers):
            why = f"answer {said + 1} was asked for, {len(answers)} are recorded"
            raise ProviderError("The recording is at its end for task", which=task, why=why)
        message, usage = answers[said]
        finish = "tool_calls" if "tool_calls" in message else "stop"
        return Completion(deepcopy(message), usage, self._model, "recorded", 0, finish)

    async def close(self) -> None:
        """Has nothing to let go of."""


def _line(line: bytes, place: str) -> tuple[str, list[Any]]:
    parsed = parse_json(line, name=place, largest=LARGEST_LINE)
    value: dict[str, Any] = cast("dict[str, Any]", parsed) if isinstance(parsed, dict) else {}
    task, answers = value.get("task"), value.get("answers")
    if not (isinstance(task, str) and isinstance(answers, list)):
        raise InputError("Not a recording", which=place, hint='Each line is {"task": "…", "answers": […]}')
    said = cast("list[Any]", answers)
    try:
        for answer in said:
            _answer(answer)
    except InputError as error:
        raise InputError("An answer in the recording is unsound", which=place, why=error.text()) from error
    return task, said


def _answer(value: Any) -> Answer:
    match value:
        case {"message": message}:
            return assistant_message(message), usage_of(cast("dict[str, Any]", value).get("usage"))
        case _:
            return assistant_message(value), None
