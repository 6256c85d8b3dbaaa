"""One's own account: tokens are shown once, hold no more than their owner, and end when they are told to."""

import re
from pathlib import Path

from tests.web.pages.visit import OPAL, PIA, VERA, open_house

from remit.operations import local_actor

TOKEN = re.compile(r"rmt_[\w-]{20,}")


async def test_a_token_is_shown_once_and_acts_as_its_owner(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        page = await opal.get("/account")
        assert "You have no token" in page.text
        made = await opal.send(
            page, "/account/tokens", name="nightly", days="3", permission="fleet:runs:read", status=200
        )
        (secret,) = set(TOKEN.findall(made.html))
        after = await opal.get("/account")
        assert not TOKEN.findall(after.html)
        actor = house.cell.access.token_actor(secret)
        assert actor is not None
        assert (actor.id, sorted(actor.permissions)) == (OPAL, ["fleet:runs:read"])
        token = (await opal.json("/account.json"))["tokens"][0]
        assert (token["name"], token["state"]) == ("nightly", "live")
        gone = await opal.send(after, "/account/tokens/revoke")
        assert "nightly is revoked" in gone.text
        assert house.cell.access.token_actor(secret) is None


async def test_a_token_never_holds_more_than_its_owner(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(VERA) as vera:
        page = await vera.get("/account")
        assert "fleet:switches:pull" not in page.text
        await vera.send(page, "/account/tokens", name="more", permission="fleet:switches:pull", status=403)
        told = await vera.send(page, "/account/tokens", name="soon", days="never", status=422)
        assert 'value="soon"' in told.html  # what was typed is still there
        assert (await vera.json("/account.json"))["tokens"] == []


async def test_nobody_revokes_the_token_of_another_but_whoever_manages_access(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        async with house.visitor(OPAL) as opal:
            await opal.send(await opal.get("/account"), "/account/tokens", name="nightly", status=200)
            (token,) = (await opal.json("/account.json"))["tokens"]
        async with house.visitor(VERA) as vera:
            page = await vera.get("/account")
            form = {"csrf": page.form("/logout").values["csrf"], "token": token["id"]}
            assert (await vera.client.post("/account/tokens/revoke", data=form)).status_code == 403
        async with house.visitor(PIA) as pia:
            page = await pia.get("/account")
            assert "Tokens of others" in page.text
            await pia.send(page, "/account/tokens/revoke", token=token["id"])
            assert house.cell.access.tokens(local_actor("tests"))[0].revoked_by == PIA


async def test_logging_out_everywhere_ends_all_of_ones_sessions(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as here, house.visitor(OPAL) as there:
        page = await here.get("/account")
        assert "You are logged in 2 times" in page.text
        form = {"csrf": page.form("/account/sessions/end").values["csrf"]}
        assert (await here.client.post("/account/sessions/end", data=form)).headers["location"] == "/login"
        assert (await there.client.get("/account")).status_code == 303
