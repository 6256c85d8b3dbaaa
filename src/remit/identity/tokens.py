"""API tokens: `rmt_ID_SECRET`, so that one that leaks is recognised and can be named without being told."""

import json
import re
import secrets
import string
from collections.abc import Iterable

from remit.core import DAY, MINUTE, Clock, NotFoundError
from remit.identity.identity import hash_secret, secret_matches
from remit.identity.model import Token
from remit.store import Database, Row, Statement, Value, load_queries

_Q = load_queries("remit.identity")
ID_LENGTH = 12
# 43 letters and digits are 256 random bits; without hyphens, a double click takes all of it.
SECRET_LENGTH = 43
TOKEN = re.compile(rf"rmt_(?P<id>[a-z0-9]{{{ID_LENGTH}}})_[A-Za-z0-9]{{{SECRET_LENGTH}}}", re.ASCII)
# A program that calls a hundred times a second writes no more often than this.
TOUCH = MINUTE


class Tokens:
    """Reads tokens; its changes are statements for somebody's commit."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create(
        self, *, name: str, owner: str, program: str, permissions: Iterable[str], days: int
    ) -> tuple[Token, str, Statement]:
        """Returns a new token, its text, which is shown once, and the statement that keeps its hash."""
        now, identifier = self._clock.now(), _drawn(string.ascii_lowercase + string.digits, ID_LENGTH)
        text = f"rmt_{identifier}_{_drawn(string.ascii_letters + string.digits, SECRET_LENGTH)}"
        token = Token(
            id=identifier,
            name=name,
            owner=owner,
            program=program,
            permissions=tuple(sorted(permissions)),
            created_at=now,
            expires_at=now + days * DAY,
        )
        row: dict[str, Value] = {
            "id": identifier,
            "secret": hash_secret(text),
            "name": name,
            "owner": owner,
            "program": program,
            "permissions": json.dumps(token.permissions),
            "now": now,
            "expires_at": token.expires_at,
        }
        return token, text, Statement(_Q["create_token"], row)

    def find(self, text: str) -> Token | None:
        """Returns the token with this text, while it is live."""
        form = TOKEN.fullmatch(text)
        row = self._database.read_one(_Q["token"], {"id": form["id"]}) if form else None
        if row is None or not secret_matches(text, row["secret"]):
            return None
        token = _token(row)
        return token if token.state(self._clock.now()) == "live" else None

    def get(self, identifier: str) -> Token:
        """Returns the token with this id, whatever became of it, or raises `NotFoundError`."""
        row = self._database.read_one(_Q["token"], {"id": identifier})
        if row is None:
            raise NotFoundError("No such token", which=identifier[:ID_LENGTH], hint="`remit tokens` lists them")
        return _token(row)

    def listing(self, owner: str = "") -> list[Token]:
        """Returns the tokens of `owner`, or everybody's, the newest first."""
        return [_token(row) for row in self._database.read(_Q["tokens"], {"owner": owner})]

    def revoke(self, token: str, *, by: str) -> Statement:
        """Ends a token for good, once."""
        parameters = {"id": token, "by": by, "now": self._clock.now()}
        return Statement(_Q["revoke_token"], parameters, refusal="it is revoked already")

    def touch(self, token: Token) -> Statement | None:
        """Returns the statement that notes a token's use, or None when it was noted just now."""
        now = self._clock.now()
        if token.used_at is not None and now - token.used_at < TOUCH:
            return None
        return Statement(_Q["touch_token"], {"id": token.id, "now": now}, want=None)


def _drawn(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))


def _token(row: Row) -> Token:
    names = [name for name in Token.__slots__ if name != "permissions"]
    return Token(permissions=tuple(json.loads(row["permissions"])), **{name: row[name] for name in names})
