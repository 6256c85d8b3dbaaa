"""The console put together: its pages, who may come in, and what every answer carries."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from remit.audit import Log
from remit.core import Clock, RemitError, Settings
from remit.operations import Access, Actor, Practice, Verbs, Views
from remit.store import ChangeFeed
from remit.web.assets import Assets
from remit.web.console import Console
from remit.web.errors import Faults, fault_of
from remit.web.live import LOOK_SECONDS, Live
from remit.web.pages import PAGES
from remit.web.security import Shield
from remit.web.session import Entrance
from remit.web.templating import build_environment

# Threads that read views and make pages; each keeps a connection.
READERS = 4


class ConsoleApp:
    """The console as an ASGI application; `end` lets go of everybody who listens to it."""

    def __init__(self, console: Console, assets: Assets) -> None:
        self._console = console
        self.routes = [route for page in PAGES for route in page(console)]
        inner = Starlette(
            routes=[assets.route(), *self.routes],
            # Faults inside: Starlette would answer them itself, in its own words.
            middleware=[Middleware(Faults), Middleware(Entrance, access=console.access, http=console.settings.http)],
            exception_handlers={RemitError: self._told, HTTPException: self._told},
        )
        inner.router.redirect_slashes = False
        self._app = Shield(inner, console.settings.http)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        await self._app(scope, receive, send)

    def end(self) -> None:
        """Ends every stream at once."""
        self._console.live.end()

    async def _told(self, request: Request, error: Exception) -> Response:
        """Tells what is expected to go wrong: who may not, what is not there, what does not fit."""
        console = self._console
        if isinstance(error, HTTPException):
            return await console.beside(
                lambda: console.error(request, fault_of(error, request), status=error.status_code)
            )
        if not isinstance(error, RemitError):
            raise error
        return await console.beside(console.error, request, error)


def build_console(  # noqa: PLR0913  each is a part of the cell, and named
    *,
    views: Callable[[Actor], Views],
    verbs: Callable[[Actor], Verbs],
    access: Access,
    settings: Settings,
    log: Log,
    changes: ChangeFeed,
    clock: Clock,
    practice: Practice | None = None,
) -> ConsoleApp:
    """Returns the console: it sees and does only what `views` and `verbs` let somebody see and do.

    `practice` is what people may break on purpose there, in a demo.
    """
    assets = Assets()
    live = Live(
        size=log.size,
        happened=log.happened,
        position=changes.position,
        wait=partial(changes.wait, seconds=LOOK_SECONDS),
    )
    console = Console(
        views=views,
        verbs=verbs,
        access=access,
        settings=settings,
        clock=clock,
        templates=build_environment(assets, clock.now),
        live=live,
        log_size=log.size,
        readers=ThreadPoolExecutor(READERS, thread_name_prefix="console"),
        practice=practice,
    )
    return ConsoleApp(console, assets)
