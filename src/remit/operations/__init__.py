"""What people do and see: verbs, views and fleet loading, with three faces (REST, console, `--json`)."""

from remit.operations.operations import Operations
from remit.operations.views import Views

__all__ = ["Operations", "Views"]
