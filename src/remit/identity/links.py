"""Login links: each opens one session, once, and soon."""

from remit.core import DAY, MINUTE, Clock
from remit.identity.identity import hash_secret, issue_secret
from remit.identity.model import LoginLink
from remit.store import Database, Statement, load_queries

_Q = load_queries("remit.identity")
# So that a link followed too late is still told apart from one that never was; the log knows for ever.
REMEMBERED = 7 * DAY


class Links:
    """Reads login links; its changes are statements for somebody's commit."""

    def __init__(self, database: Database, clock: Clock, *, minutes: float) -> None:
        self._database = database
        self._clock = clock
        self._lasts = int(minutes * MINUTE)

    def issue(self, person: str, *, by: str) -> tuple[str, int, list[Statement]]:
        """Returns a new link's secret, when it expires, and the statements that keep its hash."""
        now, (secret, kept) = self._clock.now(), issue_secret()
        expires_at = now + self._lasts
        row = {"secret": kept, "person": person, "by": by, "now": now, "expires_at": expires_at}
        old = Statement(_Q["forget_links"], {"before": now - REMEMBERED}, want=None)
        return secret, expires_at, [old, Statement(_Q["issue_link"], row)]

    def find(self, secret: str) -> LoginLink | None:
        """Returns the link with this secret, whatever became of it."""
        row = self._database.read_one(_Q["link"], {"secret": hash_secret(secret)})
        if row is None:
            return None
        names = ("person", "by", "issued_at", "expires_at", "used_at")
        return LoginLink(**{name: row[name] for name in names})

    def use(self, secret: str) -> Statement:
        """Uses a link up; the commit is refused when it was used before or is too old."""
        parameters = {"secret": hash_secret(secret), "now": self._clock.now()}
        return Statement(_Q["use_link"], parameters, refusal="the link was used or has expired")

    def withdraw(self, person: str) -> Statement:
        """Takes back every link of a person that is still open."""
        return Statement(_Q["withdraw_links"], {"person": person}, want=None)
