"""Which tasks, runs, attempts and steps are there?"""

from remit.journal.backlog import Waiting
from remit.journal.claims import Claims, Places
from remit.journal.executors import Executor, Executors, LeftRun, executor_place, here, new_executor_name
from remit.journal.feedback import Feedback, FeedbackKind
from remit.journal.journal import Journal
from remit.journal.model import (
    HIGHEST_PRIORITY,
    LOWEST_PRIORITY,
    SALT_BYTES,
    TASK_STATES,
    USUAL_PRIORITY,
    ActionKind,
    Origin,
    Payload,
    Run,
    RunState,
    StepRow,
    StepState,
    Task,
    name_of,
)
from remit.journal.undoing import Tried, Undoing

__all__ = [
    "HIGHEST_PRIORITY",
    "LOWEST_PRIORITY",
    "SALT_BYTES",
    "TASK_STATES",
    "USUAL_PRIORITY",
    "ActionKind",
    "Claims",
    "Executor",
    "Executors",
    "Feedback",
    "FeedbackKind",
    "Journal",
    "LeftRun",
    "Origin",
    "Payload",
    "Places",
    "Run",
    "RunState",
    "StepRow",
    "StepState",
    "Task",
    "Tried",
    "Undoing",
    "Waiting",
    "executor_place",
    "here",
    "name_of",
    "new_executor_name",
]
