"""The view of everything at a glance: what needs a person first, then where things stand."""

from collections.abc import Mapping

from remit.journal import RunState
from remit.operations.actors import view
from remit.operations.permissions import Permission
from remit.operations.views.evidence import LogHead, LogViews
from remit.operations.views.model import Shown, Viewing, moment
from remit.operations.views.questions import QuestionViews, QueueSummary
from remit.operations.views.runs import RunRow, RunViews
from remit.operations.views.slo import SloSheet, SloViews
from remit.operations.views.switches import SwitchRow, SwitchViews
from remit.operations.views.upstreams import UpstreamShown, UpstreamViews
from remit.store import load_queries

_Q = load_queries("remit.operations.views")
# As many as fit on a screen; their own pages have the rest.
FIRST = 5


class ProcessShown(Shown):
    """One process that drives runs."""

    id: str
    host: str
    pid: int
    seen: str
    at_work: bool
    runs: int


class Overview(Shown):
    """Where things stand."""

    cell: str
    at: str
    questions: QueueSummary
    """What people are asked, what one may answer oneself before the rest."""
    budgets: tuple[SloSheet, ...]
    """Agents whose error budget is used up or burning, for those who may read figures."""
    stopped: tuple[SwitchRow, ...]
    runs: Mapping[str, int]
    tasks: Mapping[str, int]
    agents: Mapping[str, int]
    """Agents by lifecycle."""
    failed: tuple[RunRow, ...]
    """The newest runs that failed."""
    processes: tuple[ProcessShown, ...]
    upstreams: tuple[UpstreamShown, ...]
    """Tool servers and model routes that are out of reach, or that runs wait for."""
    log: LogHead
    warnings: tuple[str, ...]
    """What was found when the fleet was loaded."""


class OverviewViews(Viewing):
    """Reads across everything."""

    @view(Permission.FLEET_RUNS_READ)
    def get(self, warnings: tuple[str, ...] = ()) -> Overview:
        """Returns where things stand."""
        source = self._source
        runs = RunViews(source)
        return Overview(
            cell=self._parts.settings.name,
            at=moment(self._parts.clock.now()),
            questions=QuestionViews(source).summary(first=FIRST),
            budgets=SloViews(source).urgent(first=FIRST) if self.actor.may(Permission.FLEET_FIGURES_READ) else (),
            stopped=tuple(SwitchViews(source).in_force()),
            runs=runs.states(),
            tasks=source.kpis.tasks_by_state(),
            agents={row["lifecycle"]: row["count"] for row in source.database.read(_Q["agent_lifecycles"])},
            failed=tuple(runs.listing(state=RunState.FAILED.value, limit=FIRST)),
            processes=self.processes(),
            upstreams=tuple(UpstreamViews(source).troubled()),
            log=LogViews(source).head(),
            warnings=warnings,
        )

    @view(Permission.FLEET_RUNS_READ)
    def processes(self) -> tuple[ProcessShown, ...]:
        """Returns the processes that drive runs, and those that died with some."""
        working = set(self._parts.executors.at_work())
        return tuple(
            ProcessShown(
                id=one.id,
                host=one.host,
                pid=one.pid,
                seen=moment(one.seen_at),
                at_work=one.id in working,
                runs=one.attempts,
            )
            for one in self._parts.executors.listing()
            if one.id in working or one.attempts
        )
