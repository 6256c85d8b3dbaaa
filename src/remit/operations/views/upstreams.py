"""Views of tool servers and model routes: which are out of reach, who says so, and what waits for them.

Each process has breakers of its own. The database knows which of them are open, by process; how many calls are under way
and wait is known in that process only, so it is told of the one that answers.
"""

from collections import defaultdict
from collections.abc import Mapping

from remit.core import SECOND
from remit.gateway import UpstreamState, upstream_kind
from remit.operations.actors import view
from remit.operations.permissions import Permission
from remit.operations.views.model import NOT_SHOWN, Shown, Viewing, moment
from remit.store import Row, load_queries

_Q = load_queries("remit.operations.views")


class OutageShown(Shown):
    """One process at work that does not ask an upstream at the moment, but for a probe now and then."""

    executor: str
    host: str
    pid: int
    since: str
    why: str
    """What its last call met, in the words of whoever met it."""


class UpstreamHere(Shown):
    """How an upstream stands in the process that answers."""

    state: str
    """`closed`, `open`, or `half-open`: a probe may be made, or is under way."""
    under_way: int
    waiting: int
    """Calls that wait for a place."""
    why: str
    """What the last failure said; empty while calls are answered."""


class UpstreamShown(Shown):
    """One tool server, bounded tool or model route."""

    name: str
    """`tools:SERVER`, `model:ROUTE`, or `tools:TOOL` of a tool with `cell_concurrency`."""
    kind: str
    """`tool server`, `model route` or `tool`."""
    state: str
    """`open` while some process at work, or the one that answers, does not ask it; else `closed`."""
    places: int
    """Calls at once, of each process; of a tool, over all processes."""
    since: str
    """When the first of the processes at work stopped asking it."""
    out_of_reach_for: tuple[OutageShown, ...]
    """The processes that say so; others may reach it."""
    here: UpstreamHere | None
    """None where the process that answers calls no tools and models."""
    parked: int
    """Runs that wait for it, busy or out of reach."""
    next: str
    """When the first of them comes back by itself."""


class UpstreamViews(Viewing):
    """Reads what is known of upstreams."""

    @view(Permission.FLEET_RUNS_READ)
    def listing(self) -> list[UpstreamShown]:
        """Returns every tool server, bounded tool and model route with how it stands, those out of reach first."""
        parts, database = self._parts, self._source.database
        silence = int(parts.settings.limits.executor_seconds * SECOND)
        outages: dict[str, list[Row]] = defaultdict(list)
        for row in database.read(_Q["outages_now"], {"seen": parts.clock.now() - silence}):
            outages[row["upstream"]].append(row)
        parked = {row["upstream"]: row for row in database.read(_Q["parked_for"])}
        here = {state.name: state for state in parts.upstreams.states()}
        fleet = self._source.fleet
        tools = {f"tools:{name}": most for name, tool in fleet.tools.items() if (most := tool.cell_concurrency)}
        servers = {f"tools:{name}": server.places for name, server in fleet.servers.items()}
        routes = {f"model:{name}": route.concurrency for name, route in parts.settings.models.items()}
        places = {**servers, **tools, **routes}
        names = sorted({*places, *outages, *parked})
        shown = [
            self._shown(name, places.get(name, 0), outages[name], parked.get(name), here.get(name)) for name in names
        ]
        return sorted(shown, key=lambda each: (each.state == "closed", -each.parked))

    @view(Permission.FLEET_RUNS_READ)
    def troubled(self) -> list[UpstreamShown]:
        """Returns those that are out of reach, or that runs wait for."""
        return [each for each in self.listing() if each.state != "closed" or each.parked]

    def _shown(
        self, name: str, places: int, outages: list[Row], parked: Mapping[str, int] | None, here: UpstreamState | None
    ) -> UpstreamShown:
        return UpstreamShown(
            name=name,
            kind=upstream_kind(name),
            state="open" if outages or (here and here.is_shut) else "closed",
            places=places,
            since=moment(outages[0]["since"]) if outages else "",
            out_of_reach_for=tuple(
                OutageShown(
                    executor=row["executor"],
                    host=row["host"],
                    pid=row["pid"],
                    since=moment(row["since"]),
                    why=self._words(row["why"]),
                )
                for row in outages
            ),
            here=here
            and UpstreamHere(
                state=here.breaker.value,
                under_way=here.under_way,
                waiting=here.waiting,
                why=self._words(here.why),
            ),
            parked=parked["runs"] if parked else 0,
            next=moment(parked["next"]) if parked else "",
        )

    def _words(self, why: str) -> str:
        """A server's words may be about somebody, and of any unit's agents."""
        return why if not why or self._source.actor.may(Permission.FLEET_CONTENT_READ, "") else NOT_SHOWN
