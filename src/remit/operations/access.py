"""How people and programs get in: passwords, login links, sessions and API tokens. Each is on the record, no secret is."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from remit.audit import make_entry
from remit.contracts import Person
from remit.core import BusyError, Clock, ConflictError, JsonValue, RefusedError, Settings, new_id
from remit.identity import (
    Links,
    Lockouts,
    Passwords,
    People,
    Session,
    Sessions,
    Token,
    Tokens,
    client_subject,
    hash_secret,
    person_subject,
)
from remit.operations.actors import Actor, Face, person_actor
from remit.operations.permissions import Permission
from remit.operations.token_terms import PROGRAM_NEVER, TOKEN_DAYS, token_terms
from remit.store import Commit, CommitRefused, Database, Row, Statement, Writer

# Of an address, as the log keeps it.
LONGEST_CLIENT = 64
# Logins that wait for their turn at argon2; whoever stood behind so many would take us for dead.
MOST_WAITING = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Try:
    """One attempt to log in, counted as a failure until it succeeds."""

    id: str
    known: Person | None
    client: str
    subjects: tuple[str, ...]
    """What it counts for: its client, and the person if there is one, unless locked already; from a locked client nothing."""
    locked: bool


class Access:
    """Lets people and programs in, and puts them out."""

    def __init__(
        self,
        *,
        people: People,
        database: Database,
        writer: Writer,
        clock: Clock,
        settings: Settings,
        passwords: Passwords | None = None,
    ) -> None:
        http = settings.http
        self._people = people
        self._writer = writer
        self._clock = clock
        self._minutes = http.lockout_minutes
        self._passwords = passwords or Passwords()
        self._sessions = Sessions(database, clock, hours=http.session_hours)
        self._links = Links(database, clock, minutes=http.link_minutes)
        self._tokens = Tokens(database, clock)
        self._lockouts = Lockouts(database, clock, tries=http.login_tries, minutes=http.lockout_minutes)
        self._one_at_a_time = asyncio.Lock()
        self._waiting = 0

    # --- logging in

    async def log_in(self, person: str, password: str, *, client: str) -> Session:
        """Begins a session by password. Whatever is wrong, the answer and the work for it are the same."""
        async with self._turn():
            attempt = self._try(person, client)
            # Counted before it is looked at: whoever breaks off before the answer has tried all the same.
            await self._writer.commit(Commit(self._lockouts.fail(attempt.id, *attempt.subjects)))
            kept = attempt.known.password if attempt.known else ""
            fits = await asyncio.to_thread(self._passwords.password_matches, password, kept)
            if attempt.known is None or attempt.locked or not fits:
                await self._login_refused(attempt)
                raise self._no_login()
            forgiven = self._lockouts.forgive(attempt.id, person_subject(attempt.known.id))
            return await self._begin(attempt.known, client, {"via": "password"}, [forgiven])

    async def redeem(self, link: str, *, client: str) -> Session:
        """Begins a session by a login link, which is then used up; a person who is locked out comes in by it too."""
        found = self._links.find(link)
        person = self._people.find(found.person) if found else None
        state = found.state(self._clock.now()) if found else "unknown"
        if found and person and state == "open":
            try:
                return await self._begin(person, client, {"via": "link", "link_by": found.by}, [self._links.use(link)])
            except ConflictError as fault:  # somebody else followed it at the same moment
                if isinstance(fault, BusyError):
                    raise
                state = "used"
        await self._link_refused(found.person if found else "", state if person or not found else "person gone", client)
        raise RefusedError(
            "The login link opens nothing",
            why="it was used, has expired, or never was one",
            hint="Ask the platform team for another: `remit people link PERSON`",
        )

    async def issue_link(self, person: str, *, by: Actor | str) -> str:
        """Returns the secret of a link that lets `person` in once.

        Whoever asks as an actor must be allowed to; a mere name is for callers that have seen to it themselves.
        """
        if isinstance(by, Actor):
            await self._check(by, Permission.CELL_ACCESS_MANAGE)
        known, name = self._people.person(person), by.id if isinstance(by, Actor) else by
        secret, expires_at, statements = self._links.issue(known.id, by=name)
        await self._commit("link.issued", known.id, {"person": known.id, "by": name, "until": expires_at}, statements)
        return secret

    # --- sessions

    def session(self, secret: str, *, touch: bool = True) -> Session | None:
        """Returns the session of a cookie, or None: unknown, over, idle for long, its person gone or password changed.

        `touch` notes that it is in use; what a page does by itself should not.
        """
        session = self._sessions.find(secret)
        person = self._people.find(session.person) if session else None
        if session is None or person is None or session.credential != _credential(person):
            return None
        if touch and (seen := self._sessions.touch(session)):
            self._writer.submit(Commit([seen]))
        return session

    def actor(self, session: Session) -> Actor:
        """Returns the person of a session with what their roles let them do now."""
        return self._person_actor(self._people.person(session.person))

    def session_count(self, person: str) -> int:
        """Returns in how many places a person is logged in."""
        return self._sessions.count(person)

    async def log_out(self, session: Session) -> None:
        """Ends a session; one that is over already stays so."""
        fields = {"person": session.person, "session": session.id}
        entry = make_entry("cell", "logout", session.person, self._clock.now(), fields)
        await self._writer.commit(Commit([self._sessions.end(session.id)], [entry]))

    async def end_sessions(self, actor: Actor, person: str) -> int:
        """Ends every session of a person, also one who is gone, takes back open links, and returns how many it were."""
        if actor.id != person:
            await self._check(actor, Permission.CELL_ACCESS_MANAGE)
        statements = [self._sessions.end_all(person), self._links.withdraw(person)]
        rows = await self._commit("sessions.ended", person, {"person": person, "by": actor.id}, statements)
        return len(rows[0])

    # --- tokens

    def token_actor(self, token: str) -> Actor | None:
        """Returns whom a token lets act, with what its owner's roles allow now; None when it is worth nothing."""
        found = self._tokens.find(token)
        person = self._people.find(found.owner) if found else None
        if found is None or person is None:
            return None
        if used := self._tokens.touch(found):
            self._writer.submit(Commit([used]))
        owner = self._person_actor(person, "api")
        permissions = frozenset(held for held in owner.permissions if held.value in found.permissions)
        if not found.program:
            return replace(owner, permissions=permissions)
        return replace(
            owner, id=found.actor, owner=person.id, roles=("program",), permissions=permissions - PROGRAM_NEVER
        )

    async def create_token(
        self,
        actor: Actor,
        *,
        name: str,
        permissions: Iterable[Permission | str] | None = None,
        program: str = "",
        days: int = TOKEN_DAYS,
    ) -> tuple[Token, str]:
        """Returns a new token of the actor's own, or of a program in their care, and its text: nobody sees it again.

        Without `permissions` it holds all that the actor may do now; a program's never answers what people are asked.
        """
        manages = Permission.CELL_ACCESS_MANAGE if program else Permission.ACCOUNT_TOKENS_MANAGE
        await self._check(actor, manages)
        try:
            terms = token_terms(actor, name=name, permissions=permissions, program=program, days=days)
            owner = self._people.person(actor.id).id
        except RefusedError as fault:
            await self._refused(actor, manages, fault)
            raise
        token, text, kept = self._tokens.create(
            name=terms.name, owner=owner, program=terms.program, permissions=terms.permissions, days=terms.days
        )
        fields = {**_told(token), "permissions": list(token.permissions), "by": actor.id, "until": token.expires_at}
        await self._commit("token.created", token.id, fields, [kept])
        return token, text

    async def revoke_token(self, actor: Actor, token_id: str) -> Token:
        """Ends a token for good: one's own, or with the right to manage access anybody's."""
        token = self._tokens.get(token_id)
        is_own = token.owner == actor.id
        await self._check(actor, Permission.ACCOUNT_TOKENS_MANAGE if is_own else Permission.CELL_ACCESS_MANAGE)
        await self._commit(
            "token.revoked", token.id, {**_told(token), "by": actor.id}, [self._tokens.revoke(token.id, by=actor.id)]
        )
        return self._tokens.get(token.id)

    def tokens(self, actor: Actor) -> list[Token]:
        """Returns one's own tokens, or with the right to manage access everybody's, the newest first."""
        if actor.may(Permission.CELL_ACCESS_MANAGE, ""):
            return self._tokens.listing()
        actor.check(Permission.ACCOUNT_TOKENS_MANAGE)
        return self._tokens.listing(actor.id)

    # --- inside

    @asynccontextmanager
    async def _turn(self) -> AsyncGenerator[None]:
        """Lets one login at a time pass: argon2 takes 64 MiB and every core, and two at once could miss a lock."""
        if self._waiting >= MOST_WAITING:
            raise BusyError("Too many people log in at this moment", hint="Try again")
        self._waiting += 1
        try:
            async with self._one_at_a_time:
                yield
        finally:
            self._waiting -= 1

    def _try(self, person: str, client: str) -> _Try:
        known = self._people.find(person)
        here = client_subject(client)
        subjects = (here, *((person_subject(known.id),) if known else ()))
        is_open = tuple(subject for subject in subjects if not self._lockouts.is_locked(subject))
        # What cannot succeed guesses nothing: else one address could lock everybody out, one after the other.
        counted = is_open if here in is_open else ()
        return _Try(id=new_id("try"), known=known, client=client, subjects=counted, locked=is_open != subjects)

    async def _login_refused(self, attempt: _Try) -> None:
        """Puts a refused login on the record; what a locked address tries further is not: it could fill the disk.

        The name of somebody unknown is not told: it may be a password, typed into the wrong field.
        """
        if client_subject(attempt.client) not in attempt.subjects:
            return
        known, why = attempt.known, "wrong password"
        if known is None or not known.password:
            why = "no password" if known else "unknown person"
        name = known.id if known else ""
        await self._refusal(name, "locked" if attempt.locked else why, attempt.client, "password", attempt.subjects)

    async def _link_refused(self, person: str, why: str, client: str) -> None:
        """Counts a link that opens nothing as a failure of its client, and puts it on the record."""
        subject = client_subject(client)
        if self._lockouts.is_locked(subject):
            return
        await self._writer.commit(Commit(self._lockouts.fail(new_id("try"), subject)))
        await self._refusal(person, why, client, "link", (subject,))

    async def _refusal(self, person: str, why: str, client: str, via: str, subjects: Sequence[str]) -> None:
        locks = [subject for subject in subjects if self._lockouts.is_locked(subject)]
        fields = {"person": person, "client": client[:LONGEST_CLIENT], "via": via, "why": why, "locks": locks}
        await self._commit("login.refused", person, fields, [])

    def _no_login(self) -> RefusedError:
        return RefusedError(
            "Nobody is logged in by this",
            why="person or password is wrong, or there were too many tries",
            hint=f"Try again in {self._minutes:g} minutes, or ask the platform team for a login link",
        )

    async def _begin(
        self, person: Person, client: str, how: Mapping[str, JsonValue], statements: Sequence[Statement]
    ) -> Session:
        session, kept = self._sessions.begin(person.id, _credential(person))
        fields = {"person": person.id, "session": session.id, "client": client[:LONGEST_CLIENT], **how}
        await self._commit("login", person.id, fields, [*statements, *kept])
        return session

    def _person_actor(self, person: Person, face: Face = "console") -> Actor:
        return person_actor(person, face, owns=self._people.owns(person.id))

    async def _check(self, actor: Actor, permission: Permission) -> None:
        """Refuses whoever lacks the permission; whoever works for some units manages nobody's access."""
        unit = "" if permission is Permission.CELL_ACCESS_MANAGE else None
        try:
            actor.check(permission, unit)
        except RefusedError as fault:
            await self._refused(actor, permission, fault)
            raise

    async def _refused(self, actor: Actor, permission: Permission, fault: RefusedError) -> None:
        fields = {"by": actor.id, "face": actor.face, "permission": permission.value, "why": fault.text()}
        await self._commit("access.refused", actor.id, fields, [])

    async def _commit(
        self, kind: str, ref: str, fields: Mapping[str, JsonValue], statements: Sequence[Statement]
    ) -> Sequence[Sequence[Row]]:
        result = await self._writer.commit(
            Commit(statements, [make_entry("cell", kind, ref, self._clock.now(), fields)])
        )
        if isinstance(result, CommitRefused):
            raise ConflictError("This could not be done", which=ref, why=result.refusal)
        return result.rows


def _credential(person: Person) -> bytes:
    """Returns what a session is bound to: with another password, or none, it is over."""
    return hash_secret(person.password)


def _told(token: Token) -> dict[str, JsonValue]:
    return {"token": token.id, "name": token.name, "owner": token.owner, "program": token.program}
