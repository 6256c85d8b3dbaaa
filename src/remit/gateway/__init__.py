"""The enforcement point: decide, then do it once."""

from remit.gateway.answers import SAY_WHY, answer_question, answered_first, escalate_question
from remit.gateway.calls import CALL_META, ToolCall, ToolError, plain
from remit.gateway.context import Parts, nowhere
from remit.gateway.edits import given_arguments
from remit.gateway.gateway import Gateway
from remit.gateway.model import Action, Check, Denied, Done, Outcome, Waiting
from remit.gateway.models import Models
from remit.gateway.placing import waits_for
from remit.gateway.recall import AnotherActionError
from remit.gateway.records import recorded_outcome
from remit.gateway.release import (
    Release,
    compile_release,
    personal_fields,
    release_digest,
    release_source,
)
from remit.gateway.releases import Releases
from remit.gateway.tools import Tools, offered_by
from remit.gateway.undoing import (
    Left,
    RollbackPlan,
    Undo,
    carrier,
    is_undone,
    left_of,
    plan_rollback,
    undoing_run,
    writes_of,
)
from remit.gateway.upstreams import Upstreams, UpstreamState, upstream_kind
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
    "Left",
    "Models",
    "Outcome",
    "Parts",
    "Read",
    "Release",
    "Releases",
    "RollbackPlan",
    "ToolCall",
    "ToolError",
    "Tools",
    "Undo",
    "UpstreamState",
    "Upstreams",
    "Waiting",
    "answer_question",
    "answered_first",
    "carrier",
    "compile_release",
    "escalate_question",
    "given_arguments",
    "is_undone",
    "left_of",
    "nowhere",
    "offered_by",
    "personal_fields",
    "plain",
    "plan_rollback",
    "recorded_outcome",
    "release_digest",
    "release_source",
    "undoing_run",
    "upstream_kind",
    "waits_for",
    "writes_of",
]
