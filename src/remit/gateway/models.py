"""Model routes: which provider answers under which name, and what an answer may cost at worst."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from remit.core import BusyError, NotFoundError, Settings
from remit.gateway.calls import Before, OvertakenError
from remit.gateway.providers import Completion, Provider, ProviderAwayError, cost_of, worst_case
from remit.gateway.upstreams import Place, Upstream, Upstreams
from remit.ledger import Source

# They only let connections go.
CLOSE_SECONDS = 5.0


class Models:
    """The configured routes and their providers."""

    def __init__(
        self, settings: Settings, providers: Mapping[str, Provider], *, upstreams: Upstreams | None = None
    ) -> None:
        self._settings = settings
        self._providers = dict(providers)
        known, routes = upstreams or Upstreams(), settings.models
        self._upstreams = {
            name: known.get(f"model:{name}", places=routes[name].concurrency) for name in self._providers
        }

    def names(self) -> list[str]:
        """Returns every route."""
        return sorted(self._providers)

    def choose(self, wanted: str) -> str:
        """Returns the route `wanted`, or the first configured one when nothing is wanted."""
        if wanted and wanted in self._providers:
            return wanted
        if not wanted and self._providers:
            return next(iter(self._providers))
        raise NotFoundError(
            "No such model route",
            which=wanted,
            why=f"remit.toml has: {', '.join(self.names()) or 'none'}",
            hint="Add [models.NAME] to remit.toml",
        )

    def worst_case(self, route: str, request: Mapping[str, Any]) -> int | None:
        """Returns the most an answer can cost in micro-units; None when no price is known.

        A request that cannot be said to the route's provider, or whose cost has no bound, is an `InputError`.
        """
        return worst_case(self._settings.models[route], request, self._settings)

    def cost(self, route: str, completion: Completion) -> int | None:
        """Returns what an answer did cost in micro-units; None when no price is known."""
        return cost_of(self._settings.models[route], completion, self._settings)

    def source(self, route: str) -> Source:
        """Returns what answers on a route, also when no answer comes: a live model, a recording or a simulation."""
        kind = self._settings.models[route].kind
        return kind if kind in ("recorded", "simulated") else "live"

    def upstream(self, route: str) -> Upstream:
        """Returns the upstream a route leads to."""
        return self._upstreams[route]

    async def complete(
        self,
        route: str,
        request: Mapping[str, Any],
        *,
        task: str,
        place: Place | None = None,
        before: Before | None = None,
    ) -> Completion:
        """Returns the provider's answer, or raises `ProviderError`; `UpstreamBusyError` when it was not asked.

        Without a `place` held by the caller, it takes one of its own. `before` is awaited right before each time that the
        provider is asked; what it raises is raised.
        """
        if place is not None:
            return await self._complete(route, request, task, place, before)
        async with self._upstreams[route].place() as own:
            return await self._complete(route, request, task, own, before)

    async def _complete(
        self, route: str, request: Mapping[str, Any], task: str, place: Place, before: Before | None
    ) -> Completion:
        if before is not None:
            await before()
        place.begin()
        try:
            completion = await self._providers[route].complete(request, task=task, before_retry=before)
        except (OvertakenError, BusyError):  # that says nothing of the provider
            raise
        except ProviderAwayError as fault:
            place.failed(fault.text())
            raise
        except Exception:
            place.answered()
            raise
        place.answered()
        return completion

    async def close(self) -> None:
        """Closes every provider; one that does not close in time is left as it is."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await asyncio.gather(*(each.close() for each in self._providers.values()), return_exceptions=True)
