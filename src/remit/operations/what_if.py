"""What other org policies would have decided of the work that is on record, all of it counted."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from remit.contracts import read_policies
from remit.core import NotFoundError
from remit.gateway import Parts
from remit.journal import Run
from remit.operations.replays import Replays
from remit.runtime import Replayed, ReplayedStep

# What a rung comes to for whoever acts.
_VERDICTS = {"autonomous": "permit", "approved": "permit", "ask": "wait", "suggest": "wait", "denied": "deny"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One way in which verdicts would differ: of an agent, about an action, from this to that."""

    agent: str
    action: str
    was: str
    would_be: str
    count: int
    run: str
    """The newest run in which it would."""
    step: int
    why: tuple[str, ...]
    """The rules that would count there, in words."""


@dataclass(frozen=True, slots=True)
class Unjudged:
    """A run that cannot be judged again, at least in part."""

    run: str
    agent: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences:
    """What would differ under other policies."""

    policies: str
    runs: int
    verdicts: int
    """How many were judged again."""
    changed: int
    changed_runs: int
    shifts: tuple[Shift, ...]
    unjudged: tuple[Unjudged, ...]

    def as_json(self) -> dict[str, Any]:
        """Returns it for `--json` and APIs."""
        return asdict(self)


class WhatIf:
    """Judges recorded work by other policies; nothing here changes anything."""

    def __init__(self, *, parts: Parts, replays: Replays) -> None:
        self._parts = parts
        self._replays = replays

    def judge(
        self,
        policies: Path,
        *,
        runs: int,
        agent: str = "",
        since: int = 0,
        on_run: Callable[[int, int], None] = lambda done, of: None,
    ) -> Consequences:
        """Puts every question of the newest `runs` to the policies in a folder; `on_run` hears how far it is.

        Raises `InputError` for policies with mistakes, `NotFoundError` for an agent nobody knows.
        """
        read = read_policies(policies)
        chosen = self._newest(runs, agent, since)
        judged: list[tuple[Run, Replayed]] = []
        unjudged: list[Unjudged] = []
        for done, run in enumerate(chosen, 1):
            try:
                told = self._replays.judge(run, read)
            except NotFoundError as gone:
                unjudged.append(Unjudged(run.id, run.agent, gone.text()))
            else:
                judged.append((run, told))
                unjudged += [Unjudged(run.id, run.agent, why) for why in _why_not(told)[:1]]
            on_run(done, len(chosen))
        return Consequences(
            policies=str(policies),
            runs=len(chosen),
            verdicts=sum(len(told.judged) for _, told in judged),
            changed=sum(len(told.changed) for _, told in judged),
            changed_runs=sum(bool(told.changed) for _, told in judged),
            shifts=_shifts(judged),
            unjudged=tuple(unjudged),
        )

    def _newest(self, runs: int, agent: str, since: int) -> list[Run]:
        if agent and not self._parts.registry.versions(agent):
            raise NotFoundError("No such agent", which=agent, hint="`remit agents` lists them")
        return self._parts.journal.newest(agent=agent, since=since, limit=runs)


def _why_not(told: Replayed) -> list[str]:
    """Returns what of a run's questions could not be put again, in words."""
    withheld = [step for step in told.steps if step.replayed == "withheld"]
    secrets = [f"step {step.step}: its question was withheld, because of a secret in it" for step in withheld]
    return [*told.missing, *(each.sentence() for each in told.divergences), *secrets]


def _shifts(judged: Iterable[tuple[Run, Replayed]]) -> tuple[Shift, ...]:
    """Counts what would differ, the most frequent first; the newest run of each stands for it."""
    found: dict[tuple[str, str, str, str], list[tuple[Run, ReplayedStep]]] = {}
    for run, told in judged:
        for step in told.changed:
            action = step.name if step.kind == "tool" else f"{step.kind} {step.name}"
            found.setdefault((run.agent, action, *_words(step)), []).append((run, step))
    shifts = [
        Shift(
            agent=agent, action=action, was=was, would_be=would_be, count=len(steps),
            run=steps[0][0].id, step=steps[0][1].step, why=steps[0][1].why,
        )
        for (agent, action, was, would_be), steps in found.items()
    ]  # fmt: skip
    return tuple(sorted(shifts, key=lambda shift: (-shift.count, shift.agent, shift.action, shift.was)))


def _words(step: ReplayedStep) -> tuple[str, str]:
    """Returns what was decided and what would be, as plainly as tells the two apart."""
    was, would_be = _VERDICTS.get(step.recorded, step.recorded), _VERDICTS.get(step.replayed, step.replayed)
    if was != would_be:
        return was, would_be
    if step.recorded != step.replayed:
        return f"{was} ({step.recorded})", f"{would_be} ({step.replayed})"
    return was, f"{would_be}, by other people"
