"""The enforcement point: decide, then do it once."""

from remit.gateway.answers import SAY_WHY, answer_question, answered_first, escalate_question
from remit.gateway.calls import CALL_META, ToolCall, ToolError, plain
from remit.gateway.context import Parts, nowhere
from remit.gateway.edits import given_arguments
from remit.gateway.gateway import Gateway
from remit.gateway.model import Action, Check, Denied, Done, Outcome, Waiting
from remit.gateway.models import Models
from remit.gateway.recall import AnotherActionError
from remit.gateway.records import recorded_outcome
from remit.gateway.release import (
    Release,
    compile_release,
    personal_fields,
    release_digest,
    release_source,
    restore_release,
)
from remit.gateway.tools import Tools, offered_by
from remit.guardrails import Read

__all__ = [
    "CALL_META",
    "SAY_WHY",
    "Action",
    "AnotherActionError",
    "Check",
    "Denied",
    "Done",
    "Gateway",
    "Models",
    "Outcome",
    "Parts",
    "Read",
    "Release",
    "ToolCall",
    "ToolError",
    "Tools",
    "Waiting",
    "answer_question",
    "answered_first",
    "compile_release",
    "escalate_question",
    "given_arguments",
    "nowhere",
    "offered_by",
    "personal_fields",
    "plain",
    "recorded_outcome",
    "release_digest",
    "release_source",
    "restore_release",
]
