"""The Azure LLM inference trace of 2023: when a production service called models, with how much, and what came back."""

import csv
import gzip
import os
import random
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

AN_HOUR = 50_000
FASTER = 1.77
TRACES = ("azure_llm_2023_conv.csv.gz", "azure_llm_2023_code.csv.gz")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a model."""

    at: float
    """Seconds after the first."""
    context: int
    generated: int


def trace_calls(seconds: float) -> tuple[list[Call], str]:
    """Returns the part of the trace, played 1.77 times as fast, that has 50,000 calls an hour, and whose shape that is.

    Without the trace (`REMIT_SHARED_DATA`), calls come evenly, with sizes drawn like the trace's.
    """
    folder = Path(os.environ.get("REMIT_SHARED_DATA", "")) / "llm_trace"
    if not os.environ.get("REMIT_SHARED_DATA") or not folder.is_dir():
        return _even(seconds), "even (REMIT_SHARED_DATA is not set)"
    read = sorted((call for name in TRACES for call in _read(folder / name)), key=lambda call: call.at)
    played = [(call.at - read[0].at) / FASTER for call in read]
    begin = _begin(played, seconds)
    inside = [
        Call(at - begin, call.context, call.generated)
        for at, call in zip(played, read, strict=True)
        if begin <= at < begin + seconds
    ]
    return inside, f"Azure trace, {FASTER} times as fast, from its second {begin:.0f} on"


def _begin(played: Sequence[float], seconds: float) -> float:
    """Returns where the part begins whose number of arrivals is nearest to the rate: the trace has busy and quiet times."""
    wanted = AN_HOUR * seconds / 3_600
    begins = [float(begin) for begin in range(0, max(1, int(played[-1] - seconds)), 10)]
    return min(begins, key=lambda at: abs(bisect_left(played, at + seconds) - bisect_left(played, at) - wanted))


def _read(path: Path) -> list[Call]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        # Seven digits of a second are one more than Python reads.
        return [
            Call(
                datetime.fromisoformat(row["TIMESTAMP"][:26]).timestamp(),
                int(row["ContextTokens"]),
                int(row["GeneratedTokens"]),
            )
            for row in csv.DictReader(lines)
        ]


def _even(seconds: float) -> list[Call]:
    drawn, apart = random.Random(6), 3_600 / AN_HOUR
    return [
        Call(
            number * apart,
            min(14_000, int(drawn.lognormvariate(7, 0.8))),
            min(1_900, int(drawn.expovariate(1 / 150)) + 1),
        )
        for number in range(int(seconds / apart))
    ]
