"""What people do and see: verbs, views and fleet loading, with three faces (REST, console, `--json`)."""

from remit.operations.operations import Operations
from remit.operations.packages import NeededPackage, needed_packages, package_version, remit_version
from remit.operations.replays import Replays
from remit.operations.tool_locks import LockedServer, check_locks, declared_tools, lock_server
from remit.operations.views import Views

__all__ = [
    "LockedServer",
    "NeededPackage",
    "Operations",
    "Replays",
    "Views",
    "check_locks",
    "declared_tools",
    "lock_server",
    "needed_packages",
    "package_version",
    "remit_version",
]
