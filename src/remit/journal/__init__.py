"""Which tasks, runs, attempts and steps are there?"""

from remit.journal.executors import Executor, Executors, LeftRun, here, new_executor_name
from remit.journal.feedback import Feedback, FeedbackKind
from remit.journal.journal import Journal
from remit.journal.model import ActionKind, Origin, Payload, Run, RunState, StepRow, StepState, Task, name_of

__all__ = [
    "ActionKind",
    "Executor",
    "Executors",
    "Feedback",
    "FeedbackKind",
    "Journal",
    "LeftRun",
    "Origin",
    "Payload",
    "Run",
    "RunState",
    "StepRow",
    "StepState",
    "Task",
    "here",
    "name_of",
    "new_executor_name",
]
