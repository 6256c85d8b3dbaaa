"""A cell that listens: only where it was told to, and to nobody without end."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx2
import pytest
from tests.gateway.desk import REFUNDS

from remit.app import Cell, serve
from remit.app.serve import MOST_HEADER_BYTES, http_app
from remit.core import InputError
from remit.testing import open_fleet

HOST = "127.0.0.1"


@asynccontextmanager
async def serving(cell: Cell) -> AsyncGenerator[int]:
    """Serves `cell` and tells the port."""
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(cell, host=HOST, port=0, on_ready=ready.set_result))
    try:
        yield await ready
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_no_host_is_not_every_host(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        with pytest.raises(InputError, match="no host to listen at"):
            await serve(cell, host="", port=0, on_ready=lambda _: None)


async def test_headers_without_end_are_not_read_to_their_end(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell, serving(cell) as port, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: here\r\nx: " + b"y" * (2 * MOST_HEADER_BYTES))
        assert (await reader.readline()).startswith(b"HTTP/1.1 400 ")
        writer.close()
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: here\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        writer.close()


def test_no_command_waits_for_what_only_serving_needs() -> None:
    asked = (
        "import sys, remit.cli; print(*{'fastapi', 'jinja2', 'remit.endpoints.rest', 'remit.web'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


async def test_no_path_below_the_api_is_answered_by_anybody_else(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        transport = httpx2.ASGITransport(app=http_app(cell))
        async with httpx2.AsyncClient(transport=transport, base_url="http://remit.example") as client:
            for path in (
                "/api/v1/",
                "/api/v1/nothing",
                "/api/v1/runs/%0A",
                "/api/v1/%0A/runs",
                "/api/v1/runs/a%0D%0Ab",
            ):
                answer = await client.get(path)
                assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
