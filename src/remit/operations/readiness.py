"""Whether this process can be given work now: for load balancers and orchestrators, who ask often and are told little."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from remit.core import MINUTE, Clock, SystemClock
from remit.store import Commit, Committed, Database, Statement, Writer, load_migrations, load_queries

_Q = load_queries("remit.operations")
_log = logging.getLogger("remit.operations")
# However often somebody asks, the database is looked at once in that time.
FRESH_SECONDS = 1.0
# A commit takes milliseconds; whoever asks gives up after a few seconds.
PATIENCE_SECONDS = 2.0
# Entries that wait for their place in the log; a process that works moves thousands a second.
MOST_LAG = 10_000
# One that waits so long waits for somebody to mend something.
LONGEST_LAG = MINUTE
# What follows for a process from a check that does not hold; a stop gets through while the log is behind.
CANNOT: dict[str, tuple[str, ...]] = {
    "database": ("decide or keep anything",),
    "tables": ("decide or keep anything",),
    "log": ("prove what was done lately", "take on any number of new tasks"),
    "work": ("take work on",),
}


@dataclass(frozen=True, slots=True)
class Readiness:
    """What was found: a word per check, `ok` or what is not so. Whoever asks is a stranger, so no more is said."""

    checks: tuple[tuple[str, str], ...]

    @property
    def ready(self) -> bool:
        """Whether work may come. The log is everybody's: while it is behind, no other process would do better."""
        return all(said == "ok" for check, said in self.checks if check != "log")

    @property
    def cannot(self) -> tuple[str, ...]:
        """What this process cannot do as it stands."""
        return tuple(what for check, said in self.checks if said != "ok" for what in CANNOT[check])

    def as_json(self) -> dict[str, Any]:
        """Returns it as `/readyz` tells it."""
        status = "ready" if self.ready else "not ready"
        return {"status": status, "checks": dict(self.checks), "cannot": list(self.cannot)}


class Probe:
    """Looks whether this process can work: it commits something that changes nothing, as a decision would."""

    def __init__(
        self,
        *,
        database: Database,
        writer: Writer,
        lag: Callable[[], int],
        clock: Clock | None = None,
        patience: float = PATIENCE_SECONDS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._writer = writer
        self._lag = lag
        self._clock = clock or SystemClock()
        self._patience = patience
        self._now = now
        self._stopping = False
        self._found: tuple[float, Readiness] | None = None
        self._looking: asyncio.Task[Readiness] | None = None

    def stop(self) -> None:
        """From now on this process is not ready: it drains, and others shall have the work."""
        self._stopping = True

    async def look(self) -> Readiness:
        """Returns what holds now, or held within the last second; a look that hangs is told, and not begun again."""
        if self._stopping:
            return Readiness((("work", "draining"),))
        if self._found and self._now() - self._found[0] < FRESH_SECONDS:
            return self._found[1]
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="readiness")
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                return await asyncio.shield(self._looking)
        return Readiness((("database", "does not answer in time"),))

    async def _look(self) -> Readiness:
        checks = [("database", await self._writes())]
        if checks[0][1] == "ok":
            checks.append(("tables", await self._told(self._tables)))
            checks.append(("log", await self._told(self._log_lag)))
        found = Readiness((*checks, ("work", "ok")))
        self._found = (self._now(), found)
        return found

    async def _writes(self) -> str:
        try:
            result = await self._writer.commit(Commit([Statement(_Q["probe"], {}, refusal="it is read-only")]))
        except Exception:  # noqa: BLE001  whatever it is, nothing can be decided now
            _log.warning("not ready: the database cannot be written", exc_info=True)
            return "cannot be written"
        return "ok" if isinstance(result, Committed) else "is read-only"

    async def _told(self, check: Callable[[], str]) -> str:
        try:
            return await asyncio.to_thread(check)
        except Exception:  # noqa: BLE001  as above
            _log.warning("not ready", exc_info=True)
            return "cannot be read"

    def _tables(self) -> str:
        """Newer ones are fine: they come before the new Remit, and leave the old one what it uses."""
        applied = {row["number"]: row["digest"] for row in self._database.read(_Q["applied"])}
        known = {
            migration.number: migration.digest
            for migration in load_migrations(self._database.dialect)
            if not migration.is_post
        }
        if any(applied.get(number, digest) != digest for number, digest in known.items()):
            return "are other ones than this Remit's"
        return "ok" if known.keys() <= applied.keys() else "lack migrations"

    def _log_lag(self) -> str:
        if self._lag() > MOST_LAG:
            return "lags"
        oldest = self._database.read(_Q["waiting"])[0]["oldest"]
        return "ok" if oldest is None or self._clock.now() - oldest <= LONGEST_LAG else "stands still"
