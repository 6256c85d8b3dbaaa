"""The recorded retail work as cases: what the desk is given, what its model says, and what must come of it."""

import gzip
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from remit_fleets.retail import Conversation, load_conversations

Line = dict[str, Any]
Rows = Mapping[tuple[str, str], Any]

# Every ground truth: tasks, and what is expected of them.
GROUND_TRUTH = {
    "v3": [("tasks_v3.jsonl", "expected_v3.jsonl")],
    "v1": [
        ("tasks_v1_test.jsonl", "expected_v1_test.jsonl"),
        ("tasks_v1_train.jsonl", "expected_v1_train.jsonl.gz"),
        ("tasks_v1_dev.jsonl", "expected_v1_dev.jsonl"),
    ],
}
# What a quick run takes of the older tasks and of each model's conversations; all of v3 are played in any case.
QUICK_V1, QUICK_RUNS = 40, 15
_SEED = 20260728


@dataclass(frozen=True, slots=True)
class Label:
    """What is known to be right about one write."""

    place: int
    """Which of the case's calls it is, from 0."""
    tool: str
    verdict: str
    """`allow`, `deny`, or `attest`: permitted only after a person has vouched for what no record shows."""
    rules: tuple[str, ...]
    refused: str
    """The tool's own refusal, if it refuses too."""


@dataclass(frozen=True, slots=True)
class Case:
    """One piece of recorded work."""

    key: str
    value: Mapping[str, Any]
    answers: Sequence[Mapping[str, Any]]
    calls: Sequence[tuple[str, Mapping[str, Any]]]
    """The shop's tools the answers call, with their arguments, in order."""
    labels: Sequence[Label]
    replies: Sequence[str] = ()
    rows: Rows | None = field(default=None)
    """The documents that must differ in the end, if every call was made; None where that is not known."""

    @property
    def stopped_by_gateway_only(self) -> bool:
        """Whether a write that must not happen would be accepted by the tool."""
        return any(label.verdict == "deny" and not label.refused for label in self.labels)


def ground_truth(folder: Path, name: str, *, quick: bool) -> list[Case]:
    """Returns the tasks of `v3` or `v1` as cases; quick, a sample of v1 that is the same each time."""
    pairs = [pair for files in GROUND_TRUTH[name] for pair in _pairs(folder, *files)]
    cases = [_ground_truth(task, expected) for task, expected in pairs]
    return _sample(cases, QUICK_V1) if quick and name == "v1" else cases


def conversations(shared: Path, model: str, *, quick: bool) -> list[Case]:
    """Returns a model's recorded conversations as cases."""
    cases = [_recorded(conversation) for conversation in load_conversations(shared, model)]
    return _sample(cases, QUICK_RUNS) if quick else cases


def _pairs(folder: Path, tasks: str, expected: str) -> list[tuple[Line, Line]]:
    found = {line["task"].partition("/")[2]: line for line in _lines(folder / expected)}
    return [(task, found[task["id"]]) for task in _lines(folder / tasks)]


def _lines(path: Path) -> list[Line]:
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    return [json.loads(line) for line in text.splitlines()]


def _sample(cases: list[Case], size: int) -> list[Case]:
    """Returns so many cases, among them a sixth of those that only the gateway stops."""
    drawn = random.Random(_SEED)
    only = [case for case in cases if case.stopped_by_gateway_only]
    chosen = {case.key for case in drawn.sample(only, min(len(only), size // 6))}
    others = [case.key for case in cases if case.key not in chosen]
    chosen |= set(drawn.sample(others, min(len(others), size - len(chosen))))
    return [case for case in cases if case.key in chosen]


def _ground_truth(task: Line, expected: Line) -> Case:
    key = expected["task"]
    value = {"ticket": key, "message": "ground truth"}
    if task["user_id"]:
        # The labels take a task's own user for the customer of the session, and most older tasks look nobody up. One of
        # those that do, v1/test-64, looks up another user than its own: learnt by look-up alone, its last write would
        # be permitted. (The corrected task has that other user.) Recorded models do learn it by look-up alone.
        value["customer"] = task["user_id"]
    calls = [(action["tool"], action["args"]) for action in task["actions"]]
    return Case(
        key=key,
        value=value,
        answers=[*(_asking(number, *call) for number, call in enumerate(calls)), _LAST_WORD],
        calls=calls,
        labels=[
            Label(write["i"], write["tool"], write["verdict"], tuple(write["rules"]), write["tool_refuses"] or "")
            for write in expected["writes"]
        ],
        rows={(row["table"], row["key"]): row["after"] for row in expected["rows"]},
    )


_LAST_WORD = {"role": "assistant", "content": "Done."}


def _asking(number: int, tool: str, arguments: Mapping[str, Any]) -> Line:
    function = {"name": f"shop__{tool}", "arguments": json.dumps(arguments)}
    call = {"id": f"call_{number}", "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _recorded(conversation: Conversation) -> Case:
    places = {call.event: place for place, call in enumerate(conversation.calls)}
    return Case(
        key=f"{conversation.model}:{conversation.ticket}",
        value=conversation.task_input,
        answers=conversation.answers,
        calls=[(call.tool, call.arguments) for call in conversation.calls],
        labels=[
            Label(places[label["e"]], label["tool"], label["verdict"], tuple(label["rules"]), label["refused"] or "")
            for label in conversation.labels
        ],
        replies=conversation.replies,
    )
