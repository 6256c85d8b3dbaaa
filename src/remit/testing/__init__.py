"""Fakes, a settable clock and fixtures that ship to users."""
