"""The shop's server as a process of its own, for tests that speak to it or work through it."""

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import httpx2

COMMAND = (sys.executable, "-m", "remit_fleets.retail.server")
CANCEL = {"order_id": "#W1001", "reason": "no longer needed"}


@contextmanager
def listening(*options: str) -> Generator[str]:
    """Starts the server on a free port and returns its address."""
    with subprocess.Popen([*COMMAND, "--http", "0", *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()


async def state(url: str, task: str) -> list[dict[str, Any]]:
    """Returns the documents of a task that differ from the start."""
    async with httpx2.AsyncClient() as http:
        answer = await http.get(url.replace("/mcp", f"/state/{task}"))
    return answer.json()["rows"]
