"""/settings: every setting, where its value comes from and what it is for. Nothing is changed here."""

from collections import Counter

from starlette.requests import Request
from starlette.routing import Route

from remit.web.console import Console, Sheet


def routes(console: Console) -> list[Route]:
    """Returns the routes of settings."""

    def listing(request: Request) -> Sheet:
        settings = console.views(console.actor(request)).settings.listing()
        source, search = request.query_params.get("source", ""), request.query_params.get("q", "").strip().lower()
        rows = [row for row in settings if source in ("", _source(row.source))]
        rows = [row for row in rows if search in f"{row.name} {row.value} {row.says}".lower()]
        counts = Counter(_source(row.source) for row in settings)
        return Sheet("settings.html", rows, {"counts": dict(counts), "source": source, "search": search})

    return console.routes("/settings", listing)


def _source(source: str) -> str:
    """Returns a source as one of four: each variable would be its own."""
    return source if source in ("default", "remit.toml", "command line") else "variable"
