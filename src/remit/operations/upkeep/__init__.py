"""Upkeep of the database: copies of it, restoring them, a new log where the old one was set back, roles, forgetting."""

from remit.operations.upkeep.backup import Backup, back_up
from remit.operations.upkeep.new_log import LogRestarted, restart_log
from remit.operations.upkeep.restore import Restored, Terms, restore
from remit.operations.upkeep.retention import Forgetting
from remit.operations.upkeep.roles import apply_roles, roles_sql
from remit.operations.upkeep.site import Site
from remit.operations.upkeep.status import database_status, migration_name, pending_migrations

__all__ = [
    "Backup",
    "Forgetting",
    "LogRestarted",
    "Restored",
    "Site",
    "Terms",
    "apply_roles",
    "back_up",
    "database_status",
    "migration_name",
    "pending_migrations",
    "restart_log",
    "restore",
    "roles_sql",
]
