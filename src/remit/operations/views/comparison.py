"""Two runs side by side, step by step: where they part, and what differs from there on."""

from itertools import zip_longest

from remit.operations.actors import view
from remit.operations.permissions import Permission
from remit.operations.views.model import Shown, Viewing
from remit.operations.views.runs import RunShown, RunViews, StepShown


class PairShown(Shown):
    """The steps of the same number in both runs."""

    step: int
    left: StepShown | None
    right: StepShown | None
    differs: tuple[str, ...]
    """Which of action, arguments, verdict, level, state and result are not the same.

    Arguments and results of two tasks are compared for whoever may see both."""


class Comparison(Shown):
    """Two runs, step by step."""

    left: RunShown
    right: RunShown
    steps: tuple[PairShown, ...]
    parted: int | None
    """The first step that differs; None when none does."""


class ComparisonViews(Viewing):
    """Compares runs."""

    @view(Permission.FLEET_RUNS_READ)
    def get(self, left: str, right: str) -> Comparison:
        """Returns two runs side by side."""
        runs = RunViews(self._source)
        one, other = runs.get(left), runs.get(right)
        pairs = tuple(
            self._pair(number, one, other, *both)
            for number, both in enumerate(zip_longest(one.steps, other.steps), start=1)
        )
        return Comparison(
            left=one, right=other, steps=pairs, parted=next((pair.step for pair in pairs if pair.differs), None)
        )

    def _pair(
        self, number: int, one: RunShown, other: RunShown, left: StepShown | None, right: StepShown | None
    ) -> PairShown:
        differs: tuple[str, ...] = ("only one has it",)
        if left is not None and right is not None:
            shown = {
                "action": (left.kind, left.name) != (right.kind, right.name),
                "arguments": not self._is_same(one, other, number, "asked"),
                "level": left.level != right.level,
                "verdict": left.refused_at != right.refused_at,
                "state": (left.state, left.error) != (right.state, right.error),
                "result": not self._is_same(one, other, number, "result"),
            }
            differs = tuple(name for name, is_different in shown.items() if is_different)
        return PairShown(step=number, left=left, right=right, differs=differs)

    def _is_same(self, one: RunShown, other: RunShown, step: int, which: str) -> bool:
        """Whether what was asked or came back is the same, as far as whoever looks may know.

        Across tasks digests are salted, so content itself is compared: only for whoever may see it, or they could guess.
        """
        rows = [self._parts.journal.step(run.run, step) for run in (one, other)]
        left, right = (getattr(row, which) if row else None for row in rows)
        if one.task == other.task:
            return left == right
        sees = one.content and other.content
        return not sees or self._source.content(left) == self._source.content(right)
