"""Attempts of runs: hosted and code agents, driven by an engine."""

from remit.runtime.engine import InlineEngine
from remit.runtime.handle import RunHandle
from remit.runtime.model import ActionDeniedError, RunFailedError, ToolFailedError
from remit.runtime.runtime import Runtime, Started

__all__ = ["ActionDeniedError", "InlineEngine", "RunFailedError", "RunHandle", "Runtime", "Started", "ToolFailedError"]
