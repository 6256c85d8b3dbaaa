"""Who comes in: by password or by a link that opens once; who does not; and what every change must carry."""

from pathlib import Path

import pytest
from tests.web.visitors import COOKIE, HERE, PASSWORD, knock, named, open_cell, token_of, with_http

from remit.app import Cell
from remit.core import MINUTE
from remit.testing import SettableClock
from remit.web.session import MOST_BODY, local_path


def refused(cell: Cell) -> list[str]:
    """Returns why logins were refused, as the log has it."""
    return [str(entry.fields["why"]) for entry in cell.log.entries("cell") if entry.kind == "login.refused"]


async def test_somebody_logs_in_by_password_and_gets_where_they_wanted(tmp_path: Path) -> None:
    async with open_cell(tmp_path) as cell, knock(cell) as browser:
        away = await browser.get("/runs?state=done")
        assert away.status_code == 303
        assert away.headers["location"] == "/login?next=/runs%3Fstate%3Ddone"
        assert 'name="next" value="/runs?state=done"' in (await browser.get(away.headers["location"])).text
        form = {"person": named("viewer"), "password": PASSWORD, "next": "/runs?state=done"}
        answer = await browser.post("/login", data=form)
        assert answer.headers["location"] == "/runs?state=done"
        assert named("viewer") in (await browser.get("/runs?state=done")).text


async def test_whatever_is_wrong_the_answer_is_the_same(tmp_path: Path) -> None:
    async with open_cell(tmp_path) as cell, knock(cell) as browser:
        answers = [
            await browser.post("/login", data={"person": person, "password": password})
            for person, password in ((named("viewer"), "wrong"), ("nobody", PASSWORD), (named("operator"), PASSWORD))
        ]
        assert {answer.status_code for answer in answers} == {401}
        texts = {
            answer.text.replace(p, "")
            for answer, p in zip(answers, (named("viewer"), "nobody", named("operator")), strict=True)
        }
        assert len(texts) == 1
        assert all("set-cookie" not in answer.headers for answer in answers)
        assert PASSWORD not in "".join(answer.text for answer in answers)


async def test_too_many_tries_lock_without_saying_so(tmp_path: Path) -> None:
    async with open_cell(tmp_path, change=with_http(login_tries=2)) as cell, knock(cell) as browser:
        wrong = [await browser.post("/login", data={"person": named("viewer"), "password": "wrong"}) for _ in range(2)]
        right = await browser.post("/login", data={"person": named("viewer"), "password": PASSWORD})
        assert right.status_code == 401
        assert right.text == wrong[0].text


async def test_looking_at_a_link_uses_nothing_up_and_the_button_does(tmp_path: Path) -> None:
    async with open_cell(tmp_path) as cell, knock(cell) as browser:
        link = await cell.access.issue_link(named("viewer"), by="tests")
        for _ in range(3):
            assert (await browser.get(f"/login/{link}")).status_code == 200
        assert (await browser.head(f"/login/{link}")).status_code == 200
        assert (await browser.post(f"/login/{link}")).status_code == 303
        again = await browser.post(f"/login/{link}")
        assert again.status_code == 403
        assert "opens nothing" in again.text


async def test_logging_out_ends_the_session_and_not_only_the_cookie(tmp_path: Path) -> None:
    async with open_cell(tmp_path) as cell, knock(cell, "viewer") as browser:
        secret = browser.cookies[COOKIE]
        answer = await browser.post("/logout", data={"csrf": await token_of(browser)})
        assert answer.headers["location"] == "/login"
        assert cell.access.session(secret) is None
        browser.cookies.set(COOKIE, secret, domain="127.0.0.1")
        assert (await browser.get("/runs")).status_code == 303


@pytest.mark.parametrize("given", ["", "wrong", "é", "0" * 64])
async def test_a_change_without_the_sessions_token_is_refused(given: str, tmp_path: Path) -> None:
    async with open_cell(tmp_path) as cell, knock(cell, "operator") as browser:
        form = {"csrf": given, "scope": "agent:refund-desk", "because": "odd"}
        answer = await browser.post("/switches/stop", data=form)
        assert answer.status_code == 403
        assert not cell.parts.controls.switches()


async def test_the_token_of_somebody_elses_session_is_worth_nothing(tmp_path: Path) -> None:
    async with open_cell(tmp_path) as cell, knock(cell, "platform") as other, knock(cell, "operator") as browser:
        form = {"csrf": await token_of(other), "scope": "agent:refund-desk", "because": "odd"}
        assert (await browser.post("/switches/stop", data=form)).status_code == 403


async def test_a_script_may_carry_the_token_in_a_header(tmp_path: Path) -> None:
    async with open_cell(tmp_path) as cell, knock(cell, "operator") as browser:
        headers = {"x-csrf-token": await token_of(browser)}
        form = {"scope": "agent:refund-desk", "because": "odd"}
        assert (await browser.post("/switches/stop", data=form, headers=headers)).status_code == 303


async def test_bodies_that_are_no_small_form_are_not_read(tmp_path: Path) -> None:
    async with open_cell(tmp_path) as cell, knock(cell, "operator") as browser:
        token = await token_of(browser)
        large = await browser.post("/switches/stop", data={"csrf": token, "because": "x" * MOST_BODY})
        assert large.status_code == 413
        json = await browser.post("/switches/stop", json={"csrf": token}, headers={"x-csrf-token": token})
        assert json.status_code == 413
        files = await browser.post("/switches/stop", data={"csrf": token}, files={"f": b"x"})
        assert files.status_code == 413


async def test_whoever_is_not_logged_in_is_asked_to_in_the_way_they_came(tmp_path: Path) -> None:
    async with open_cell(tmp_path) as cell, knock(cell) as browser:
        assert (await browser.get("/runs.json")).status_code == 401
        assert (await browser.get("/live")).status_code == 401
        assert (await browser.post("/switches/stop")).status_code == 401
        by_itself = await browser.get(
            "/runs", headers={"hx-request": "true", "hx-current-url": "http://x/runs?state=done"}
        )
        assert by_itself.status_code == 401
        assert by_itself.headers["hx-redirect"] == "/login?next=/runs%3Fstate%3Ddone"


async def test_a_link_followed_from_another_site_comes_once_more_with_the_cookie(tmp_path: Path) -> None:
    """A strict cookie does not come along from another site; from our own page it does."""
    async with open_cell(tmp_path) as cell, knock(cell) as browser:
        answer = await browser.get("/runs?state=done", headers={"sec-fetch-site": "cross-site"})
        assert answer.status_code == 200
        assert answer.headers["refresh"] == "0; url=/runs?state=done"
        after = await browser.get("/runs?state=done", headers={"sec-fetch-site": "same-origin"})
        assert after.headers["location"].startswith("/login")


@pytest.mark.parametrize("path", ["//evil.example/", "//evil.example/runs?a=b", "///evil.example/"])
async def test_a_link_followed_from_another_site_leads_nowhere_else(path: str, tmp_path: Path) -> None:
    async with open_cell(tmp_path) as cell, knock(cell) as browser:
        answer = await browser.get(f"{HERE}{path}", headers={"sec-fetch-site": "cross-site"})
        assert answer.headers["refresh"] == "0; url=/"


async def test_what_a_page_does_by_itself_keeps_nobody_logged_in(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_cell(tmp_path, clock=clock) as cell, knock(cell, "viewer") as browser:
        for _ in range(12):
            clock.advance(10 * MINUTE)
            await browser.get("/runs", headers={"hx-request": "true"})
        clock.advance(10 * MINUTE)  # two hours and more
        assert (await browser.get("/runs", headers={"hx-request": "true"})).status_code == 401
    async with open_cell(tmp_path, clock=clock, is_new=False) as cell, knock(cell, "viewer") as browser:
        for _ in range(13):
            clock.advance(10 * MINUTE)
            assert (await browser.get("/runs")).status_code == 200


async def test_whoever_is_taken_out_of_people_yaml_is_out(tmp_path: Path) -> None:
    async with open_cell(tmp_path) as cell, knock(cell, "viewer") as browser:
        assert (await browser.get("/runs")).status_code == 200
        cookies = dict(browser.cookies)
    people = tmp_path / "fleet" / "people.yaml"
    people.write_text("\n".join(line for line in people.read_text().split("\n") if named("viewer") not in line))
    async with open_cell(tmp_path, is_new=False) as cell, knock(cell) as browser:
        browser.cookies.update(cookies)
        assert (await browser.get("/runs")).status_code == 303


@pytest.mark.parametrize(
    "given",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/login?next=/x", "/login/a",
     "/a\nb", "runs", "", "/" + "x" * 2_000, "http:/evil.example", "///evil.example", "/\tevil"],
)  # fmt: skip
def test_only_a_path_of_our_own_is_gone_on_to(given: str) -> None:
    assert local_path(given) == "/"


@pytest.mark.parametrize("given", ["/", "/runs?state=done&after=run_1", "/agents/refund-desk", "/runs/run_1#step-2"])
def test_a_path_of_our_own_is_kept(given: str) -> None:
    assert local_path(given) == given
