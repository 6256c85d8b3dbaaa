"""The only composition root: `build(folder) -> Cell`."""

from remit.app.cell import Cell, FleetError, build, inspect_fleet
from remit.app.demo import Demo, DemoTask
from remit.app.health import probe_of, serving_health
from remit.app.interpreter import set_interpreter
from remit.app.live import Answered, Arrival, DemoTerms, LiveDemo, Signal
from remit.app.serve import STOP_SIGNALS, serve

__all__ = [
    "STOP_SIGNALS",
    "Answered",
    "Arrival",
    "Cell",
    "Demo",
    "DemoTask",
    "DemoTerms",
    "FleetError",
    "LiveDemo",
    "Signal",
    "build",
    "inspect_fleet",
    "probe_of",
    "serve",
    "serving_health",
    "set_interpreter",
]
