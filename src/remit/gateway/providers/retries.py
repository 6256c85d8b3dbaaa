"""When a live provider asks again: how long it waits, and what the server said about it."""

import random
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from remit.core import MICRO, Clock, SystemClock

# Seconds before the second, third and fourth try, at most: each is drawn from the upper half.
BACK_OFF = (0.5, 1.0, 2.0)
# A provider that asks for more patience is told to the agent instead of waited for.
LONGEST_RETRY_AFTER = 10.0
# Besides 5xx: a timeout or conflict on the server's side, and too many requests. None of them is charged.
PASSING_STATUSES = frozenset((408, 409, 429))
# What a proxy says when nobody is behind it, and a provider when it is too busy to say anything itself.
AWAY_STATUSES = frozenset((502, 503, 504, 529))


def pauses(back_off: tuple[float, ...]) -> Iterator[float]:
    """Yields the seconds before each further try, spread so that those who failed together do not return together."""
    for longest in back_off:
        yield random.uniform(longest / 2, longest)  # noqa: S311  spreads load, keeps no secret


def is_passing(status: int) -> bool:
    """Returns whether the same request may succeed later."""
    return status in PASSING_STATUSES or status >= 500


def retry_after(value: str, clock: Clock | None = None) -> float:
    """Returns the seconds a `Retry-After` header asks for (RFC 9110, 10.2.3); 0 when it makes no sense."""
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return 0.0
    if date.tzinfo is None:  # the header said -0000, which is no zone
        return 0.0
    return max(0.0, date.timestamp() - (clock or SystemClock()).now() / MICRO)
