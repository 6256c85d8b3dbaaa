"""What a shop's server was asked to do, line by line, so that effects can be counted from outside."""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Protocol

Ended = Literal["done", "repeated", "refused", "failed"]
"""`repeated`: the key had done it before, the first result was returned and nothing changed."""


class Call(Protocol):
    """What the log writes down of a call: Remit's `ToolCall`, or what a server makes of its metadata."""

    @property
    def key(self) -> str:
        """The idempotency key."""
        ...

    @property
    def task(self) -> str:
        """The task it is made for."""
        ...

    @property
    def run(self) -> str:
        """The run that makes it."""
        ...

    @property
    def step(self) -> int:
        """The step of the run."""
        ...

    @property
    def agent(self) -> str:
        """Who makes it."""
        ...

    @property
    def fences(self) -> Mapping[str, int]:
        """Lock → fencing number."""
        ...


class CallLog:
    """Appends one JSON line before a call is executed and one after it.

    Nothing in it is unique on purpose: were a call executed twice under one key, two lines would say so.
    A call without its second line was executed or not; its process ended in between.
    """

    def __init__(self, path: Path | None) -> None:
        self._file: IO[str] | None = path.open("a", encoding="utf-8") if path else None
        self._number = 0

    def __enter__(self) -> "CallLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()

    def begun(self, call: Call, tool: str) -> int:
        """Says that a call is about to be executed; returns its number in this process."""
        self._number += 1
        self._write(self._number, call, tool, {"phase": "begun", "agent": call.agent, "fences": dict(call.fences)})
        return self._number

    def ended(self, number: int, call: Call, tool: str, result: Ended) -> None:
        """Says how the call ended."""
        self._write(number, call, tool, {"phase": "ended", "result": result})

    def _write(self, number: int, call: Call, tool: str, more: Mapping[str, Any]) -> None:
        if self._file is None:
            return
        line = {"at": time.time_ns() // 1000, "process": os.getpid(), "number": number, "tool": tool}
        line |= {"key": call.key, "task": call.task, "run": call.run, "step": call.step, **more}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
