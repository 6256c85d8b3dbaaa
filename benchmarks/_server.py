"""The PostgreSQL server of a benchmark: one of its own, in a folder that goes away with it."""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString, cast

import psycopg

from _processes import family_cpu
from remit.testing.postgresql import PostgresServer

# What whoever operates a server sets first, and docs/operating.md says: the defaults are for a machine with no room.
SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "4GB"}


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs."""

    postgres: PostgresServer
    process: int

    def fresh(self) -> str:
        """Makes an empty database and returns its URL."""
        return self.postgres.fresh()

    def cpu(self) -> float:
        """Returns the CPU seconds of all its processes."""
        return family_cpu(self.process)


@contextmanager
def server() -> Generator[Server]:
    """Starts a server and stops it; it is as durable as PostgreSQL is by default, and has room in memory and log."""
    with tempfile.TemporaryDirectory(prefix="postgres-") as place:
        postgres = PostgresServer(Path(place) / "data")
        try:
            with psycopg.connect(postgres.url(), autocommit=True) as connection:
                for name, value in SETTINGS.items():
                    connection.execute(cast("LiteralString", f"alter system set {name} = '{value}'"))
            postgres.crash()  # nothing is in it yet
            postgres.start()
            process = int((postgres.folder / "postmaster.pid").read_text(encoding="ascii").split()[0])
            yield Server(postgres, process)
        finally:
            postgres.stop()
