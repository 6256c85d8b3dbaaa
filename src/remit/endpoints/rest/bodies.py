"""What programs send."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from remit.approvals import OverrideCategory, VoteAnswer
from remit.journal import FeedbackKind
from remit.operations import LONGEST_WORDS

# A reason is read by people and kept in the log for good; a longer one is a report.
LONGEST_REASON = 2_000
LONGEST_TEXT = 256
MOST_CHECKPOINTS = 16
LONGEST_CHECKPOINT = 65_536

Reason = Annotated[str, Field(min_length=1, max_length=LONGEST_REASON)]
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]


class Given(BaseModel):
    """Something sent; what it does not know, it refuses."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class TaskGiven(Given):
    """A task for an agent."""

    agent: Text
    input: dict[str, Any] = {}
    """What it is given: as the agent's contract says."""
    on_behalf_of: Text = ""
    """For whom, when it is not for whoever asks."""
    intent: Annotated[str, Field(max_length=LONGEST_REASON)] = ""
    """What it is for, where the contract does not take that from the input."""
    priority: Annotated[int | None, Field(strict=True, ge=0, le=9)] = None
    """How urgent it is, 9 the most, instead of what the contract says; takes `fleet:tasks:prioritize`."""


class EventGiven(Given):
    """Something that happened."""

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
    data: dict[str, Any] = {}
    """The input of the tasks it starts."""
    id: Text = ""
    """Under which each agent takes it once; empty takes the Idempotency-Key."""


class FeedbackGiven(Given):
    """What somebody served says of a task."""

    kind: FeedbackKind
    score: Annotated[int | None, Field(strict=True)] = None
    """Of satisfaction: from 1 (worst) to 5 (best)."""
    words: Annotated[str, Field(max_length=LONGEST_WORDS)] = ""
    """In their own words. They are content of the task."""


class RollbackGiven(Given):
    """Why a run is rolled back."""

    because: Reason
    cancel: StrictBool = False
    """Whether it is cancelled first, if it is not over."""


class BecauseGiven(Given):
    """Why something is done."""

    because: Reason


class ReasonGiven(Given):
    """Why something is done, if somebody says so."""

    because: Annotated[str, Field(max_length=LONGEST_REASON)] = ""


class ForkGiven(Given):
    """Where a new run begins."""

    step: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
    """The first step that is done anew."""
    effects: StrictBool = False
    """Whether it works for the task; else it only looks what would happen."""
    current: StrictBool = False
    """Whether it takes the agent's present release instead of the one the run was pinned to."""
    because: Annotated[str, Field(max_length=LONGEST_REASON)] = ""


class AnswerGiven(Given):
    """An answer to a question."""

    answer: VoteAnswer
    reason: Annotated[str, Field(max_length=LONGEST_REASON)] = ""
    arguments: dict[str, Any] | None = None
    """With `edit`: what it should be instead."""
    category: OverrideCategory | None = None
    """With `edit`, or with `reject` of what an agent proposed: why it does not stand; `other` if none is given."""
    seen: Text = ""
    """The fingerprint of what was looked at."""


class EscalationGiven(Given):
    """To whom a question is passed on."""

    to: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
    """A role that may answer it, or a person who is asked by name."""
    reason: Reason


class SwitchGiven(Given):
    """Where a switch is to stand."""

    stopped: StrictBool
    because: Reason


class VerificationGiven(Given):
    """What the log must agree with besides itself."""

    since: Annotated[
        tuple[Annotated[str, Field(max_length=LONGEST_CHECKPOINT)], ...], Field(max_length=MOST_CHECKPOINTS)
    ] = ()
    """Older checkpoints you kept."""
