"""When each piece of work arrives: as fast as it is taken, at a rate, or at moments of a file."""

import math
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from remit.core import InputError

LARGEST_FILE = 10_000_000
_HINT = "Write one number a line: seconds since the start, each at least the one before"


class ArrivalTimes:
    """Times in seconds since the start, one for each arrival, in order; without any, each arrives at once."""

    def __init__(self, moments: Iterator[float]) -> None:
        self._moments = moments
        self._next = next(moments, None)

    @property
    def next(self) -> float | None:
        """When the next one arrives; None when nothing arrives any more."""
        return self._next

    def take(self, now: float, most: int) -> int:
        """Returns how many, at most `most`, are to arrive by `now`, and goes on behind them."""
        taken = 0
        while taken < most and self._next is not None and self._next <= now:
            self._next = next(self._moments, None)
            taken += 1
        return taken


def at_rate(a_minute: float) -> ArrivalTimes:
    """Evenly, so many a minute; 0 means at once, however many there are."""
    apart = 60 / a_minute if a_minute else 0.0
    return ArrivalTimes(number * apart for number in count())


def read_arrival_times(path: Path) -> tuple[float, ...]:
    """Reads the moments of a file; the first mistake is an `InputError` with file and line."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise InputError("The file is too large", which=str(path), why=f"more than {LARGEST_FILE} bytes")
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        raise InputError("Cannot read the moments of arrival", which=str(path), why=str(fault), hint=_HINT) from fault
    moments: list[float] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            moments.append(_moment(line, f"{path}:{number}", after=moments[-1] if moments else 0.0))
    if not moments:
        raise InputError("There are no moments of arrival", which=str(path), hint=_HINT)
    return tuple(moments)


def _moment(line: str, place: str, *, after: float) -> float:
    try:
        moment = float(line)
    except ValueError:
        moment = math.nan
    if not math.isfinite(moment):
        raise InputError("Not a number of seconds", which=place, why=repr(line.strip()[:40]), hint=_HINT)
    if moment < after:
        raise InputError("Earlier than the moment before", which=place, why=f"{moment:g} < {after:g}", hint=_HINT)
    return moment
