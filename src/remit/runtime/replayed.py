"""What came of a replay: step by step, what differs, and what could not be looked at any more."""

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Divergence:
    """One thing that is not as recorded. `step` 0 is the run as a whole."""

    step: int
    what: Literal["action", "verdict", "content", "log", "end"]
    expected: str
    found: str

    def sentence(self) -> str:
        """Returns it in words."""
        where = f"step {self.step}" if self.step else "the run"
        return f"{where}: {self.what} differs: recorded {self.expected}; now {self.found}"


@dataclass(frozen=True, slots=True)
class ReplayedStep:
    """One decision of a run, judged again; or a value, about which there is nothing to decide."""

    step: int
    kind: str
    name: str
    decision: str = ""
    decided: str = ""
    """What the gateway made of it: permit, wait, deny (with the step that refused), or played-back in a fork."""
    recorded: str = ""
    """The rung policy permitted, or `denied`; empty when it was not asked."""
    replayed: str = ""
    same: bool | None = None
    """None when there is nothing to compare, or nothing to compare with: erased, or a secret that was withheld."""
    why: tuple[str, ...] = ()
    """The rules that counted now, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A run driven again from its record."""

    run: str
    state: str
    """Where the run stands, as recorded."""
    steps: tuple[ReplayedStep, ...]
    divergences: tuple[Divergence, ...]
    missing: tuple[str, ...]
    """What was erased or never kept, so that it could not be looked at again."""
    finished: bool
    """Whether the agent's code came to the end that is recorded; a run that is not over is replayed as far as it is."""
    ended: str
    """Where the replay ended, in words."""
    output_same: bool | None
    """Whether the output has the recorded digest; None when there is none."""
    what_if: bool = False
    """Whether other policies were asked; then other verdicts are what was looked for, and no divergences."""

    @property
    def same(self) -> bool:
        """Whether everything recorded came out again, byte for byte."""
        return not self.divergences and not self.missing

    @property
    def judged(self) -> tuple[ReplayedStep, ...]:
        """The decisions that were put to policy again."""
        return tuple(step for step in self.steps if step.same is not None)

    @property
    def changed(self) -> tuple[ReplayedStep, ...]:
        """The decisions that come out differently now."""
        return tuple(step for step in self.steps if step.same is False)

    def as_json(self) -> dict[str, Any]:
        """Returns it for `--json` and APIs."""
        return {**asdict(self), "same": self.same, "judged": len(self.judged), "changed": len(self.changed)}
