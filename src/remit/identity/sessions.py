"""Sessions: from logging in until logging out, idleness or the end of the day."""

from remit.core import HOUR, MINUTE, Clock, new_id
from remit.identity.identity import hash_secret, issue_secret
from remit.identity.model import Session
from remit.store import Database, Statement, Value, load_queries

_Q = load_queries("remit.identity")
# Longer than a meeting, shorter than an evening on a desk somebody left.
IDLE = 2 * HOUR
# A page that refreshes itself every second writes no more often than this.
TOUCH = MINUTE


class Sessions:
    """Reads sessions; its changes are statements for somebody's commit."""

    def __init__(self, database: Database, clock: Clock, *, hours: float) -> None:
        self._database = database
        self._clock = clock
        self._lasts = int(hours * HOUR)

    def begin(self, person: str, credential: bytes) -> tuple[Session, list[Statement]]:
        """Returns a new session and the statements that keep it and drop those that are over."""
        now, (secret, kept) = self._clock.now(), issue_secret()
        session = Session(
            id=new_id("ses"),
            person=person,
            secret=secret,
            credential=credential,
            created_at=now,
            seen_at=now,
            expires_at=now + self._lasts,
        )
        row: dict[str, Value] = {
            "id": session.id,
            "secret": kept,
            "person": person,
            "credential": credential,
            "now": now,
            "expires_at": session.expires_at,
        }
        return session, [
            Statement(_Q["forget_sessions"], self._times(), want=None),
            Statement(_Q["begin_session"], row),
        ]

    def find(self, secret: str) -> Session | None:
        """Returns the session a cookie belongs to, while it lasts."""
        row = self._database.read_one(_Q["session"], {"secret": hash_secret(secret), **self._times()})
        if row is None:
            return None
        # By our own names: a newer Remit's tables have more columns.
        return Session(secret=secret, **{name: row[name] for name in Session.__slots__ if name != "secret"})

    def count(self, person: str) -> int:
        """Returns how many sessions a person has now."""
        row = self._database.read_one(_Q["sessions_of"], {"person": person, **self._times()})
        return row["count"] if row else 0

    def touch(self, session: Session) -> Statement | None:
        """Returns the statement that keeps a session from idling out, or None when it was seen just now."""
        now = self._clock.now()
        if now - session.seen_at < TOUCH:
            return None
        return Statement(_Q["touch_session"], {"id": session.id, "now": now}, want=None)

    def end(self, session: str) -> Statement:
        """Ends one session, once."""
        return Statement(_Q["end_session"], {"id": session}, refusal="the session is over already")

    def end_all(self, person: str) -> Statement:
        """Ends every session of a person and returns their ids."""
        return Statement(_Q["end_sessions"], {"person": person}, want=None)

    def _times(self) -> dict[str, Value]:
        now = self._clock.now()
        return {"now": now, "idle_since": now - IDLE}
