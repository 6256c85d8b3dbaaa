"""What people do and see: verbs, views and fleet loading, with three faces (REST, console, `--json`)."""

from remit.operations.access import Access
from remit.operations.actors import Actor, Face, local_actor, permission_of, person_actor
from remit.operations.agents import AgentRow, AgentShown, AuthorityShown, ContractShown, VersionRow
from remit.operations.comparison import Comparison, PairShown
from remit.operations.configuration import SettingRow
from remit.operations.decisions import RungShown, StepContent
from remit.operations.evidence import EntryShown, LogHead, LogRow
from remit.operations.model import Page, Shown, Source, moment
from remit.operations.operations import Operations, Receipt
from remit.operations.overview import Overview
from remit.operations.packages import NeededPackage, needed_packages, package_version, remit_version
from remit.operations.people import Chart, PersonShown
from remit.operations.permissions import ROLES, Permission, permissions_of
from remit.operations.questions import ApprovalRow, ApprovalShown
from remit.operations.replays import Replays
from remit.operations.runs import RunRow, RunShown, StepShown
from remit.operations.switches import DryRun, SwitchRow
from remit.operations.tasks import TaskRow, TaskShown
from remit.operations.token_terms import TOKEN_DAYS
from remit.operations.tool_locks import LockedServer, check_locks, declared_tools, lock_server
from remit.operations.verbs import Verbs
from remit.operations.views import Views

__all__ = [
    "ROLES",
    "TOKEN_DAYS",
    "Access",
    "Actor",
    "AgentRow",
    "AgentShown",
    "ApprovalRow",
    "ApprovalShown",
    "AuthorityShown",
    "Chart",
    "Comparison",
    "ContractShown",
    "DryRun",
    "EntryShown",
    "Face",
    "LockedServer",
    "LogHead",
    "LogRow",
    "NeededPackage",
    "Operations",
    "Overview",
    "Page",
    "PairShown",
    "Permission",
    "PersonShown",
    "Receipt",
    "Replays",
    "RunRow",
    "RunShown",
    "RungShown",
    "SettingRow",
    "Shown",
    "Source",
    "StepContent",
    "StepShown",
    "SwitchRow",
    "TaskRow",
    "TaskShown",
    "Verbs",
    "VersionRow",
    "Views",
    "check_locks",
    "declared_tools",
    "local_actor",
    "lock_server",
    "moment",
    "needed_packages",
    "package_version",
    "permission_of",
    "permissions_of",
    "person_actor",
    "remit_version",
]
