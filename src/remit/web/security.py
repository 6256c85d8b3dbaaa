"""What every answer of the console carries and every request must be: headers, the host it asks for, its origin."""

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from remit.core import Http

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not listened at
# Two years, as browsers want it.
STRICT_TRANSPORT = "max-age=63072000"

POLICY = "; ".join(
    (
        "default-src 'none'",
        *(
            f"{kind} 'self'"
            for kind in ("script-src", "style-src", "img-src", "font-src", "connect-src", "form-action")
        ),
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    # Nothing is told to other origins. With `no-referrer`, browsers would also send our own forms with `Origin: null`.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def is_secure(scope: Scope, http: Http) -> bool:
    """Whether the browser came over TLS: to us, or to the proxy that `public_url` names."""
    if scope["scheme"] == "https":
        return True
    public = urlsplit(http.public_url)
    return public.scheme == "https" and _name(Headers(scope=scope).get("host", "")) == public.hostname


class Shield:
    """Refuses requests that other sites could have had sent, and puts the headers on every answer.

    1. The host must be ours: a name of somebody else's that was made to lead here (DNS rebinding) is not.
    2. What changes something must come from our own pages.
    """

    def __init__(self, app: ASGIApp, http: Http) -> None:
        self._app = app
        self._http = http
        names = {http.host, urlsplit(http.public_url).hostname or ""} - {""}
        self._hosts = LOCAL_HOSTS | names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        secure = is_secure(scope, self._http)

        async def shielded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
                if secure:
                    headers["strict-transport-security"] = STRICT_TRANSPORT
            await send(message)

        request = Request(scope)
        if not self._is_our_host(request):  # 1
            told = (
                "This is not a name of this console. Names it answers to: [http] host and public_url in remit.toml.\n"
            )
            await PlainTextResponse(told, 421)(scope, receive, shielded)
        elif request.method not in SAFE_METHODS and not self._is_from_us(request):  # 2
            await PlainTextResponse("This was sent by another site.\n", 403)(scope, receive, shielded)
        else:
            await self._app(scope, receive, shielded)

    def _is_our_host(self, request: Request) -> bool:
        name = _name(request.headers.get("host", ""))
        # A browser that asks for an address has looked nothing up, so nobody can have led it here by a name.
        return name in self._hosts or (self._http.host in EVERY_ADDRESS and _is_address(name))

    def _is_from_us(self, request: Request) -> bool:
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        if site is not None and site != "same-origin":
            return False
        if origin is None:
            return True  # no browser; it still needs the session's token
        public = self._http.public_url
        return urlsplit(origin).netloc == request.headers.get("host") or (public != "" and origin == public)


def _name(host: str) -> str:
    """Returns the name or address in a Host header; empty when it is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
