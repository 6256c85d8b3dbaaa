"""What lies between a process and its database may be listened to: a URL that asks for TLS gets it, or nothing at all."""

import asyncio
import ssl
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import unquote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from remit.core import BusyError, Connections
from remit.store import open_database

HOST = "127.0.0.1"
# PostgreSQL 18, §54.7: how a client asks for TLS, and what a server answers.
ASKS_FOR_TLS, YES, NO = bytes.fromhex("0000000804d2162f"), b"S", b"N"
CHUNK = 65_536
SOON = Connections(connect_seconds=5)


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Makes a certificate of this host that vouches for itself, and its key."""
    key, now = generate_private_key(SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    shown, kept = folder / f"{name}.pem", folder / f"{name}.key"
    shown.write_bytes(made.public_bytes(Encoding.PEM))
    kept.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return shown, kept


class Front:
    """Stands before a server that itself knows no TLS, and ends the TLS of who comes; without a context it offers none."""

    def __init__(self, socket: str, context: ssl.SSLContext | None) -> None:
        self._socket = socket
        self._context = context
        self.in_the_clear = 0
        """Connections that went on without TLS."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Passes one connection on."""
        transport = writer.transport
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):  # they have gone, or have seen what they do not trust
            return
        finally:
            for each in (writer.transport, transport):
                each.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(len(ASKS_FOR_TLS))
        if first == ASKS_FOR_TLS:
            writer.write(YES if self._context else NO)
            await writer.drain()
            first = b""
            if self._context:
                await writer.start_tls(self._context)
        if not self._context:
            first = first or await reader.readexactly(1)  # whoever insists on TLS has gone by now
            self.in_the_clear += 1
        await self._pass_on(reader, writer, first)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first: bytes) -> None:
        from_server, server = await asyncio.open_unix_connection(self._socket)
        server.write(first)
        both = [asyncio.ensure_future(pump(reader, server)), asyncio.ensure_future(pump(from_server, writer))]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in both:
                each.cancel()
            server.transport.abort()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, ssl.SSLError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()


@contextmanager
def standing_before(url: str, context: ssl.SSLContext | None) -> Generator[tuple[Front, str]]:
    """Yields what stands before the database of a URL, and the URL that leads there."""
    name, _, folder = url.partition("@/")[2].partition("?host=")
    front, loop = Front(f"{unquote(folder)}/.s.PGSQL.5432", context), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(asyncio.start_server(front.serve, HOST, 0), loop).result(10)
    try:
        yield front, f"postgresql://postgres@{HOST}:{server.sockets[0].getsockname()[1]}/{name}"
    finally:
        asyncio.run_coroutine_threadsafe(ended(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def ended(server: asyncio.Server) -> None:
    server.close()
    serving = asyncio.all_tasks() - {asyncio.current_task()}
    for task in serving:
        task.cancel()
    await asyncio.gather(*serving, return_exceptions=True)
    await asyncio.sleep(0.05)  # what was aborted is closed in the loop's next turns


def test_a_url_that_asks_for_tls_has_its_server_verified(postgresql_url: str, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown, key = certificate(tmp_path, "theirs")
    context.load_cert_chain(shown, key)
    stranger, _ = certificate(tmp_path, "stranger")
    with standing_before(postgresql_url, context) as (_, url):
        known = f"{url}?sslmode=verify-full&sslrootcert={shown}"
        with closing(open_database(known, folder=tmp_path, limits=SOON)) as database:
            assert database.migrate(), "all that a cell needs goes through it"
        unknown = f"{url}?sslmode=verify-full&sslrootcert={stranger}"
        with (
            closing(open_database(unknown, folder=tmp_path, limits=SOON)) as database,
            pytest.raises(BusyError, match="certificate verify failed"),
        ):
            database.migrate()


def test_a_url_that_asks_for_tls_is_not_served_without(postgresql_url: str, tmp_path: Path) -> None:
    with standing_before(postgresql_url, None) as (front, url):
        shown, _ = certificate(tmp_path, "theirs")
        with (
            closing(
                open_database(f"{url}?sslmode=verify-full&sslrootcert={shown}", folder=tmp_path, limits=SOON)
            ) as database,
            pytest.raises(BusyError, match="server does not support SSL"),
        ):
            database.migrate()
        assert front.in_the_clear == 0
