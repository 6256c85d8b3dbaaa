"""A port taken before anything starts, and a server on it that leaves signals to its process."""

import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager

import uvicorn

from remit.core import ConflictError, InputError


class Server(uvicorn.Server):
    """Leaves signals to us, so that the worker drains before the process ends, and says where it listens."""

    def __init__(
        self,
        config: uvicorn.Config,
        on_ready: Callable[[int], None] = lambda _: None,
        on_stop: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._on_stop = on_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready(self.servers[0].sockets[0].getsockname()[1])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stop()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """Takes the port before anything starts; uvicorn would end the process instead of saying why it cannot."""
    if not host:  # which sockets take for every address there is
        raise InputError("There is no host to listen at", hint="Name one with --host; 0.0.0.0 is every address")
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        # Answers go out as headers and a body: without it the second waits 40 ms for the first to be acknowledged.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except OSError as fault:
        why, hint = fault.strerror or str(fault), "Name another with --port, or 0 for a free one"
        raise ConflictError("Cannot listen there", which=f"{host}:{port}", why=why, hint=hint) from fault
