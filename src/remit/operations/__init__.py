"""What people do and see: verbs, views and fleet loading, with three faces (REST, console, `--json`)."""

from remit.operations.access import Access
from remit.operations.actors import Actor, Face, local_actor, permission_of, person_actor
from remit.operations.agents import AgentRow, AgentShown, AgentViews, AuthorityShown, ContractShown, VersionRow
from remit.operations.comparison import Comparison, ComparisonViews, PairShown
from remit.operations.configuration import SettingRow, SettingViews
from remit.operations.decisions import DecisionViews, RungShown, StepContent
from remit.operations.evidence import EntryShown, LogHead, LogRow, LogViews
from remit.operations.figures import FigureViews
from remit.operations.model import Page, Shown, Source, moment
from remit.operations.operations import Operations, Receipt
from remit.operations.overview import Overview, OverviewViews
from remit.operations.packages import NeededPackage, needed_packages, package_version, remit_version
from remit.operations.people import Chart, PeopleViews, PersonShown
from remit.operations.permissions import ROLES, Permission, permissions_of
from remit.operations.questions import ApprovalRow, ApprovalShown, QuestionViews
from remit.operations.replays import Replays
from remit.operations.runs import Refusal, RunRow, RunShown, RunViews, StepShown
from remit.operations.sheets import (
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
from remit.operations.switches import DryRun, SwitchRow, SwitchViews
from remit.operations.tasks import TaskRow, TaskShown, TaskViews
from remit.operations.token_terms import TOKEN_DAYS
from remit.operations.tool_locks import LockedServer, check_locks, declared_tools, lock_server
from remit.operations.verbs import Verbs
from remit.operations.views import Views
from remit.operations.what_if import Consequences, Shift, Unjudged, WhatIf

__all__ = [
    "ROLES",
    "TOKEN_DAYS",
    "Access",
    "Actor",
    "AgentRow",
    "AgentShown",
    "AgentViews",
    "ApprovalRow",
    "ApprovalShown",
    "AuthorityShown",
    "BudgetShown",
    "Chart",
    "Comparison",
    "ComparisonViews",
    "Consequences",
    "ContractShown",
    "CostSheet",
    "DayShown",
    "DecisionViews",
    "DefinitionShown",
    "DryRun",
    "EntryShown",
    "Face",
    "FigureSheet",
    "FigureShown",
    "FigureViews",
    "LockedServer",
    "LogHead",
    "LogRow",
    "LogViews",
    "NeededPackage",
    "Operations",
    "Overview",
    "OverviewViews",
    "Page",
    "PairShown",
    "PeopleViews",
    "Permission",
    "PersonShown",
    "QuestionViews",
    "Receipt",
    "Refusal",
    "Replays",
    "RunRow",
    "RunShown",
    "RunViews",
    "RungShown",
    "SettingRow",
    "SettingViews",
    "Shift",
    "Shown",
    "Source",
    "SpentRow",
    "StepContent",
    "StepShown",
    "SwitchRow",
    "SwitchViews",
    "TaskRow",
    "TaskShown",
    "TaskViews",
    "Unjudged",
    "Verbs",
    "VersionRow",
    "Views",
    "WhatIf",
    "check_locks",
    "declared_tools",
    "duration",
    "local_actor",
    "lock_server",
    "moment",
    "needed_packages",
    "package_version",
    "permission_of",
    "permissions_of",
    "person_actor",
    "remit_version",
    "written",
]
