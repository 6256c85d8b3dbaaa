"""Whose database it is that is copied, restored or looked after."""

from dataclasses import dataclass
from pathlib import Path

from remit.core import Clock, Settings
from remit.store import Database, open_database, sqlite_path


@dataclass(frozen=True, slots=True)
class Site:
    """A fleet's folder with its settings, whether its files are sound or not."""

    folder: Path
    settings: Settings
    clock: Clock

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a file."""
        return self.settings.database_url.startswith("sqlite:")

    @property
    def path(self) -> Path:
        """The database's file."""
        return sqlite_path(self.settings.database_url, self.folder)

    @property
    def key_file(self) -> Path:
        """The log's key."""
        return self.folder / self.settings.key_file

    @property
    def checkpoint_file(self) -> Path:
        """The kept checkpoint."""
        return self.folder / self.settings.checkpoint_file

    def open(self, *, read_only: bool = False) -> Database:
        """Opens the database; the caller closes it."""
        settings = self.settings
        return open_database(settings.database_url, folder=self.folder, limits=settings.database, read_only=read_only)
