"""`/healthz` and `/readyz`: whether this process lives, and whether it can be given work."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from remit.app.cell import Cell
from remit.app.listening import Server, listen
from remit.operations import Probe

_NOBODY_KEEPS = {"cache-control": "no-store"}


def probe_of(cell: Cell) -> Probe:
    """Returns what looks whether the cell can work in this process."""
    return Probe(database=cell.database, writer=cell.parts.writer, lag=cell.log.lag, clock=cell.parts.clock)


def health_routes(cell: Cell, probe: Probe) -> list[Route]:
    """Returns the routes of both. That the process lives is answered without a look at anything else."""

    async def healthz(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "cell": cell.settings.name}, headers=_NOBODY_KEEPS)

    async def readyz(_: Request) -> JSONResponse:
        found = await probe.look()
        told = {"cell": cell.settings.name, **found.as_json()}
        return JSONResponse(told, status_code=200 if found.ready else 503, headers=_NOBODY_KEEPS)

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


@asynccontextmanager
async def serving_health(cell: Cell, probe: Probe, *, host: str, port: int) -> AsyncGenerator[int]:
    """Serves both and nothing else, for a process that serves nothing besides; yields the port it listens on."""
    listening = listen(host, port)
    config = uvicorn.Config(
        Starlette(routes=health_routes(cell, probe)), http="h11", log_config=None, access_log=False, server_header=False
    )
    server = Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]), name="health")
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await task
        listening.close()
