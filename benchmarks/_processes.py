"""What processes use: CPU seconds and memory, read from /proc."""

import os
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
KILOBYTE = 1_024


@dataclass(frozen=True, slots=True)
class Usage:
    """What one process has used so far."""

    cpu: float
    """Seconds, with those of its children that have ended."""
    peak: int
    """Bytes resident at most."""


def usage(process: int) -> Usage:
    """Returns what a process has used; one that is gone has used nothing that can be told."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except OSError:
        return Usage(0.0, 0)
    peak = next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), 0)
    return Usage(sum(map(int, fields[11:15])) / TICKS, peak * KILOBYTE)


def children(process: int) -> list[int]:
    """Returns the processes a process has started and not yet waited for."""
    try:
        return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()]
    except OSError:
        return []


def family_cpu(process: int) -> float:
    """Returns the CPU seconds of a process with all its children, alive or ended: a database server's."""
    return usage(process).cpu + sum(usage(child).cpu for child in children(process))
