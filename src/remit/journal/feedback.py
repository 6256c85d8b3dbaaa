"""What those served say of a task: how content they are, that they appeal, that they would rather have a person."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class FeedbackKind(StrEnum):
    """What is said."""

    SATISFACTION = "satisfaction"
    """A score from 1 to 5."""
    APPEAL = "appeal"
    """Somebody does not accept what was decided."""
    PERSON = "person"
    """Somebody asked for a person instead of an agent."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """One thing that was said of a task. Score and words are content of the task; `said` names them."""

    task: str
    sent_by: str
    """Who handed it in, not who said it."""
    key: str
    kind: FeedbackKind
    score: int | None
    said: str
    at: int

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Feedback":
        """Reads a database row."""
        values = {name: row[name] for name in cls.__slots__}
        values["kind"] = FeedbackKind(values["kind"])
        return cls(**values)

    def as_row(self) -> dict[str, Any]:
        """Returns what the table keeps."""
        return asdict(self) | {"kind": self.kind.value}
