"""Fakes, a settable clock and fixtures that ship to users."""

from remit.testing.clock import SettableClock
from remit.testing.fake_openai import FakeOpenAI, Reply, Seen, calls, completion, failure, says
from remit.testing.fleets import open_fleet

__all__ = ["FakeOpenAI", "Reply", "Seen", "SettableClock", "calls", "completion", "failure", "open_fleet", "says"]
