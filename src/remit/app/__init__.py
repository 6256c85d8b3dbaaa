"""The only composition root: `build(folder) -> Cell`."""

from remit.app.cell import Cell, FleetError, build, inspect_fleet
from remit.app.demo import Demo, DemoTask
from remit.app.serve import serve

__all__ = ["Cell", "Demo", "DemoTask", "FleetError", "build", "inspect_fleet", "serve"]
