"""Signatures of webhooks as the public Standard Webhooks specification has them: HMAC-SHA256 of `id.timestamp.body`.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from remit.core import InputError, Webhook

SECRET_PREFIX = "whsec_"  # noqa: S105  what marks a secret, not one
# The specification's least; shorter ones can be guessed.
SHORTEST_KEY = 24
# While secrets rotate there are two; a list of hundreds would only cost time.
MOST_SIGNATURES = 8
# No character in which one signed text could be read as another's id, timestamp and body.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+/=-]{0,255}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Source:
    """A configured source of events and the keys it may sign with."""

    name: str
    terms: Webhook
    keys: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """What was sent: the three headers, and the body as it came."""

    id: str
    timestamp: str
    signatures: str
    body: bytes

    @property
    def is_readable(self) -> bool:
        """Whether id and timestamp are what they must be."""
        return bool(_ID.fullmatch(self.id) and _TIMESTAMP.fullmatch(self.timestamp))

    def is_recent(self, now: int, tolerance: int) -> bool:
        """Whether it was sent within `tolerance` seconds of `now`, before or after."""
        return abs(int(self.timestamp) - now) <= tolerance

    def is_signed(self, keys: Sequence[bytes]) -> bool:
        """Whether one of its `v1` signatures was made with one of `keys`; every pair is compared, in constant time."""
        given = self.signatures.encode().split()[:MOST_SIGNATURES]
        expected = [sign(key, self.id, self.timestamp, self.body).encode() for key in keys]
        return any([hmac.compare_digest(one, other) for one in given for other in expected])


def sign(key: bytes, identifier: str, timestamp: str, body: bytes) -> str:
    """Returns `v1,<base64>` for a message."""
    content = f"{identifier}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode()


def load_sources(webhooks: Mapping[str, Webhook], environment: Mapping[str, str]) -> dict[str, Source]:
    """Returns the configured sources with their keys; a missing or unusable secret is an `InputError`."""
    return {name: Source(name, terms, _keys(name, terms.secret, environment)) for name, terms in webhooks.items()}


def _keys(name: str, variable: str, environment: Mapping[str, str]) -> tuple[bytes, ...]:
    secrets = environment.get(variable, "").split()
    if not 1 <= len(secrets) <= 2:
        why = f"{variable} is not set" if not secrets else f"{variable} holds more than two secrets"
        raise InputError(f"Webhook {name!r} has no secret", why=why, hint="Set one, or two with a space between them")
    return tuple(_key(name, variable, secret) for secret in secrets)


def _key(name: str, variable: str, secret: str) -> bytes:
    """Returns the bytes of a secret: base64 behind `whsec_`, else the text itself."""
    try:
        encoded = secret.removeprefix(SECRET_PREFIX)
        key = base64.b64decode(encoded, validate=True) if encoded != secret else secret.encode()
    except (binascii.Error, ValueError) as error:
        why = f"what follows {SECRET_PREFIX} in {variable} is not base64"
        raise InputError(f"Webhook {name!r} has no usable secret", why=why) from error
    if len(key) < SHORTEST_KEY:
        why = f"{variable} holds fewer than {SHORTEST_KEY} bytes"
        raise InputError(f"Webhook {name!r} has no usable secret", why=why, hint="Draw one at random")
    return key
