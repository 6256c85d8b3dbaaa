"""/account: one's own API tokens and sessions, and for whoever manages access the tokens of others."""

from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from remit.core import InputError, RemitError
from remit.identity import Token
from remit.operations import Permission, moment
from remit.web.console import Console, Sheet, text
from remit.web.pages.trying import texts, tried
from remit.web.session import forget_session

DAYS = 90
# Tokens that are over are kept for the record; of many, the newest are shown, and the twin has all.
MOST_ROWS = 50


def routes(console: Console) -> list[Route]:
    """Returns the routes of one's account."""
    pages = _AccountPages(console)
    return [
        *console.routes("/account", pages.account),
        console.post("/account/tokens", pages.create),
        console.post("/account/tokens/revoke", pages.revoke),
        console.post("/account/sessions/end", pages.end_sessions),
    ]


class _AccountPages:
    def __init__(self, console: Console) -> None:
        self._console = console

    def account(self, request: Request) -> Sheet:
        actor, access = self._console.actor(request), self._console.access
        known = access.tokens(actor) if actor.may(Permission.ACCOUNT_TOKENS_MANAGE) else []
        tokens = [self._told(token) for token in known]
        model = {
            "person": actor.id,
            "roles": actor.roles,
            "units": sorted(actor.units),
            "permissions": sorted(actor.permissions),
            "sessions": access.session_count(actor.id),
            "tokens": tokens,
        }
        own = [token for token in tokens if token["owner"] == actor.id]
        others = [token for token in tokens if token["owner"] != actor.id]
        context: dict[str, Any] = {
            "own": own[:MOST_ROWS],
            "others": others[:MOST_ROWS],
            "created": None,
            "fault": None,
            "typed": {},
        }
        return Sheet("account.html", model, {**context, "days": DAYS, "picked": frozenset[str]()})

    async def create(self, request: Request, form: FormData) -> Response:
        """Makes a token; its text is shown here and nowhere else."""
        actor, typed = self._console.actor(request), texts(form)
        picked = frozenset(each for each in form.getlist("permission") if isinstance(each, str))
        try:
            created = await self._console.access.create_token(
                actor,
                name=text(form, "name"),
                permissions=picked or None,
                program=text(form, "program"),
                days=_days(text(form, "days")),
            )
        except RemitError as fault:
            return await self._told_of(request, fault, typed=typed, picked=picked)
        return await self._told_of(request, None, created=created)

    async def revoke(self, request: Request, form: FormData) -> Response:
        token = await self._console.access.revoke_token(self._console.actor(request), text(form, "token"))
        return self._console.see(request, "/account", f"{token.name} is revoked")

    async def end_sessions(self, request: Request, _: FormData) -> Response:
        actor = self._console.actor(request)
        await self._console.access.end_sessions(actor, actor.id)
        response = RedirectResponse("/login", 303)
        forget_session(response, request, self._console.settings.http)
        return response

    async def _told_of(self, request: Request, fault: RemitError | None, **context: Any) -> Response:
        status = 0 if fault else 200
        return await tried(
            self._console, request, self.account, fault, status=status, **{"here": "/account", **context}
        )

    def _told(self, token: Token) -> dict[str, Any]:
        return {
            "id": token.id,
            "name": token.name,
            "owner": token.owner,
            "program": token.program,
            "permissions": token.permissions,
            "state": token.state(self._console.clock.now()),
            "created": moment(token.created_at),
            "expires": moment(token.expires_at),
            "used": moment(token.used_at),
        }


def _days(typed: str) -> int:
    try:
        return int(typed or DAYS)
    except ValueError as error:
        raise InputError("A token lasts some days", which=typed, hint="Give a whole number") from error
