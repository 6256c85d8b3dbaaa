"""A PostgreSQL server of a test's own, that may crash."""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from remit.testing import PostgresServer

# The machine goes on when a server crashes, so nothing is forced to the disk; what is written ahead is not written early.
SETTINGS = ("fsync = off", "wal_writer_delay = '10s'")


@contextmanager
def own_server() -> Generator[PostgresServer]:
    """Opens one."""
    with tempfile.TemporaryDirectory(prefix="remit-pg-", ignore_cleanup_errors=True) as folder:
        server = PostgresServer(Path(folder))
        with psycopg.connect(server.url(), autocommit=True) as connection:
            for setting in SETTINGS:
                connection.execute(f"alter system set {setting}".encode())
        crash(server)
        try:
            yield server
        finally:
            server.stop()


def crash(server: PostgresServer) -> None:
    """Crashes it, and has it recover."""
    server.crash()
    server.start()
