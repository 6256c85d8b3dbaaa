"""Identifiers: text, unique without coordination, sortable by time of birth."""

import secrets

from uuid_utils import uuid7


def new_id(kind: str) -> str:
    """Returns `<kind>_<UUIDv7 as 32 hex digits>`; ids of one kind sort by their time (RFC 9562 §5.7)."""
    return f"{kind}_{uuid7().hex}"


def new_secret() -> str:
    """Returns 256 random bits as URL-safe text: the secret of one attempt."""
    return secrets.token_urlsafe(32)


def short_id(identifier: str) -> str:
    """Returns the form people read: the kind and the last eight digits (the first are the time, alike in one second)."""
    kind, _, rest = identifier.partition("_")
    return f"{kind}_{rest[-8:]}" if rest else identifier
