"""A cell at work in one process: its worker and its HTTP endpoints, until it is told to stop."""

import asyncio
import os
import re
import signal
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from remit.app.cell import Cell
from remit.app.health import health_routes, probe_of
from remit.app.listening import Server, listen
from remit.core import Http, InputError
from remit.endpoints import Crowd, Idempotency, WebhookEndpoint, load_sources
from remit.guardrails import load_function
from remit.operations import Practice, Probe
from remit.runtime import EndProcess

# Loaded where they are served: importing FastAPI and Jinja would slow down every command.
_REST, REST_PATH = "remit.endpoints.rest:build_rest", "/api/v1"
_CONSOLE = "remit.web:build_console"
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
"""On either a process of Remit stops taking up work, and drains."""
# Seconds that requests under way may take once it stops.
LAST_REQUESTS = 5
# Of one request; those of webhooks have a few hundred.
MOST_HEADER_BYTES = 65_536


class _Whole(Mount):
    """Takes every path below its own, also one with a line break in it: what is wrong there is told by who is there."""

    def __init__(self, path: str, app: ASGIApp) -> None:
        super().__init__(path, app)
        self.path_regex = re.compile(self.path_regex.pattern, re.DOTALL)


def http_app(cell: Cell, *, practice: Practice | None = None, probe: Probe | None = None) -> Starlette:
    """Returns the cell's HTTP endpoints; a webhook secret that is missing is an `InputError` here, not at the first event.

    With `practice`, the console's tour may cause failures; `probe` says whether work may come.
    """

    endpoint = WebhookEndpoint(
        sources=load_sources(cell.settings.webhooks, os.environ),
        receive=cell.triggers.receive,
        dispatch=cell.engine.dispatch,
        clock=cell.parts.clock,
        largest=cell.settings.limits.event_bytes,
    )
    rest = load_function(_REST)(
        views=cell.views,
        verbs=cell.verbs,
        access=cell.access,
        settled=cell.operations.settled,
        idempotency=Idempotency(database=cell.database, writer=cell.parts.writer, clock=cell.parts.clock),
        clock=cell.parts.clock,
        largest=cell.settings.limits.result_bytes,
    )
    console = load_function(_CONSOLE)(
        views=cell.views,
        verbs=cell.verbs,
        access=cell.access,
        settings=cell.settings,
        log=cell.log,
        changes=cell.changes,
        clock=cell.parts.clock,
        practice=practice,
    )
    healths = health_routes(cell, probe or probe_of(cell))
    routes = [*healths, endpoint.route(), _Whole(REST_PATH, rest), Mount("/", console)]
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    app.add_middleware(Crowd, most=cell.settings.http.requests)
    app.state.end_streams = console.end
    return app


async def serve(
    cell: Cell,
    *,
    on_ready: Callable[[int], None],
    host: str | None = None,
    port: int | None = None,
    works: bool = True,
    practice: Practice | None = None,
    last_resort: EndProcess | None = None,
) -> None:
    """Works until SIGTERM or SIGINT, then drains; `on_ready` hears the port it listens on (0 asks for a free one).

    Where it listens, `[http]` in remit.toml says, unless `host` or `port` do. One that only serves (`works=False`) leaves
    the fleet's work to other processes. With `practice`, the console's tour may cause failures. `last_resort`: `Cell.worker`.

    A second signal ends it at once: what is under way is found by the next start. A port that is taken is a
    `ConflictError`.
    """
    http, probe = cell.settings.http, probe_of(cell)
    app = http_app(cell, practice=practice, probe=probe)
    tls = _tls(cell.folder, http)
    listening = listen(http.host if host is None else host, http.port if port is None else port)
    server, loop = Server(_config(app, http, tls), on_ready, app.state.end_streams), asyncio.get_running_loop()
    worker = cell.worker(last_resort=last_resort) if works else None
    tasks = [asyncio.create_task(server.serve(sockets=[listening]), name="http")]
    if worker is not None:
        tasks.append(asyncio.create_task(worker.work(), name="worker"))

    def end() -> None:
        server.should_exit = True

    def stop() -> None:
        for each in STOP_SIGNALS:
            loop.remove_signal_handler(each)
        probe.stop()
        loop.call_later(http.leave_seconds, end)

    for each in STOP_SIGNALS:
        loop.add_signal_handler(each, stop)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        server.should_exit = True
        if worker is not None:
            worker.stop()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        listening.close()
    for result in results:
        if isinstance(result, BaseException):
            raise result


def _config(app: ASGIApp, http: Http, tls: Mapping[str, Any]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        # The faster parser takes headers without end.
        http="h11",
        h11_max_incomplete_event_size=MOST_HEADER_BYTES,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(http.trusted_proxies),
        forwarded_allow_ips=list(http.trusted_proxies),
        **tls,
        timeout_graceful_shutdown=LAST_REQUESTS,
    )


def _tls(folder: Path, http: Http) -> dict[str, Any]:
    """Returns what uvicorn takes for TLS; files it could not use are an `InputError` before anything starts."""
    if not http.tls_cert:
        return {}
    files = {"ssl_certfile": folder / http.tls_cert, "ssl_keyfile": folder / http.tls_key}
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(files["ssl_certfile"], files["ssl_keyfile"])
    except OSError as fault:
        which, why = f"{http.tls_cert}, {http.tls_key}", fault.strerror or str(fault)
        hint = "http.tls_cert and http.tls_key name a certificate chain and its private key, in PEM"
        raise InputError("Cannot serve with TLS", which=which, why=why, hint=hint) from fault
    return files
