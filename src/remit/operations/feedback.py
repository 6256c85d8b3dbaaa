"""Handing in what those served say of a task: checked, kept with the task's content, on the record without a word of it."""

from dataclasses import dataclass

from remit.core import ConflictError, InputError, iso, new_id
from remit.gateway import Parts
from remit.journal import Feedback, FeedbackKind, Payload, Task
from remit.operations.record import commit_verb

WORST, BEST = 1, 5
# A letter of two pages; whatever is longer is a document and belongs elsewhere.
LONGEST_WORDS = 4_000
LONGEST_KEY = 256


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says of a task, in a form that can be counted."""

    kind: FeedbackKind
    score: int | None
    words: str

    @classmethod
    def of(cls, kind: str, score: int | None, words: str) -> "Said":
        """Returns what was said; what cannot be counted is an `InputError`."""
        if kind not in set(FeedbackKind):
            raise InputError(
                "There is no such feedback", which=kind[:40], hint=f"Write one of {', '.join(FeedbackKind)}"
            )
        if len(words) > LONGEST_WORDS:
            why = f"it has {len(words)} characters, at most {LONGEST_WORDS} are kept"
            raise InputError("The words of the feedback are too long", why=why, hint="Sum them up")
        cls._check_score(FeedbackKind(kind), score)
        return cls(FeedbackKind(kind), score, words)

    @staticmethod
    def _check_score(kind: FeedbackKind, score: int | None) -> None:
        if kind is not FeedbackKind.SATISFACTION:
            if score is not None:
                raise InputError("Only satisfaction has a score", which=kind.value, hint="Leave the score out")
        elif type(score) is not int or not WORST <= score <= BEST:
            given = "nothing" if score is None else str(score)
            raise InputError(
                "Not a score", which=given, hint=f"Write a whole number from {WORST} (worst) to {BEST} (best)"
            )


@dataclass(frozen=True, slots=True)
class FeedbackSent:
    """Feedback as it is kept."""

    feedback: Feedback
    is_new: bool
    """False when it was handed in before under the same key."""


async def send_feedback(parts: Parts, task: Task, said: Said, *, by: str, key: str) -> FeedbackSent:
    """Keeps what was said of `task`, once for each of the sender's keys; other words under one are a `ConflictError`."""
    if len(key) > LONGEST_KEY:
        raise InputError("The key is too long", which=key[:40], why=f"at most {LONGEST_KEY} characters")
    if task.erased_at is not None:
        why = f"its content was erased at {iso(task.erased_at)}, and what is said of it would be kept without an end"
        raise ConflictError("Nothing can be said of this task any more", which=task.id, why=why)
    payload = Payload.of({"score": said.score, "words": said.words}, task=task.id, salt=task.salt)
    feedback = Feedback(
        task=task.id,
        sent_by=by,
        key=key or new_id("feedback"),
        kind=said.kind,
        score=said.score,
        said=payload.digest,
        at=parts.clock.now(),
    )
    first = parts.journal.runs_of(task.id)[0]
    fields = {"task": task.id, "feedback": said.kind.value, "said": payload.digest, "by": by}
    statements = [parts.journal.keep_feedback(feedback), parts.journal.keep(payload)]
    try:
        await commit_verb(parts, "feedback", first.id, fields, statements, stream=first.id)
    except ConflictError:
        return FeedbackSent(_known(parts, feedback), is_new=False)
    return FeedbackSent(feedback, is_new=True)


def _known(parts: Parts, again: Feedback) -> Feedback:
    """Returns what was handed in before under the same key, if it is the same."""
    for known in parts.journal.feedback(again.task):
        if (known.sent_by, known.key) == (again.sent_by, again.key):
            if (known.kind, known.said) == (again.kind, again.said):
                return known
            hint = "Draw a new key for each thing that is said"
            raise ConflictError("Something else was said under this key", which=again.key, hint=hint)
    raise ConflictError("This could not be kept", which=again.task, why="the store refused it")
