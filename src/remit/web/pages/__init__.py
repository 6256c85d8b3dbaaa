"""The console's pages, one module for each noun; each returns its routes."""

from collections.abc import Callable, Sequence

from starlette.routing import Route

from remit.web.console import Console
from remit.web.pages import entry, overview, stream

PAGES: Sequence[Callable[[Console], list[Route]]] = (
    entry.routes,
    stream.routes,
    overview.routes,
)
"""Every page; in two that would take the same path, the first does."""
