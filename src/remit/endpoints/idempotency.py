"""Doing once what is asked twice: the IETF draft "The Idempotency-Key HTTP Header Field".

A key is claimed before anything is done and keeps the answer for a day. An answer that says no is not kept, because
nothing was done; where nobody knows whether it was done, the key stays claimed.

Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from remit.core import DAY, SECOND, Clock, ConflictError, InputError, new_id
from remit.store import Commit, Committed, Database, Row, Statement, Value, Writer, load_queries

_Q = load_queries("remit.endpoints")
HEADER, REPLAYED = "idempotency-key", "idempotent-replayed"
# As long as a client that was switched off over night may come back.
KEPT = DAY
# An answer takes at most half as long; who has not given one by then is gone.
UNDER_WAY = 60 * SECOND
# A text in the sense of RFC 9651 §3.3.3, or one without its quotes, as most clients send it.
_KEY = re.compile(r'"([\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x5b\x5d-\x7e]{1,255})')


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that is to be done once."""

    actor: str
    key: str
    fingerprint: bytes
    repeatable: bool
    """Whether doing it again does no more than doing it once."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do it."""

    asked: Asked
    id: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What was answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def read_key(values: Sequence[str]) -> str:
    """Returns the key in a request's headers, nothing without one; what is none is an `InputError`."""
    if not values:
        return ""
    form = _KEY.fullmatch(values[0].strip()) if len(values) == 1 else None
    if form is None:
        raise InputError(
            "Not an Idempotency-Key",
            which=values[0][:40],
            why="it is one text of 1 to 255 printable characters",
            hint="Draw a UUID for each thing to be done",
        )
    return form[1] or form[2]


def fingerprint(method: str, path: str, body: bytes) -> bytes:
    """Returns what tells one request from another."""
    return hashlib.sha256(f"{method} {path}\n".encode() + body).digest()


class Idempotency:
    """Keeps which keys were used, and what was answered."""

    def __init__(self, *, database: Database, writer: Writer, clock: Clock) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock

    async def claim(self, asked: Asked) -> Claim | KeptAnswer:
        """Returns the right to do it, or what was answered when it was done.

        Raises `InputError` when the key was used for another request, `ConflictError` while the same one is under way
        or when nobody knows what became of it.
        """
        claim, now = Claim(asked, new_id("claim")), self._clock.now()
        row = {**_names(claim), "fingerprint": asked.fingerprint, "now": now, "expires_at": now + KEPT}
        forget = Statement(_Q["forget_keys"], {"now": now}, want=None)
        if isinstance(await self._writer.commit(Commit([forget, Statement(_Q["claim_key"], row)])), Committed):
            return claim
        known = self._database.read_one(_Q["key"], {"actor": asked.actor, "key": asked.key})
        if known is None:  # the one before was given back just now
            return await self.claim(asked)
        return await self._known(claim, known, now)

    async def _known(self, claim: Claim, known: Row, now: int) -> Claim | KeptAnswer:
        asked = claim.asked
        if known["fingerprint"] != asked.fingerprint:
            raise InputError(
                "This Idempotency-Key was used for another request", which=asked.key, hint="Draw a new one for each"
            )
        if known["status"] is not None:
            return KeptAnswer(known["status"], json.loads(known["headers"]), known["body"])
        if now - known["claimed_at"] < UNDER_WAY:
            raise ConflictError("The same request is under way", which=asked.key, hint="Send it again in a moment")
        if not asked.repeatable:
            raise ConflictError(
                "Nobody knows whether this was done",
                which=asked.key,
                why="the process ended before it could answer",
                hint="Look first; if it was not, ask again under another key",
            )
        taken = Statement(_Q["take_key_over"], {**_names(claim), "before": known["claim"], "now": now})
        if isinstance(await self._writer.commit(Commit([taken])), Committed):
            return claim
        raise ConflictError("The same request is under way", which=asked.key, hint="Send it again in a moment")

    async def keep(self, claim: Claim, answer: KeptAnswer) -> None:
        """Keeps an answer; one that comes after somebody else took the key over is not kept."""
        row: dict[str, Value] = {"status": answer.status, "headers": json.dumps(answer.headers), "body": answer.body}
        await self._writer.commit(Commit([Statement(_Q["keep_answer"], {**_names(claim), **row}, want=None)]))

    async def give_back(self, claim: Claim) -> None:
        """Frees the key: nothing was done."""
        await self._writer.commit(Commit([Statement(_Q["give_key_back"], _names(claim), want=None)]))


def _names(claim: Claim) -> dict[str, Value]:
    return {"actor": claim.asked.actor, "key": claim.asked.key, "claim": claim.id}
