"""Who acts: an attempt of an agent's run with its secret, a person, or a program; and what lets them in."""

import hashlib
import hmac
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """What a caller shows: the run it works on, the attempt it is, and that attempt's secret."""

    run: str
    attempt: int
    secret: str

    def __repr__(self) -> str:
        return f"Credentials(run={self.run!r}, attempt={self.attempt})"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, once established."""

    agent: str
    version: str
    run: str
    attempt: int
    on_behalf_of: str
    chain: tuple[str, ...]
    """Persons and agents that handed the work on, the first is the person it is done for."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Session:
    """One person's time in the console, from logging in to logging out."""

    id: str
    person: str
    secret: str
    """What the cookie holds."""
    credential: bytes
    """The SHA-256 of the person's password hash when it began."""
    created_at: int
    seen_at: int
    """The latest request, to the minute."""
    expires_at: int

    @property
    def csrf(self) -> str:
        """What each form that changes something must send along; no other site can know it."""
        return hmac.digest(self.secret.encode(), b"remit csrf", hashlib.sha256).hex()

    def csrf_matches(self, given: str) -> bool:
        """Compares in constant time."""
        return hmac.compare_digest(self.csrf.encode(), given.encode("utf-8", "surrogatepass"))

    def __repr__(self) -> str:
        return f"Session(id={self.id!r}, person={self.person!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginLink:
    """A link that opens a session once."""

    person: str
    by: str
    """Who had it issued."""
    issued_at: int
    expires_at: int
    used_at: int | None

    def state(self, now: int) -> str:
        """Returns `open`, `used` or `expired`."""
        return "used" if self.used_at is not None else "open" if now < self.expires_at else "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a program shows to the API, on behalf of a person or as a program with a name; its secret is not kept."""

    id: str
    name: str
    owner: str
    """The person whose permissions bound it."""
    program: str
    """Empty for a person's own token."""
    permissions: tuple[str, ...]
    """What it was made for; it never has more than its owner has at the time."""
    created_at: int
    expires_at: int
    used_at: int | None = None
    """The latest request, to the minute."""
    revoked_at: int | None = None
    revoked_by: str = ""

    @property
    def actor(self) -> str:
        """As whom it acts: the owner, or `program:NAME`."""
        return f"program:{self.program}" if self.program else self.owner

    def state(self, now: int) -> str:
        """Returns `live`, `revoked` or `expired`."""
        return "revoked" if self.revoked_at is not None else "live" if now < self.expires_at else "expired"
