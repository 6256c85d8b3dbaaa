"""When a schedule is due: cron lines by the clock on the wall, as instants. Pure.

`croniter` reads the line and counts wall-clock times; what the wall clock does when summer time begins and ends is
decided here. A time that does not exist is due at the next instant that does, a time that exists twice is due once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, croniter

from remit.core import SECOND

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron line of five fields in a time zone."""

    line: str
    timezone: str

    def next(self, after: int) -> int | None:
        """Returns the first due time later than `after`; None for a line that never comes."""
        zone = ZoneInfo(self.timezone)
        times = croniter(self.line, _local(after, zone).replace(tzinfo=None))
        try:
            while (due := _instant(times.get_next(datetime), zone)) <= after:
                pass
        except CroniterBadDateError:
            return None
        return due

    def passed(self, after: int, until: int, *, most: int) -> list[int]:
        """Returns the latest due times with `after` < time ≤ `until`, oldest first, at most `most` of them."""
        found = list(islice(self._back(after, until), most))
        return found[::-1]

    def _back(self, after: int, until: int) -> Iterator[int]:
        """Yields due times, the latest first."""
        zone = ZoneInfo(self.timezone)
        local = _local(until, zone)
        # A step back excludes where it starts from; in a repeated hour the later half of its first round has passed.
        start = local.replace(tzinfo=None, microsecond=0) + timedelta(seconds=1) + _repeated(local)
        times = croniter(self.line, start)
        last = until + 1
        while True:
            try:
                due = _instant(times.get_prev(datetime), zone)
            except CroniterBadDateError:
                return
            if due <= after:
                return
            if due < last:  # several times that do not exist are due at one instant
                yield due
                last = due


def _local(instant: int, zone: ZoneInfo) -> datetime:
    return (_EPOCH + instant * _MICROSECOND).astimezone(zone)


def _repeated(local: datetime) -> timedelta:
    """Returns by how much the wall clock was set back just before: nothing but in the second round of an hour."""
    return (local.replace(fold=0).utcoffset() or timedelta()) - (local.utcoffset() or timedelta())


def _instant(wall: datetime, zone: ZoneInfo) -> int:
    """Returns when the wall clock first shows `wall`, or where it is set forward past it."""
    before, after = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if before.astimezone(zone).replace(tzinfo=None) == wall:
        return _micros(before)
    # In a gap the two readings lie on either side of the change.
    offset, low, high = after.astimezone(zone).utcoffset(), _micros(after) // SECOND, _micros(before) // SECOND
    while high - low > 1:
        middle = (low + high) // 2
        is_earlier = _local(middle * SECOND, zone).utcoffset() == offset
        low, high = (middle, high) if is_earlier else (low, middle)
    return high * SECOND


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
