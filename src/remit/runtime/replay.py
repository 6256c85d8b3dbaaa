"""A run driven again from its record: no effect, no model, no write, and the same verdicts to the byte.

The agent's own code is driven by a handle that looks like any other. Its actions are answered by the record instead
of the gateway, its values come out of the journal, and a commit ends it: there the record ends.
"""

from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

from remit.audit import Log
from remit.core import JsonValue
from remit.gateway import Action, Outcome, Parts, Release, recorded_outcome
from remit.identity import Credentials
from remit.journal import Run, RunState, StepRow, StepState
from remit.policy import Bundle
from remit.runtime.attempts import check_output, drive_agent, why_failed
from remit.runtime.handle import RunHandle
from remit.runtime.model import AstraySignal, Attempt, LeavingSignal, ParkedSignal
from remit.runtime.record import Record, described
from remit.runtime.replayed import Divergence, Replayed


@dataclass(frozen=True, slots=True)
class _Ended:
    """How the agent's code ended: with an output, or with the reason why there is none."""

    state: RunState
    reason: str = ""
    output: JsonValue = None
    steps: int = 0


class Replay:
    """Drives runs again, offline."""

    def __init__(self, parts: Parts, log: Log) -> None:
        self._parts = parts
        self._log = log

    async def replay(self, run: Run, release: Release, *, instead: Bundle | None = None) -> Replayed:
        """Drives `run` again as far as it is recorded, and puts every question to policy again.

        `release` is the one it is pinned to. With `instead` the questions are put to that bundle: what would have been
        decided; what follows a different verdict is still as recorded.
        """
        record = Record(self._parts, self._log, run)
        record.check_contents()
        steps = record.judged_again(instead)
        ended, told = await self._drive(record, release)
        output_same = None
        if ended is not None and run.state.is_over:
            output_same = _compare_ends(record, ended)
        return Replayed(
            run=run.id,
            state=run.state.value,
            steps=steps,
            divergences=tuple(sorted(record.divergences, key=lambda each: (each.step == 0, each.step))),
            missing=tuple(record.missing),
            finished=ended is not None and run.state.is_over,
            ended=told,
            output_same=output_same,
            what_if=instead is not None,
        )

    def judge(self, run: Run, bundle: Bundle) -> Replayed:
        """Puts every recorded question of `run` to another bundle; the agent's code is not driven for it."""
        record = Record(self._parts, self._log, run)
        steps = record.judged_again(bundle)
        return Replayed(
            run=run.id,
            state=run.state.value,
            steps=steps,
            divergences=tuple(record.divergences),
            missing=tuple(record.missing),
            finished=False,
            ended="judged, not driven",
            output_same=None,
            what_if=True,
        )

    async def _drive(self, record: Record, release: Release) -> tuple[_Ended | None, str]:
        """Drives the agent's code; returns its end, if it came to one, and where it ended in words."""
        if 0 in record.unusable:
            return None, f"it cannot begin: {record.unusable[0]}"
        handle = _RecordedHandle(self._parts, release, record)
        try:
            output = await drive_agent(self._parts, release, handle, undoes=record.run.undoes)
            if not record.run.undoes:
                check_output(release, output)
            ended = _Ended(RunState.DONE, output=output)
        except ParkedSignal as parked:
            return None, f"it {parked.reason}, at step {handle.steps}"
        except _StoppedSignal as stopped:
            return None, stopped.told
        except _DivergedSignal as diverged:
            record.divergences.append(diverged.divergence)
            return None, f"it went another way at step {diverged.divergence.step}"
        except (Exception, AstraySignal) as fault:  # noqa: BLE001  as in an attempt: the agent's code may raise anything
            ended = _Ended(RunState.FAILED, reason=why_failed(fault))
        return replace(ended, steps=handle.steps), _in_words(ended.state, ended.reason)


def _compare_ends(record: Record, ended: _Ended) -> bool | None:
    """Holds the end of a replay against the recorded one; returns whether the output is the same, if there is one."""
    run = record.run
    if run.state is RunState.CANCELLED:
        return None
    if ended.state is not run.state or (run.state is RunState.FAILED and ended.reason != run.reason):
        found = _in_words(ended.state, ended.reason)
        record.divergences.append(Divergence(0, "end", _in_words(run.state, run.reason), found))
        return None
    if left_out := next((step for step in record.rows if step > ended.steps), 0):
        found = f"the end: {_in_words(ended.state, ended.reason)}"
        record.divergences.append(Divergence(left_out, "action", record.expected(left_out), found))
    if run.output is None:
        return None
    if (found := record.named(ended.output)) == run.output:
        return True
    record.divergences.append(Divergence(0, "end", f"output {run.output}", f"output {found}"))
    return False


def _in_words(state: RunState, reason: str) -> str:
    return f"{state.value}: {reason}" if reason else state.value


class _StoppedSignal(LeavingSignal):
    """The record does not go on; like waiting, that is nothing for the agent's code to catch."""

    def __init__(self, told: str) -> None:
        super().__init__(told)
        self.told = told


class _DivergedSignal(LeavingSignal):
    """The agent's code does something else than it did."""

    def __init__(self, step: int, expected: str, found: str) -> None:
        self.divergence = Divergence(step, "action", expected, found)
        super().__init__(self.divergence.sentence())


def _recorded(record: Record, step: int, found: str) -> StepRow:
    """Returns the step as it is recorded, with a result that can be played back; else the replay ends here."""
    row = record.rows.get(step)
    if row is None:
        if any(step < later for later in record.rows):
            raise _DivergedSignal(step, "nothing that was kept", found)
        state = record.run.state
        if state in (RunState.DONE, RunState.FAILED):
            raise _DivergedSignal(step, f"the end: {_in_words(state, record.run.reason)}", found)
        raise _StoppedSignal(f"the run is {state.value}, and its record ends before step {step}")
    if step in record.unusable:
        raise _StoppedSignal(f"it cannot go on at step {step}: {record.unusable[step]}")
    return row


class _RecordedGateway:
    """Answers each action with its recorded outcome; another action at its step ends the replay."""

    def __init__(self, parts: Parts, record: Record) -> None:
        self._parts = parts
        self._record = record

    async def act(self, credentials: Credentials | None, action: Action) -> Outcome:
        """Returns the outcome as recorded."""
        try:
            asked = self._record.named(action.as_asked())
        except (TypeError, ValueError, RecursionError):
            asked = "none:not JSON"
        found = described(action.kind, action.name, asked)
        row = _recorded(self._record, action.step, found)
        if row.asked != asked:
            raise _DivergedSignal(row.step, self._record.expected(row.step), found)
        outcome = recorded_outcome(self._parts, row)
        if outcome is None:
            raise _StoppedSignal(f"the run is {self._record.run.state.value}: step {row.step} is {row.state.value}")
        return outcome


class _RecordedHandle(RunHandle):
    """One attempt's view of a run that only looks back."""

    def __init__(self, parts: Parts, release: Release, record: Record) -> None:
        run = record.run
        super().__init__(
            parts=parts,
            gateway=_RecordedGateway(parts, record),
            attempt=Attempt(release, record.task, run, Credentials(run.id, run.attempt, ""), lambda: False),
        )
        self._record = record

    async def value(self, name: str, make: Callable[[], Awaitable[JsonValue] | JsonValue]) -> JsonValue:
        """Returns the value as it was made then; `make` is not called."""
        with self._leaving():
            row = _recorded(self._record, self._steps + 1, f"value {name}")
            with self._on_its_way(row, f"value {name}"):
                return await super()._value(name, make)

    async def ask_person(
        self, answer: Mapping[str, Any], *, because: str, role: str, kind: Literal["answer", "stuck"] = "answer"
    ) -> Mapping[str, Any]:
        """Returns what the person made of it then."""
        found = f"a question to a person, {kind}"
        with self._leaving():
            row = _recorded(self._record, self._steps + 1, found)
            if row.state is StepState.WAITING and not self._record.run.state.is_over:
                raise _StoppedSignal(f"the run is {self._record.run.state.value}: step {row.step} asks a person")
            with self._on_its_way(row, found):
                return await super()._ask_person(answer, because, role, kind)

    @contextmanager
    def _on_its_way(self, row: StepRow, found: str) -> Generator[None]:
        try:
            yield
        except AstraySignal as astray:
            raise _DivergedSignal(row.step, self._record.expected(row.step), found) from astray

    async def _commit(self, statements: list[Any], *entries: Any) -> None:
        """Writes nothing: what would be written is not in the record, so it ends here."""
        raise _StoppedSignal(f"the run is {self._record.run.state.value}, and its record ends at step {self._steps}")
