"""Fakes, a settable clock and fixtures that ship to users."""

from remit.testing.clock import SettableClock
from remit.testing.failpoints import POINTS, kill_at
from remit.testing.fake_anthropic import FakeAnthropic
from remit.testing.fake_openai import FakeOpenAI, calls, completion, failure, says, streamed
from remit.testing.fake_server import Reply, Seen
from remit.testing.fleets import open_fleet
from remit.testing.postgresql import PostgresServer

__all__ = [
    "POINTS",
    "FakeAnthropic",
    "FakeOpenAI",
    "PostgresServer",
    "Reply",
    "Seen",
    "SettableClock",
    "calls",
    "completion",
    "failure",
    "kill_at",
    "open_fleet",
    "says",
    "streamed",
]
