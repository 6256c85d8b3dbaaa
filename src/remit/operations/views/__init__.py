"""Everything people see: typed, for one actor, and no change by looking."""

from remit.operations.views.agents import AgentRow, AgentShown, AgentViews, AuthorityShown, ContractShown, VersionRow
from remit.operations.views.comparison import Comparison, ComparisonViews, PairShown
from remit.operations.views.configuration import SettingRow, SettingViews
from remit.operations.views.decisions import DecisionViews, RungShown, StepContent
from remit.operations.views.evidence import EntryShown, LogHead, LogRow, LogViews
from remit.operations.views.figures import FigureViews
from remit.operations.views.history import AnswerGiven, HistoryRow
from remit.operations.views.model import Page, Shown, Source, moment
from remit.operations.views.overrides import CaseRow, CaseShown, ExportedCases, OverrideViews
from remit.operations.views.overview import Overview, OverviewViews
from remit.operations.views.people import Chart, PeopleViews, PersonShown
from remit.operations.views.questions import ApprovalRow, ApprovalShown, QuestionViews, QueueSummary
from remit.operations.views.rollbacks import (
    LeftShown,
    RollbackRow,
    RollbackShown,
    RollbackViews,
    UndoneShown,
    UndoShown,
)
from remit.operations.views.runs import Refusal, RunRow, RunShown, RunViews, StepShown
from remit.operations.views.sheets import (
    BaselineShown,
    BudgetShown,
    CostSheet,
    DayShown,
    DefinitionShown,
    FigureSheet,
    FigureShown,
    SpentRow,
    duration,
    written,
)
from remit.operations.views.slo import BurnShown, ObjectiveShown, SloSheet, SloViews
from remit.operations.views.switches import DryRun, SwitchRow, SwitchViews
from remit.operations.views.tasks import FeedbackShown, TaskRow, TaskShown, TaskViews
from remit.operations.views.tour import Tour
from remit.operations.views.upstreams import UpstreamShown, UpstreamViews
from remit.operations.views.views import Views

__all__ = [
    "AgentRow",
    "AgentShown",
    "AgentViews",
    "AnswerGiven",
    "ApprovalRow",
    "ApprovalShown",
    "AuthorityShown",
    "BaselineShown",
    "BudgetShown",
    "BurnShown",
    "CaseRow",
    "CaseShown",
    "Chart",
    "Comparison",
    "ComparisonViews",
    "ContractShown",
    "CostSheet",
    "DayShown",
    "DecisionViews",
    "DefinitionShown",
    "DryRun",
    "EntryShown",
    "ExportedCases",
    "FeedbackShown",
    "FigureSheet",
    "FigureShown",
    "FigureViews",
    "HistoryRow",
    "LeftShown",
    "LogHead",
    "LogRow",
    "LogViews",
    "ObjectiveShown",
    "OverrideViews",
    "Overview",
    "OverviewViews",
    "Page",
    "PairShown",
    "PeopleViews",
    "PersonShown",
    "QuestionViews",
    "QueueSummary",
    "Refusal",
    "RollbackRow",
    "RollbackShown",
    "RollbackViews",
    "RunRow",
    "RunShown",
    "RunViews",
    "RungShown",
    "SettingRow",
    "SettingViews",
    "Shown",
    "SloSheet",
    "SloViews",
    "Source",
    "SpentRow",
    "StepContent",
    "StepShown",
    "SwitchRow",
    "SwitchViews",
    "TaskRow",
    "TaskShown",
    "TaskViews",
    "Tour",
    "UndoShown",
    "UndoneShown",
    "UpstreamShown",
    "UpstreamViews",
    "VersionRow",
    "Views",
    "duration",
    "moment",
    "written",
]
