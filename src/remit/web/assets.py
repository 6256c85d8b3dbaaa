"""The console's own files, served under names that carry a digest of their content, so that browsers keep them."""

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

FOLDER = Path(__file__).parent / "static"
# Hex digits of a digest in an address: enough to tell versions of a file apart.
DIGITS = 12
FOREVER = "public, max-age=31536000, immutable"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file."""

    address: str
    content: bytes
    media_type: str


class Assets:
    """Every file below `static`, read once."""

    def __init__(self, folder: Path = FOLDER) -> None:
        files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
        self._assets = {name: _asset(name, path) for name, path in files.items()}
        self._by_address = {asset.address: asset for asset in self._assets.values()}

    def url(self, name: str) -> str:
        """Returns the address of a file."""
        return self._assets[name].address

    def addresses(self) -> list[str]:
        """Returns every address there is."""
        return list(self._by_address)

    def route(self) -> Route:
        """Returns the route that serves them."""
        return Route("/static/{digest}/{name:path}", self._serve)

    async def _serve(self, request: Request) -> Response:
        asset = self._by_address.get(request.url.path)
        if asset is None:
            return PlainTextResponse("There is no such file", 404)
        return Response(asset.content, media_type=asset.media_type, headers={"cache-control": FOREVER})


def _asset(name: str, path: Path) -> Asset:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:DIGITS]
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "text/plain"
    return Asset(f"/static/{digest}/{name}", content, kind)
