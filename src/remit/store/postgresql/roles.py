"""Who may do what in the database: roles for what decides, what moves entries into the log, and who only looks at it."""

from importlib.resources import files
from typing import LiteralString, cast

from remit.store.postgresql.connection import Connection

# Of a name that stands between double quotes.
_LONGEST = 50


def role_names(prefix: str) -> tuple[str, str, str]:
    """Returns the roles of a cell. They are known to the whole server, so each cell has its own."""
    return f"{prefix}_app", f"{prefix}_sequencer", f"{prefix}_auditor"


def roles_sql(prefix: str) -> str:
    """Returns what the owner of the tables runs, as often as they like; nobody gets a password by it."""
    text = files("remit.store.postgresql").joinpath("roles.sql").read_text(encoding="utf-8")
    for kind, name in zip(("app", "sequencer", "auditor"), role_names(prefix), strict=True):
        text = text.replace(f"{{{kind}}}", _quoted(name))
    return text


def apply_roles(connection: Connection, prefix: str) -> None:
    """Runs it, all or nothing."""
    with connection.transaction():
        connection.execute(cast("LiteralString", roles_sql(prefix)))


def _quoted(name: str) -> str:
    return '"' + name[:_LONGEST].replace('"', '""') + '"'
