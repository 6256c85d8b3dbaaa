"""Lock-outs: so many failures within so many minutes lock a person, or the address they come from, for as long."""

import ipaddress

from remit.core import MINUTE, Clock
from remit.store import Database, Statement, load_queries

_Q = load_queries("remit.identity")
# Whoever has one IPv6 address has as a rule the rest of its network too.
IPV6_PREFIX = 64
LONGEST_CLIENT = 64


class Lockouts:
    """Counts failures; its changes are statements for somebody's commit.

    A try while locked counts for nothing: it does not prolong the lock.
    """

    def __init__(self, database: Database, clock: Clock, *, tries: int, minutes: float) -> None:
        self._database = database
        self._clock = clock
        self._tries = tries
        self._window = int(minutes * MINUTE)

    def is_locked(self, subject: str) -> bool:
        """Whether the latest failures of `subject` came so close together that it is locked, and still is."""
        rows = self._database.read(_Q["latest_failures"], {"subject": subject, "tries": self._tries})
        if len(rows) < self._tries:
            return False
        last, first = rows[0]["at"], rows[-1]["at"]
        return last - first < self._window and self._clock.now() - last < self._window

    def fail(self, attempt: str, *subjects: str) -> list[Statement]:
        """Counts an attempt as a failure of each subject, and drops what counts no more."""
        now = self._clock.now()
        counted = [Statement(_Q["fail"], {"subject": each, "now": now, "attempt": attempt}) for each in subjects]
        # A failure may be one window older than the last one, which locks for another.
        return [Statement(_Q["forget_failures"], {"before": now - 2 * self._window}, want=None), *counted]

    def forgive(self, attempt: str, subject: str) -> Statement:
        """Takes back an attempt that succeeded, and all failures of `subject`."""
        return Statement(_Q["forgive"], {"attempt": attempt, "subject": subject}, want=None)


def person_subject(person: str) -> str:
    """Returns what a person's failures are counted under."""
    return f"person:{person}"


def client_subject(client: str) -> str:
    """Returns what an address's failures are counted under; one of IPv6 counts as its network."""
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return f"client:{client[:LONGEST_CLIENT]}"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return f"client:{address.ipv4_mapped}"
        return f"client:{ipaddress.ip_network((address, IPV6_PREFIX), strict=False)}"
    return f"client:{address}"
