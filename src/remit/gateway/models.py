"""Model routes: which provider answers under which name, and what an answer may cost at worst."""

from collections.abc import Mapping
from typing import Any

from remit.core import NotFoundError, Settings
from remit.gateway.providers import Completion, Provider, cost_of, worst_case
from remit.ledger import Source


class Models:
    """The configured routes and their providers."""

    def __init__(self, settings: Settings, providers: Mapping[str, Provider]) -> None:
        self._settings = settings
        self._providers = dict(providers)

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

    async def complete(self, route: str, request: Mapping[str, Any], *, task: str) -> Completion:
        """Returns the provider's answer, or raises `ProviderError`."""
        return await self._providers[route].complete(request, task=task)

    async def close(self) -> None:
        """Closes every provider."""
        for provider in self._providers.values():
            await provider.close()
