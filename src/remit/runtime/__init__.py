"""Attempts of runs: hosted and code agents, driven by an engine.

The durable engine is loaded by its name, `remit.runtime.dbos_engine:DbosEngine`, only where it is wanted: DBOS takes a
quarter of a second to import, and hardly any command of the command line needs it.
"""

from remit.runtime.engine import Engine, InlineEngine, RemoteEngine
from remit.runtime.events import Event, Received
from remit.runtime.handle import RunHandle
from remit.runtime.intake import Started
from remit.runtime.model import ActionDeniedError, RunFailedError, ToolFailedError
from remit.runtime.replay import Replay
from remit.runtime.replayed import Divergence, Replayed, ReplayedStep
from remit.runtime.runtime import Runtime
from remit.runtime.triggers import Triggers
from remit.runtime.worker import Chore, Worker

__all__ = [
    "ActionDeniedError",
    "Chore",
    "Divergence",
    "Engine",
    "Event",
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
]
