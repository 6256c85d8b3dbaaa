"""Who holds which role and answers for what; letting somebody in and putting them out."""

import re
from pathlib import Path

from tests.web.pages.visit import OPAL, PIA, VERA, open_house


async def test_whoever_manages_access_makes_a_link_that_is_shown_once_and_lets_in(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(PIA) as pia:
        page = await pia.send(await pia.get("/people"), "/people/links", person=VERA, status=200)
        (link,) = set(re.findall(r"http://localhost/login/[\w-]+", page.html))
        secret = link.rpartition("/")[2]
        assert secret not in (await pia.get("/people")).html
        assert secret not in "".join(entry.leaf.decode() for entry in house.cell.log.entries("cell"))
        assert (await house.cell.access.redeem(secret, client="tests")).person == VERA


async def test_somebodys_sessions_are_ended_at_once(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(PIA) as pia, house.visitor(VERA) as vera:
        await vera.get("/runs")
        after = await pia.send(await pia.get("/people"), "/people/sessions/end", person=VERA)
        assert f"{VERA}: 1 session ended" in after.text
        assert (await vera.client.get("/runs")).status_code == 303


async def test_others_see_who_answers_for_what_and_no_buttons(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        page = await opal.get("/people")
        assert "outcomes of refund-desk" in page.text
        assert "olga.owner@shop.example" in page.text
        assert not page.has_form("/people/links")
        assert (await opal.json("/people.json"))["people"] is None
        token = page.form("/logout").values["csrf"]
        answer = await opal.client.post("/people/links", data={"csrf": token, "person": PIA})
        assert answer.status_code == 403
        assert "/login/" not in answer.text
