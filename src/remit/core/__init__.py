"""Words and values everybody uses: ids, clock, money, bytes, errors, settings."""

from remit.core.canonical import JsonValue, canonical_bytes, digest, digest_of
from remit.core.clock import DAY, HOUR, MINUTE, SECOND, Clock, SystemClock, day_of, iso
from remit.core.errors import (
    BusyError,
    ConflictError,
    CrowdedError,
    InputError,
    IntegrityError,
    NotFoundError,
    OwnCrowdError,
    RefusedError,
    RemitError,
)
from remit.core.ids import new_id, new_secret, short_id
from remit.core.inputs import DEEPEST, check_depth, parse_json
from remit.core.memory import remember
from remit.core.money import MICRO, Money, format_micros
from remit.core.settings import (
    URL_FILE,
    Connections,
    Http,
    Limits,
    ModelRoute,
    Retention,
    Settings,
    Webhook,
    load_settings,
)

__all__ = [
    "DAY",
    "DEEPEST",
    "HOUR",
    "MICRO",
    "MINUTE",
    "SECOND",
    "URL_FILE",
    "BusyError",
    "Clock",
    "ConflictError",
    "Connections",
    "CrowdedError",
    "Http",
    "InputError",
    "IntegrityError",
    "JsonValue",
    "Limits",
    "ModelRoute",
    "Money",
    "NotFoundError",
    "OwnCrowdError",
    "RefusedError",
    "RemitError",
    "Retention",
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
    "remember",
    "short_id",
]
