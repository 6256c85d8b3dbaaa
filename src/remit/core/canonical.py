"""Canonical bytes and digests: what is judged, approved, sent and logged is always exactly these bytes."""

import hashlib
import json
from typing import Any

JsonValue = Any

# Built once: `json.dumps` with arguments builds an encoder at every call.
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def canonical_bytes(value: JsonValue) -> bytes:
    """Returns compact JSON, keys sorted by code point, UTF-8, numbers in shortest form; NaN is a ValueError."""
    return _encode(value).encode()


def digest(content: bytes) -> str:
    """Returns `sha256:` and 64 hex digits."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def digest_of(value: JsonValue) -> str:
    """Returns the digest of the canonical bytes of `value`."""
    return digest(canonical_bytes(value))
