"""Moments as people type them."""

import re
from datetime import UTC, datetime

from remit.core import DAY, HOUR, MINUTE, SECOND, InputError

_AGO = re.compile(r"(?P<number>\d{1,6})(?P<unit>[mhdw])")
_UNITS = {"m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}


def moment_of(text: str, now: int) -> int:
    """Reads `24h`, `7d`, `2026-11-20` or RFC 3339 as microseconds since 1970, UTC; nothing is the beginning."""
    if not text:
        return 0
    if ago := _AGO.fullmatch(text):
        return now - int(ago["number"]) * _UNITS[ago["unit"]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as fault:
        hint = "Write how long ago (30m, 24h, 7d, 2w), a day (2026-11-20) or a time (2026-11-20T08:00:00Z), in UTC"
        raise InputError("Not a moment", which=text, hint=hint) from fault
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * SECOND)
