"""Words and values everybody uses: ids, clock, money, bytes, errors, settings."""

from remit.core.canonical import JsonValue, canonical_bytes, digest, digest_of
from remit.core.clock import DAY, HOUR, MINUTE, SECOND, Clock, SystemClock, day_of, iso
from remit.core.errors import (
    BusyError,
    ConflictError,
    InputError,
    IntegrityError,
    NotFoundError,
    RefusedError,
    RemitError,
)
from remit.core.ids import new_id, new_secret, short_id
from remit.core.inputs import DEEPEST, check_depth, parse_json
from remit.core.money import MICRO, Money, format_micros
from remit.core.settings import Http, Limits, ModelRoute, Settings, Webhook, load_settings

__all__ = [
    "DAY",
    "DEEPEST",
    "HOUR",
    "MICRO",
    "MINUTE",
    "SECOND",
    "BusyError",
    "Clock",
    "ConflictError",
    "Http",
    "InputError",
    "IntegrityError",
    "JsonValue",
    "Limits",
    "ModelRoute",
    "Money",
    "NotFoundError",
    "RefusedError",
    "RemitError",
    "Settings",
    "SystemClock",
    "Webhook",
    "canonical_bytes",
    "check_depth",
    "day_of",
    "digest",
    "digest_of",
    "format_micros",
    "iso",
    "load_settings",
    "new_id",
    "new_secret",
    "parse_json",
    "short_id",
]
