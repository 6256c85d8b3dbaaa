"""Outages: that an upstream is out of reach, and that it is back, is logged once each, and other processes see it."""

import asyncio
import logging
from collections.abc import Callable

from remit.audit import make_entry
from remit.core import RemitError
from remit.gateway import Parts, UpstreamState, plain
from remit.store import Commit, Committed, Statement, load_queries

_Q = load_queries("remit.runtime")
_log = logging.getLogger("remit.runtime")
LONGEST_WHY = 300


class Outages:
    """Keeps which upstreams this process does not ask. What is kept forbids nothing: the breakers in memory do."""

    def __init__(self, parts: Parts, executor: Callable[[], str]) -> None:
        self._parts = parts
        self._executor = executor
        self._keeping: set[asyncio.Task[None]] = set()
        self._in_turn = asyncio.Lock()

    def note(self, state: UpstreamState) -> None:
        """Keeps that a breaker has opened or closed, beside whatever called it."""
        _log.warning("%s is %s", state.name, f"out of reach: {state.why}" if state.is_shut else "back")
        keeping = asyncio.get_running_loop().create_task(self._keep(state), name=f"outage of {state.name}")
        self._keeping.add(keeping)
        keeping.add_done_callback(self._keeping.discard)

    async def call(self, upstream: str, number: int) -> int:
        """Has up to so many runs go on that are parked for an upstream, the longest parked first; returns how many."""
        row = {"upstream": upstream, "at": self._parts.clock.now(), "number": number}
        try:
            result = await self._parts.writer.commit(Commit([Statement(_Q["call_parked"], row, want=None)]))
        except RemitError:  # nobody knows how many there are: they are called again
            return number
        return len(result.rows[0]) if isinstance(result, Committed) else number

    async def settle(self) -> None:
        """Waits until everything noted is kept."""
        await asyncio.gather(*self._keeping)

    async def _keep(self, state: UpstreamState) -> None:
        now, executor = self._parts.clock.now(), self._executor()
        row = {"executor": executor, "upstream": state.name}
        why = plain(state.why)[:LONGEST_WHY]
        begun = Statement(_Q["begin_outage"], {**row, "since": now, "why": why}, want=None)
        change = begun if state.is_shut else Statement(_Q["end_outage"], row, want=None)
        kind = "upstream.opened" if state.is_shut else "upstream.closed"
        # Its words are somebody else's, and stay out of the log.
        entry = make_entry("cell", kind, state.name, now, {"upstream": state.name, "executor": executor})
        forget = Statement(_Q["forget_outages"], {"executor": executor}, want=None)
        try:
            async with self._in_turn:
                await self._parts.writer.commit(Commit([change, forget], [entry]))
        except Exception:  # noqa: BLE001  the breaker works without it
            _log.exception("an outage could not be kept")
