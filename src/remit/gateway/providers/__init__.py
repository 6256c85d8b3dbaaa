"""Where model answers come from: live over HTTP, from a recording, or simulated; and what they cost."""

from remit.gateway.providers.build import KeylessProvider, MissingKeyError, build_provider
from remit.gateway.providers.live import LiveProvider
from remit.gateway.providers.messages import assistant_message, usage_of
from remit.gateway.providers.model import Completion, Provider, ProviderAwayError, ProviderError, Usage
from remit.gateway.providers.prices import cost_of, price, warm_up, worst_case
from remit.gateway.providers.recorded import RecordedProvider
from remit.gateway.providers.simulated import SimulatedProvider

__all__ = [
    "Completion",
    "KeylessProvider",
    "LiveProvider",
    "MissingKeyError",
    "Provider",
    "ProviderAwayError",
    "ProviderError",
    "RecordedProvider",
    "SimulatedProvider",
    "Usage",
    "assistant_message",
    "build_provider",
    "cost_of",
    "price",
    "usage_of",
    "warm_up",
    "worst_case",
]
