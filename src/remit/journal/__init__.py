"""Which tasks, runs, attempts and steps are there?"""

from remit.journal.journal import Journal
from remit.journal.model import ActionKind, Payload, Run, RunState, StepRow, StepState, Task, name_of

__all__ = ["ActionKind", "Journal", "Payload", "Run", "RunState", "StepRow", "StepState", "Task", "name_of"]
