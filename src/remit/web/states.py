"""States once: for each its colour, a glyph and a word, so that colour is never alone."""

from typing import NamedTuple


class State(NamedTuple):
    """How a state looks."""

    css: str
    """One of the colours of app.css: good, bad, warn, busy, calm."""
    glyph: str
    word: str


STATES: dict[str, State] = {
    # runs and tasks
    "queued": State("calm", "○", "queued"),
    "running": State("busy", "◐", "running"),
    "waiting": State("warn", "◇", "waiting"),
    "done": State("good", "●", "done"),
    "failed": State("bad", "✕", "failed"),
    "cancelled": State("calm", "⊘", "cancelled"),
    "open": State("busy", "◐", "open"),
    "success": State("good", "✓", "success"),
    "failure": State("bad", "✕", "failure"),
    "undone": State("calm", "↶", "undone"),
    "partly undone": State("warn", "↶", "partly undone"),
    "not undone": State("bad", "✕", "not undone"),
    # steps
    "decided": State("busy", "◐", "under way"),
    "denied": State("bad", "⊘", "denied"),
    "unknown": State("warn", "?", "unknown"),
    # questions
    "pending": State("warn", "◇", "open"),
    "approved": State("good", "✓", "approved"),
    "rejected": State("bad", "✕", "rejected"),
    "expired": State("calm", "◌", "expired"),
    "used": State("good", "●", "carried out"),
    "withdrawn": State("calm", "⊘", "withdrawn"),
    # agents and their versions
    "prototype": State("calm", "△", "prototype"),
    "live": State("good", "●", "live"),
    "paused": State("warn", "‖", "paused"),
    "retired": State("calm", "⊘", "retired"),
    "draining": State("warn", "◔", "draining"),
    "refused": State("bad", "⊘", "refused"),
    # attempts
    "ended": State("calm", "●", "ended"),
    "lost": State("bad", "✕", "lost"),
    # switches and processes
    "stopped": State("bad", "■", "stopped"),
    "resumed": State("good", "▶", "resumed"),
    "at work": State("good", "●", "at work"),
    "gone": State("bad", "✕", "gone"),
    # tool servers and model routes
    "out of reach": State("bad", "✕", "out of reach"),
    "waited for": State("warn", "◇", "waited for"),
    # error budgets
    "exhausted": State("bad", "✕", "exhausted"),
    "burning": State("warn", "▲", "burning"),
    "too few to say": State("calm", "◌", "too few to say"),
    "ok": State("good", "●", "ok"),
    # tokens and logins
    "revoked": State("bad", "⊘", "revoked"),
    # evidence
    "verified": State("good", "✓", "verified"),
    "broken": State("bad", "✕", "broken"),
}
"""Every state there is; one that is missing is shown as it is called, without colour."""

LEVELS: dict[str, State] = {
    "autonomous": State("free", "▷", "autonomous"),
    "human-in-the-loop": State("asked", "◇", "human-in-the-loop"),
    "human-led": State("led", "◆", "human-led"),
}
"""How freely something was done."""


def look(state: str) -> State:
    """Returns how a state looks."""
    return STATES.get(state) or State("calm", "·", state)


def level_look(level: str) -> State:
    """Returns how a level looks."""
    return LEVELS.get(level) or State("calm", "·", level)
