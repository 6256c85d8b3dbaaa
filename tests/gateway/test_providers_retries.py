"""How long is waited before asking again: as the server says if that makes sense, and never all at once."""

import pytest

from remit.gateway.providers.retries import is_passing, pauses, retry_after
from remit.testing import SettableClock

# The clock shows 2023-11-14, 22:13:20 UTC.
CLOCK = SettableClock()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("Tue, 14 Nov 2023 22:13:25 GMT", 5),
        ("Tue, 14 Nov 2023 22:13:15 GMT", 0),
        ("Tue, 14 Nov 2023 22:13:25 -0000", 0),
        ("", 0),
        ("-1", 0),
        ("1.5", 0),
        ("nan", 0),
        ("soon", 0),
        ("²", 0),
        ("Tue, 14 Nov 2023 22:13:25 +99999999999999", 0),
        ("Tue, 99999999999999999999 Nov 2023 22:13:25 GMT", 0),
    ],
)
def test_a_wait_is_told_in_seconds_or_as_a_date(header: str, seconds: float) -> None:
    assert retry_after(header, CLOCK) == seconds


def test_pauses_grow_and_differ() -> None:
    drawn = [tuple(pauses((1.0, 2.0, 4.0))) for _ in range(50)]

    assert all(0.5 <= first <= 1.0 <= second <= 2.0 <= third <= 4.0 for first, second, third in drawn)
    assert len(set(drawn)) > 1


def test_only_what_may_pass_is_asked_again() -> None:
    passing = {status for status in range(200, 600) if is_passing(status)}

    assert passing == {408, 409, 429, *range(500, 600)}
