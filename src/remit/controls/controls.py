"""Controls: switches, locks and rates. They stay plain code and SQL, so they work even if policy is broken."""

import json
import time
from collections.abc import Mapping, Sequence

from remit.controls.model import Switch
from remit.core import SECOND, Clock, InputError
from remit.store import Database, Row, Statement, load_queries

_Q = load_queries("remit.controls")
# The commit looks again, whatever this says; until then a tenth of a second old is fresh enough.
GLANCE_SECONDS = 0.1
MOST_SCOPES = 7
# Instead of a fencing number, which begins at 1: fits only a resource nobody has held yet; fits any.
NEVER_HELD, WHATEVER = 0, -1
# Who waits for a place looks no more often than this, however many wait.
ROOM_SECONDS = 0.05
# Between a tool's full name and the number of a place. A lock's name begins with that of a server, which has none of it.
PLACE = "#"


class Controls:
    """Reads switches and locks; its changes are statements for the gateway's commit."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._pulled: tuple[float, dict[str, Switch]] = (0.0, {})
        self._opened: dict[str, int] = {}
        """How many places of a tool are there for sure."""
        self._room: dict[str, tuple[float, int]] = {}
        """How many of a tool's places were free, when it was looked, but for those that somebody goes for by now."""

    # --- switches

    def glance(self, scopes: Sequence[str]) -> Switch | None:
        """Returns a pulled switch among `scopes` as of at most `GLANCE_SECONDS` ago; the commit's guard checks again."""
        at, pulled = self._pulled
        now = time.monotonic()
        if now - at > GLANCE_SECONDS:
            pulled = {switch.scope: switch for switch in self.switches() if switch.stopped}
            self._pulled = (now, pulled)
        return next((pulled[scope] for scope in scopes if scope in pulled), None) if pulled else None

    def forget(self) -> None:
        """Makes the next glance a fresh look: this process has just changed a switch."""
        self._pulled = (0.0, {})

    def stopped(self, scopes: Sequence[str]) -> Switch | None:
        """Returns a pulled switch among `scopes`, or None."""
        row = self._database.read_one(_Q["stopped_among"], {"scopes": json.dumps(scopes)})
        return _switch(row) if row else None

    def guard(self, scopes: Sequence[str]) -> Statement:
        """Holds only while no switch among `scopes` is pulled; read under the write lock."""
        if len(scopes) > MOST_SCOPES:
            raise InputError(
                "The guard cannot look at so many scopes", which=str(len(scopes)), why=f"most {MOST_SCOPES}"
            )
        padded = (*scopes, *("" for _ in range(MOST_SCOPES - len(scopes))))
        named = {f"s{number}": scope for number, scope in enumerate(padded)}
        return Statement(_Q["guard_switches"], named, refusal="a switch was pulled")

    def switch(self, scope: str, *, stopped: bool, because: str, by: str) -> Statement:
        """Pulls or resets a switch."""
        parameters = {"scope": scope, "stopped": int(stopped), "because": because, "by": by, "at": self._clock.now()}
        return Statement(_Q["switch"], parameters)

    def switches(self) -> list[Switch]:
        """Returns every switch ever used, with its present position."""
        return [_switch(row) for row in self._database.read(_Q["switches"])]

    # --- locks

    def look(self, resources: Sequence[str]) -> dict[str, int]:
        """Returns the fencing number of each resource, for `lock`; of one that is held now, one that will not fit."""
        now, seen = self._clock.now(), dict[str, int]()
        for resource in resources:
            row = self._database.read_one(_Q["fence_of"], {"resource": resource, "now": now})
            seen[resource] = row["fence"] if row is not None and row["free"] else NEVER_HELD
        return seen

    def lock(
        self, resources: Sequence[str], holder: str, seconds: float, *, seen: Mapping[str, int] | None = None
    ) -> list[Statement]:
        """Takes every resource or none. One commit takes them all, so two holders never wait for each other.

        With what `look` returned it takes none that somebody has held since: what was read then may not be so now.
        """
        now, seen = self._clock.now(), seen or {}
        until = now + int(seconds * SECOND)
        return [
            Statement(
                _Q["take_lock"],
                {
                    "resource": resource,
                    "holder": holder,
                    "until": until,
                    "now": now,
                    "seen": seen.get(resource, WHATEVER),
                },
                refusal=f"{resource} is locked",
            )
            for resource in sorted(set(resources))
        ]

    def unlock(self, resources: Sequence[str], holder: str) -> list[Statement]:
        """Frees what `holder` still has; a lock that passed to somebody else is left alone."""
        return [
            Statement(_Q["release_lock"], {"resource": resource, "holder": holder}, want=None)
            for resource in sorted(set(resources))
        ]

    def are_held(self, resources: Sequence[str]) -> bool:
        """Whether somebody holds one of the resources now."""
        now = self._clock.now()
        rows = [self._database.read_one(_Q["fence_of"], {"resource": each, "now": now}) for each in resources]
        return any(row is not None and not row["free"] for row in rows)

    def held_by(self, holder: str) -> list[str]:
        """Returns the resources `holder` has."""
        return [row["resource"] for row in self._database.read(_Q["locks_of"], {"holder": holder})]

    def locks(self) -> list[tuple[str, str]]:
        """Returns every held resource with its holder."""
        return [(row["resource"], row["holder"]) for row in self._database.read(_Q["locks"])]

    # --- places: a tool that may do so much at once, over all processes, has so many locks without a name

    def take_place(self, tool: str, most: int, holder: str, seconds: float) -> list[Statement]:
        """Takes one of the `most` places of a tool; when a commit with it stands, `opened` may be told."""
        now, places = self._clock.now(), _places(tool, most)
        until = now + int(seconds * SECOND)
        taken = {"places": places, "holder": holder, "until": until, "now": now}
        take = Statement(_Q["take_place"], taken, refusal=f"every place of {tool} is taken")
        if self._opened.get(tool, 0) >= most:
            return [take]
        return [Statement(_Q["open_places"], {"places": places}, want=None), take]

    def opened(self, tool: str, most: int) -> None:
        """Says that so many places are there: nobody need make them again."""
        self._opened[tool] = max(most, self._opened.get(tool, 0))

    def has_room(self, tool: str, most: int) -> bool:
        """Whether one of the places was free a moment ago, and nobody else here was told so for the same one."""
        at, free = self._room.get(tool, (0.0, 0))
        if (now := time.monotonic()) - at > ROOM_SECONDS:
            looked_for = {"places": _places(tool, most), "now": self._clock.now()}
            row = self._database.read_one(_Q["free_places"], looked_for)
            at, free = now, row["free"] if row else 0
        self._room[tool] = (at, free - 1)
        return free > 0

    # --- rates

    def count(self, key: str, *, most: int, seconds: int) -> Statement:
        """Counts one call against `most` per window of `seconds`; only committed decisions count."""
        window = self._clock.now() // (seconds * SECOND)
        parameters = {"key": f"{key}/{seconds}", "window": window, "most": most}
        return Statement(_Q["count_call"], parameters, refusal=f"{key} was called {most} times in {seconds} seconds")


def _places(tool: str, most: int) -> str:
    return json.dumps([f"{tool}{PLACE}{number}" for number in range(most)])


def is_place(resource: str) -> bool:
    """Whether it is one of a tool's places, and no lock that a call names."""
    return PLACE in resource.partition(":")[0]


def _switch(row: Row) -> Switch:
    return Switch(row["scope"], bool(row["stopped"]), row["because"], row["by"], row["at"])
