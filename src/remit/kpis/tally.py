"""Sums and distributions that can be added up and taken back, so that days need no second look at their tasks."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Literal

SUMS = (
    "ended",
    "succeeded",
    "tool",
    "model",
    "person",
    "unpriced",
    "recorded",
    "simulated",
    "asked",
    "intervened",
    "answers",
    "denied",
    "resolution",
    "waiting",
    "rated",
    "score",
    "appeals",
    "person_asked",
    "waste",
)
"""What is added up, over tasks and over days; the columns are named alike."""
TimeKind = Literal["resolution", "answer"]
KINDS: tuple[TimeKind, ...] = ("resolution", "answer")
# Buckets for each doubling of a time: a bucket is at most 1/32 wide, so a median is at most 3.2 % off.
PER_DOUBLING = 32
_BITS = PER_DOUBLING.bit_length()


def bucket_of(time: int) -> int:
    """Returns the bucket of a time: in whole numbers, so the same on every machine; up to 64 each has its own."""
    shift = time.bit_length() - _BITS
    return PER_DOUBLING * shift + (time >> shift) if shift > 0 else time


def after_bucket(time: int) -> int:
    """Returns the shortest time that falls into a later bucket than `time`: at most 1/32 longer."""
    shift = max(0, time.bit_length() - _BITS)
    return ((time >> shift) + 1) << shift


@dataclass(frozen=True, slots=True)
class TaskFigures:
    """What is counted of one task that has ended. Money in micro-units, times in microseconds."""

    task: str
    agent: str
    unit: str
    ended_at: int
    succeeded: int
    tool: int
    model: int
    person: int
    unpriced: int
    recorded: int
    simulated: int
    asked: int
    intervened: int
    answers: int
    denied: int
    resolution: int
    waiting: int
    rated: int
    score: int
    """The last one; nought without any."""
    appeals: int
    person_asked: int
    answer_times: tuple[int, ...]

    @property
    def ended(self) -> int:
        """One task."""
        return 1

    @property
    def waste(self) -> int:
        """All it was charged, if it did not succeed."""
        return 0 if self.succeeded else self.tool + self.model + self.person

    @property
    def sums(self) -> tuple[int, ...]:
        """What is added up, in the order of `SUMS`."""
        return _sums(self)

    @property
    def times(self) -> Iterator[tuple[TimeKind, int]]:
        """Every time that is counted, with its kind."""
        yield "resolution", self.resolution
        for time in self.answer_times:
            yield "answer", time

    @property
    def scopes(self) -> tuple[str, str, str]:
        """Whose sums it counts in."""
        return "fleet", f"unit:{self.unit}", f"agent:{self.agent}"


_sums: Callable[[TaskFigures], tuple[int, ...]] = attrgetter(*SUMS)


@dataclass(slots=True)
class Distribution:
    """How many times fall into each bucket, and what they add up to."""

    buckets: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])

    def add(self, bucket: int, count: int, total: int) -> None:
        """Adds `count` times of one bucket, or takes them back."""
        before = self.buckets.get(bucket, (0, 0))
        self.buckets[bucket] = (before[0] + count, before[1] + total)

    def median(self) -> int | None:
        """Returns the median, or the middle between the two that are in the middle; None without any time."""
        count = sum(number for number, _ in self.buckets.values())
        if not count:
            return None
        lower, upper = self._at((count - 1) // 2, count // 2)
        return round((lower + upper) / 2)

    def percentile(self, percent: int) -> int | None:
        """Returns the smallest time that at least so many in a hundred do not exceed; None without any time."""
        count = sum(number for number, _ in self.buckets.values())
        if not count:
            return None
        return self._at(max(0, -(-count * percent // 100) - 1))[0]

    def _at(self, *ranks: int) -> list[int]:
        """Returns the times at growing ranks, each as the mean of its bucket."""
        found: list[int] = []
        passed = 0
        for bucket in sorted(self.buckets):
            count, total = self.buckets[bucket]
            passed += count
            while len(found) < len(ranks) and ranks[len(found)] < passed:
                found.append(round(total / count))
        return found


@dataclass(slots=True)
class Tally:
    """Sums and distributions of some tasks."""

    sums: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SUMS, 0))
    times: Mapping[TimeKind, Distribution] = field(default_factory=lambda: {kind: Distribution() for kind in KINDS})

    def add_sums(self, sums: Mapping[str, int | None]) -> None:
        """Adds what somebody has added up; nothing counts as nought."""
        for name in SUMS:
            self.sums[name] += sums[name] or 0

    def add_task(self, task: TaskFigures, sign: int) -> None:
        """Counts a task, or takes it back."""
        for name, value in zip(SUMS, task.sums, strict=True):
            self.sums[name] += sign * value
        for kind, time in task.times:
            self.add_time(kind, time, sign)

    def add_times(self, kind: TimeKind, times: Iterable[int]) -> None:
        """Counts many times at once."""
        buckets: dict[int, list[int]] = {}
        for time in times:
            buckets.setdefault(bucket_of(time), []).append(time)
        for bucket, some in buckets.items():
            self.times[kind].add(bucket, len(some), sum(some))

    def add_time(self, kind: TimeKind, time: int, sign: int = 1) -> None:
        """Counts a time, or takes it back."""
        self.times[kind].add(bucket_of(time), sign, sign * time)
