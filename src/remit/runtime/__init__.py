"""Attempts of runs: hosted and code agents, driven by an engine."""

from remit.runtime.claims import ClaimsEngine
from remit.runtime.engine import BEATS, Engine, InlineEngine, RemoteEngine
from remit.runtime.events import Event, Received
from remit.runtime.forks import undone_before, where_it_went_wrong
from remit.runtime.handle import RunHandle
from remit.runtime.intake import Started
from remit.runtime.last_resort import EndProcess, end_at_once
from remit.runtime.model import ActionDeniedError, RunFailedError, ToolFailedError
from remit.runtime.replay import Replay
from remit.runtime.replayed import Divergence, Replayed, ReplayedStep
from remit.runtime.rollback import begin_rollback, check_undoable
from remit.runtime.runtime import Runtime
from remit.runtime.triggers import Triggers
from remit.runtime.worker import Chore, FencedError, Worker

__all__ = [
    "BEATS",
    "ActionDeniedError",
    "Chore",
    "ClaimsEngine",
    "Divergence",
    "EndProcess",
    "Engine",
    "Event",
    "FencedError",
    "InlineEngine",
    "Received",
    "RemoteEngine",
    "Replay",
    "Replayed",
    "ReplayedStep",
    "RunFailedError",
    "RunHandle",
    "Runtime",
    "Started",
    "ToolFailedError",
    "Triggers",
    "Worker",
    "begin_rollback",
    "check_undoable",
    "end_at_once",
    "undone_before",
    "where_it_went_wrong",
]
