"""TLS of our own, and proxies in front of it: believed only where settings say so."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from httpx2 import AsyncClient
from tests.app.test_serve import HOST, serving
from tests.gateway.desk import REFUNDS

from remit.app import Cell, serve
from remit.core import Http, InputError, Settings
from remit.testing import open_fleet

PIA = "pia.platform@shop.example"


def with_http(**values: Any) -> Callable[[Settings], Settings]:
    return lambda settings: settings.model_copy(update={"http": Http(**values)})


def make_certificate(folder: Path) -> None:
    """Writes a certificate for this machine's own address, and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    begin = datetime.now(UTC) - timedelta(minutes=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(*form))


async def test_with_a_certificate_it_speaks_tls_and_keeps_cookies_to_it(tmp_path: Path) -> None:
    change = with_http(tls_cert="cert.pem", tls_key="key.pem")
    async with open_fleet(REFUNDS, tmp_path / "fleet", change=change) as cell:
        make_certificate(cell.folder)
        link = await cell.access.issue_link(PIA, by="tests")
        trusts = ssl.create_default_context(cafile=str(cell.folder / "cert.pem"))
        async with serving(cell) as port, AsyncClient(base_url=f"https://{HOST}:{port}", verify=trusts) as browser:
            answer = await browser.post(f"/login/{link}")
            assert answer.headers["set-cookie"].startswith("__Host-remit-")
            assert answer.headers["strict-transport-security"]
            assert (await browser.get("/")).status_code == 200


@pytest.mark.parametrize("written", ["", "no certificate"])
async def test_files_that_are_no_certificate_are_told_before_it_starts(written: str, tmp_path: Path) -> None:
    change = with_http(tls_cert="cert.pem", tls_key="key.pem")
    async with open_fleet(REFUNDS, tmp_path / "fleet", change=change) as cell:
        if written:
            (cell.folder / "cert.pem").write_text(written)
            (cell.folder / "key.pem").write_text(written)
        with pytest.raises(InputError, match="Cannot serve with TLS"):
            await serve(cell, host=HOST, port=0, on_ready=lambda _: None)


def clients(cell: Cell) -> list[object]:
    """Returns the addresses from which logins were refused, as the log has them."""
    return [entry.fields["client"] for entry in cell.log.entries("cell") if entry.kind == "login.refused"]


@pytest.mark.parametrize(
    ("trusted", "seen"), [((), HOST), (("192.0.2.0/24",), HOST), (("127.0.0.0/8",), "198.51.100.9")]
)
async def test_only_a_trusted_proxy_says_where_somebody_comes_from(
    trusted: tuple[str, ...], seen: str, tmp_path: Path
) -> None:
    change = with_http(trusted_proxies=trusted, public_url="https://remit.example")
    async with (
        open_fleet(REFUNDS, tmp_path / "fleet", change=change) as cell,
        serving(cell) as port,
        AsyncClient(base_url=f"http://{HOST}:{port}") as browser,
    ):
        forwarded = {"x-forwarded-for": "203.0.113.4, 198.51.100.9", "x-forwarded-proto": "https"}
        answer = await browser.post("/login", data={"person": PIA, "password": "wrong"}, headers=forwarded)
        assert answer.status_code == 401
        assert clients(cell) == [seen]
        assert ("strict-transport-security" in answer.headers) == (seen != HOST)
