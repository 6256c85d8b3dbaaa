"""PostgreSQL's roles for a cell, as text to look at or made at once."""

from importlib import import_module

from remit.core import InputError
from remit.operations.upkeep.site import Site

# Loaded where it is used: PostgreSQL's driver would slow down every command.
_ROLES = "remit.store.postgresql.roles"


def roles_sql(site: Site) -> str:
    """Returns the SQL that makes the cell's roles and says what each may."""
    return str(import_module(_ROLES).roles_sql(site.settings.name))


def apply_roles(site: Site, *, take_over: bool = False) -> list[str]:
    """Makes them, as the user of the database's URL, who owns the tables; returns their names.

    With `take_over` another database of the same server that has roles of these names loses them.
    """
    if site.is_sqlite:
        raise InputError(
            "SQLite has no roles", hint="Whoever may write the file may do everything; see docs/security.md"
        )
    roles, database = import_module(_ROLES), site.open()
    connection = getattr(database, "connect")("remit roles")  # noqa: B009  the protocol has none: only roles need one
    try:
        roles.apply_roles(connection, site.settings.name, take_over=take_over)
    finally:
        connection.close()
        database.close()
    return [*roles.role_names(site.settings.name)]
