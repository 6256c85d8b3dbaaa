"""Every view, for one actor."""

from collections.abc import Sequence

from remit.core import RemitError
from remit.operations.actors import Actor
from remit.operations.views.agents import AgentViews
from remit.operations.views.comparison import ComparisonViews
from remit.operations.views.configuration import SettingViews
from remit.operations.views.decisions import DecisionViews
from remit.operations.views.evidence import LogViews
from remit.operations.views.figures import FigureViews
from remit.operations.views.model import Source
from remit.operations.views.overrides import OverrideViews
from remit.operations.views.overview import Overview, OverviewViews
from remit.operations.views.people import PeopleViews
from remit.operations.views.questions import QuestionViews
from remit.operations.views.rollbacks import RollbackViews
from remit.operations.views.runs import RunViews
from remit.operations.views.slo import SloViews
from remit.operations.views.switches import SwitchViews
from remit.operations.views.tasks import TaskViews
from remit.operations.views.tour import Tour, TourViews
from remit.operations.views.upstreams import UpstreamViews


class Views:
    """What one actor may see, by kind."""

    def __init__(self, source: Source, *, warnings: Sequence[RemitError] = ()) -> None:
        self._source = source
        self._warnings = tuple(warning.text() for warning in warnings)
        self.agents = AgentViews(source)
        self.tasks = TaskViews(source)
        self.runs = RunViews(source)
        self.rollbacks = RollbackViews(source)
        self.decisions = DecisionViews(source)
        self.comparison = ComparisonViews(source)
        self.approvals = QuestionViews(source)
        self.overrides = OverrideViews(source)
        self.switches = SwitchViews(source)
        self.upstreams = UpstreamViews(source)
        self.figures = FigureViews(source)
        self.slo = SloViews(source)
        self.log = LogViews(source)
        self.people = PeopleViews(source)
        self.settings = SettingViews(source)

    @property
    def actor(self) -> Actor:
        """Who looks."""
        return self._source.actor

    def overview(self) -> Overview:
        """Returns where things stand."""
        return OverviewViews(self._source).get(self._warnings)

    def tour(self) -> Tour:
        """Returns what a demo has to show."""
        return TourViews(self._source).get()
