"""What other sites could have had sent is refused, and every answer carries the headers that keep it a page of ours."""

from pathlib import Path

import pytest
from tests.web.visitors import COOKIE, HERE, knock, open_cell, token_of, with_http

from remit.web.security import HEADERS, POLICY

EVERY = "0.0.0.0"  # noqa: S104 - a setting of the test, nothing listens there
PATHS = ("/", "/login", "/nowhere", "/runs.json", "/live", "/static/none/app.css", "/login/nothing", "/-/bar")


async def test_every_answer_carries_the_headers_whoever_asks(tmp_path: Path) -> None:
    async with open_cell(tmp_path) as cell:
        for role in ("", "viewer"):
            async with knock(cell, role) as browser:
                for path in PATHS if not role else PATHS[:4]:
                    for answer in (await browser.get(path), await browser.post(path)):
                        for name, value in HEADERS.items():
                            assert answer.headers[name] == value, (path, name)
                        assert answer.headers["cache-control"] == "no-store"
                        assert "strict-transport-security" not in answer.headers


def test_scripts_and_styles_come_from_here_alone_and_never_from_a_page() -> None:
    assert POLICY.startswith("default-src 'none'; ")
    assert "unsafe" not in POLICY
    assert "frame-ancestors 'none'" in POLICY
    assert "base-uri 'none'" in POLICY


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8321", "", "[", "192.0.2.9"])
async def test_a_name_that_was_made_to_lead_here_is_refused(host: str, tmp_path: Path) -> None:
    async with open_cell(tmp_path) as cell, knock(cell, "viewer") as browser:
        assert (await browser.get("/", headers={"host": host})).status_code == 421


@pytest.mark.parametrize("host", ["localhost:8321", "127.0.0.1", "[::1]:8321", "remit.example", "desk.local:8321"])
async def test_our_own_names_are_answered(host: str, tmp_path: Path) -> None:
    change = with_http(host="desk.local", public_url="https://remit.example")
    async with open_cell(tmp_path, change=change) as cell, knock(cell) as browser:
        assert (await browser.get("/login", headers={"host": host})).status_code == 200


async def test_who_listens_at_every_address_answers_to_addresses_but_to_no_other_name(tmp_path: Path) -> None:
    async with open_cell(tmp_path, change=with_http(host=EVERY)) as cell, knock(cell) as browser:
        assert (await browser.get("/login", headers={"host": "192.0.2.9:8321"})).status_code == 200
        assert (await browser.get("/login", headers={"host": "evil.example"})).status_code == 421


@pytest.mark.parametrize(
    "told",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "https://evil.example", "sec-fetch-site": "same-origin"},
    ],
)
async def test_what_another_site_sent_is_refused_even_with_the_token(told: dict[str, str], tmp_path: Path) -> None:
    async with open_cell(tmp_path) as cell, knock(cell, "operator") as browser:
        form = {"csrf": await token_of(browser), "scope": "agent:refund-desk", "because": "evil"}
        answer = await browser.post("/switches/stop", data=form, headers=told)
        assert answer.status_code == 403
        assert not cell.parts.controls.switches()


async def test_our_own_pages_may_send_by_address_and_by_the_public_name(tmp_path: Path) -> None:
    change = with_http(public_url="https://remit.example")
    async with open_cell(tmp_path, change=change) as cell, knock(cell, "operator") as browser:
        form = {"csrf": await token_of(browser), "scope": "agent:refund-desk", "because": "odd"}
        for origin in (HERE, "https://remit.example"):
            told = {"origin": origin, "sec-fetch-site": "same-origin"}
            assert (await browser.post("/switches/stop", data=form, headers=told)).status_code == 303


async def test_over_tls_the_cookie_is_of_this_host_alone_and_browsers_stay_with_tls(tmp_path: Path) -> None:
    async with open_cell(tmp_path) as cell, knock(cell, base="https://127.0.0.1:8321") as browser:
        link = await cell.access.issue_link("viewer@shop.example", by="tests")
        answer = await browser.post(f"/login/{link}")
        kept = answer.headers["set-cookie"]
        assert kept.startswith("__Host-remit-8321=")
        for flag in ("HttpOnly", "Secure", "SameSite=strict", "Path=/"):
            assert flag in kept
        assert "Domain" not in kept
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        assert (await browser.get("/")).status_code == 200


async def test_behind_a_proxy_with_tls_the_cookie_is_secure_too(tmp_path: Path) -> None:
    change = with_http(public_url="https://remit.example")
    async with open_cell(tmp_path, change=change) as cell, knock(cell, base="http://remit.example") as browser:
        link = await cell.access.issue_link("viewer@shop.example", by="tests")
        answer = await browser.post(f"/login/{link}")
        assert answer.headers["set-cookie"].startswith("__Host-remit=")
        assert "Secure" in answer.headers["set-cookie"]


async def test_on_this_machine_without_tls_the_cookie_is_a_plain_one(tmp_path: Path) -> None:
    async with open_cell(tmp_path) as cell, knock(cell) as browser:
        link = await cell.access.issue_link("viewer@shop.example", by="tests")
        kept = (await browser.post(f"/login/{link}")).headers["set-cookie"]
        assert kept.startswith(f"{COOKIE}=")
        assert "HttpOnly" in kept
        assert "SameSite=strict" in kept
        assert "Secure" not in kept
