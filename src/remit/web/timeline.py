"""The shared time axis of runs: where on it each step lies, with long waits squeezed so that work can be seen.

Everything is in percent of the axis: drawn as SVG with percentages, it fits any width without a style attribute.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from remit.operations import RunShown, StepShown
from remit.web.words import duration

# All waits together take at most this part of the axis, one of them at most the other.
MOST_WAITING, MOST_ONE_WAIT = 40.0, 14.0
# Shorter pauses between attempts are drawn as they are.
SHORTEST_WAIT = 2.0
# What a run that still waits has at its end.
STUB = 6.0
TICKS = 6
# How far labels are apart, at least.
APART = 12.0
_NICE = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600,
    7200, 21600, 86400, 604800, 2592000)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the axis: from where, how wide, and how long it took in words."""

    x: float
    width: float
    label: str = ""


@dataclass(frozen=True, slots=True)
class Axis:
    """Seconds after a run was created, laid out from 0 to 100."""

    points: tuple[tuple[float, float], ...]
    """Where a second lies, at each end of a piece; pieces between are straight."""
    waits: tuple[Span, ...]
    """Where nobody worked."""
    ticks: tuple[Span, ...]

    def at(self, seconds: float) -> float:
        """Returns where a moment lies."""
        for (begin, left), (end, right) in pairwise(self.points):
            if seconds <= end:
                share = (max(seconds, begin) - begin) / (end - begin) if end > begin else 0.0
                return round(left + share * (right - left), 3)
        return self.points[-1][1]

    def bar(self, step: StepShown) -> Span:
        """Returns where a step lies; one that is not over reaches to the end of the axis."""
        left = self.at(step.offset)
        right = self.at(step.offset + step.seconds) if step.seconds is not None else 100.0
        return Span(left, round(right - left, 3), duration(step.seconds))


def axis_of(*runs: RunShown) -> Axis:
    """Returns one axis for all of `runs`: the same second lies at the same place in each."""
    length = max(*(run.span for run in runs), *(begin for run in runs for begin in _begins(run)), 0.001)
    is_waiting = any(run.state == "waiting" for run in runs)
    gaps = _gaps(_busy(runs, length), length)
    points, waits = _lay_out(gaps, length, 100.0 - STUB if is_waiting else 100.0)
    if is_waiting:
        waits = (*waits, Span(100.0 - STUB, STUB, "…"))
    bare = Axis(tuple(points), waits, ())
    return Axis(bare.points, waits, tuple(_ticks(bare, gaps, length)))


def attempts_of(axis: Axis, run: RunShown) -> list[Span]:
    """Returns where each attempt lies."""
    spans: list[Span] = []
    for begin, end, number in _attempts(run, axis.points[-1][0]):
        left = axis.at(begin)
        spans.append(Span(left, round(axis.at(end) - left, 3), f"attempt {number}"))
    return spans


def _begins(run: RunShown) -> Iterable[float]:
    """Yields when each attempt began: the newest may have done no step yet."""
    created = datetime.fromisoformat(run.created)
    return ((datetime.fromisoformat(attempt.started) - created).total_seconds() for attempt in run.tries)


def _attempts(run: RunShown, length: float) -> Iterable[tuple[float, float, int]]:
    created = datetime.fromisoformat(run.created)
    for attempt in run.tries:
        begin = (datetime.fromisoformat(attempt.started) - created).total_seconds()
        end = (datetime.fromisoformat(attempt.ended) - created).total_seconds() if attempt.ended else length
        begin = min(max(begin, 0.0), length)
        yield begin, min(max(end, begin), length), attempt.number


def _busy(runs: Sequence[RunShown], length: float) -> list[tuple[float, float]]:
    """Returns when any of them worked: an attempt was under way, or a step that came with it from another run."""
    spans = [(begin, end) for run in runs for begin, end, _ in _attempts(run, length)]
    merged: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1] + SHORTEST_WAIT:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return merged


def _gaps(busy: Sequence[tuple[float, float]], length: float) -> list[tuple[float, float]]:
    ends = [0.0, *(moment for span in busy for moment in span), length]
    found = [(ends[i], ends[i + 1]) for i in range(0, len(ends), 2)]
    return [(begin, end) for begin, end in found if end - begin > SHORTEST_WAIT]


def _lay_out(
    gaps: Sequence[tuple[float, float]], length: float, width: float
) -> tuple[list[tuple[float, float]], tuple[Span, ...]]:
    most = min(MOST_ONE_WAIT, MOST_WAITING / len(gaps)) if gaps else 0.0
    shares = [min(most, width * (end - begin) / length) for begin, end in gaps]
    working = length - sum(end - begin for begin, end in gaps)
    rate = (width - sum(shares)) / working if working > 0 else 0.0
    points, waits, second, x = [(0.0, 0.0)], list[Span](), 0.0, 0.0
    for (begin, end), share in zip(gaps, shares, strict=True):
        x += (begin - second) * rate
        points.append((begin, x))
        waits.append(Span(round(x, 3), round(share, 3), duration(end - begin)))
        second, x = end, x + share
        points.append((end, x))
    points.append((length, width))
    return points, tuple(waits)


def _ticks(axis: Axis, gaps: Sequence[tuple[float, float]], length: float) -> Iterable[Span]:
    """Yields round moments of work, after a wait counted from its end, so many that their labels do not meet."""
    working = length - sum(end - begin for begin, end in gaps)
    step = next((nice for nice in _NICE if working / nice <= TICKS), _NICE[-1])
    begins, ends = [0.0, *(end for _, end in gaps)], [*(begin for begin, _ in gaps), length]
    taken, last = [span.x for span in axis.waits], -100.0
    for begin, end in zip(begins, ends, strict=True):
        for number in range(1 if begin else 0, int((end - begin) / step) + 1):
            x = axis.at(begin + number * step)
            if x - last >= APART and x <= 100 - STUB and not any(0 <= wait - x < APART for wait in taken):
                yield Span(x, 0, f"{'+' if begin else ''}{duration(number * step)}" if number else "0")
                last = x
