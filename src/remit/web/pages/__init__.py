"""The console's pages, one module for each noun; each returns its routes."""

from collections.abc import Callable, Sequence

from starlette.routing import Route

from remit.web.console import Console
from remit.web.pages import (
    account,
    agents,
    approvals,
    comparison,
    entry,
    figures,
    log,
    overview,
    patterns,
    people,
    runs,
    search,
    settings,
    stream,
    switches,
    tasks,
    tour,
)

PAGES: Sequence[Callable[[Console], list[Route]]] = (
    entry.routes,
    stream.routes,
    overview.routes,
    tour.routes,
    approvals.routes,
    runs.routes,
    tasks.routes,
    comparison.routes,
    agents.routes,
    switches.routes,
    figures.routes,
    log.routes,
    people.routes,
    settings.routes,
    account.routes,
    search.routes,
    patterns.routes,
)
"""Every page; in two that would take the same path, the first does."""
