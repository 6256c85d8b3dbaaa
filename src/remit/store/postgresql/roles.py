"""Who may do what in the database: roles for what decides, what moves entries into the log, and who only looks at it."""

from hashlib import sha256
from importlib.resources import files
from typing import LiteralString, cast

from psycopg.errors import RaiseException

from remit.core import ConflictError
from remit.store.postgresql.connection import Connection

KINDS = ("app", "sequencer", "auditor")
# The server cuts longer names, and takes two that begin alike for one.
LONGEST_NAME = 63
_LONGEST_PREFIX = LONGEST_NAME - max(len(kind) + 1 for kind in KINDS)
_DIGITS = 8


def role_names(prefix: str) -> tuple[str, str, str]:
    """Returns the roles of a cell. They are known to the whole server, so each cell has its own."""
    if len(prefix) > _LONGEST_PREFIX:
        told_apart = sha256(prefix.encode()).hexdigest()[:_DIGITS]
        prefix = f"{prefix[: _LONGEST_PREFIX - _DIGITS - 1]}-{told_apart}"
    app, sequencer, auditor = (f"{prefix}_{kind}" for kind in KINDS)
    return app, sequencer, auditor


def roles_sql(prefix: str) -> str:
    """Returns what the owner of the tables runs, as often as they like; nobody gets a password by it.

    It is one transaction: psql goes on after an error, and must not give away what was just refused.
    """
    return f"begin;\n{_text('roles.sql', prefix)}commit;\n"


def apply_roles(connection: Connection, prefix: str, *, take_over: bool = False) -> None:
    """Runs it, all or nothing; `ConflictError` when another database of the server has roles of these names.

    With `take_over` they are taken from there.
    """
    texts = ["take_over.sql", "roles.sql"] if take_over else ["roles.sql"]
    try:
        with connection.transaction():
            for each in texts:
                connection.execute(cast("LiteralString", _text(each, prefix)))
    except RaiseException as refused:  # by our own words
        raise ConflictError(refused.diag.message_primary or "", hint=refused.diag.message_hint or "") from refused


def _text(file: str, prefix: str) -> str:
    text, names = files("remit.store.postgresql").joinpath(file).read_text(encoding="utf-8"), role_names(prefix)
    text = text.replace("{names}", ", ".join(f"'{name}'" for name in names))
    for kind, name in zip(KINDS, names, strict=True):
        text = text.replace(f"{{{kind}}}", f'"{name}"')
    return text
