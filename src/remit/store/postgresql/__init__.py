"""A cell's store on a PostgreSQL server, for many processes."""

from remit.store.postgresql.database import PostgresDatabase

__all__ = ["PostgresDatabase"]
