"""Stopping from any page: what it would stop is seen first, a reason is given, and the receipt says when it held."""

from pathlib import Path

from tests.runtime.workshop import work
from tests.web.pages.visit import OPAL, VERA, open_house

TOOL = "tool:shop__issue_refund"


async def test_a_dry_run_says_what_would_stop_and_stops_nothing(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        await work(house.cell, "Please refund 400", order="R-2")
        page = await opal.get("/switches?scope=agent:refund-desk")
        assert "1 version of agents 0 running 1 waiting 0 queued" in page.text
        part = await opal.json("/switches/dry-run.json?scope=agent:refund-desk")
        assert (part["waiting"], part["stopped"], part["named"]) == (1, False, ["refund-desk@1.0.0"])
        assert not house.cell.parts.controls.switches()


async def test_a_stop_ends_in_a_receipt_with_time_reason_and_log_entry(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        page = await opal.get(f"/switches?scope={TOOL}")
        after = await opal.send(page, "/switches/stop", because="the bank says no", scope=TOOL)
        assert f"{TOOL} is stopped" in after.text
        assert "ms after it was asked for" in after.text
        # What changes in place does not take it away: another run's step is no reason to lose a receipt.
        assert after.html.index("ms after it was asked for") < after.html.index('id="page"')
        entry = house.cell.log.entry_by_ref(TOOL)
        assert entry is not None
        assert entry.fields["because"] == "the bank says no"
        assert f"/log/{entry.index}" in after.links
        assert "is stopped the bank says no" in (await opal.get("/runs")).text  # on top of every page
        assert "ms after it was asked for" not in (await opal.get("/switches")).text  # said once


async def test_what_is_stopped_goes_on_again_with_a_reason(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        await house.cell.operations.stop(TOOL, because="odd", by=OPAL)
        await house.cell.operations.stop("agent:refund-desk", because="odder", by=OPAL)
        page = await opal.get("/switches")
        assert page.form("/switches/resume").values["scope"] == "agent:refund-desk"
        after = await opal.send(page, "/switches/resume", because="mended", scope=TOOL)
        assert f"{TOOL} goes on" in after.text
        assert {s.scope: s.stopped for s in house.cell.parts.controls.switches()} == {
            TOOL: False,
            "agent:refund-desk": True,
        }
        assert "resumed 1" in (await opal.get("/switches?state=resumed")).text


async def test_a_link_leads_to_the_form_that_lets_one_scope_go_on(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal, house.visitor(VERA) as vera:
        assert "resume-because" not in (await opal.get("/switches?resume=agent:refund-desk")).ids  # nothing is stopped
        await house.cell.operations.stop(TOOL, because="odd", by=OPAL)
        address = f"/switches?resume={TOOL}"
        assert "resume-because" not in (await vera.get(address)).ids
        told = await opal.send(await opal.get(address), "/switches/resume", because=" ", status=422)
        assert "resume-because" in told.ids
        after = await opal.send(told, "/switches/resume", because="mended")
        assert f"{TOOL} goes on" in after.text


async def test_the_whole_fleet_takes_its_word(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        page = await opal.get("/switches?scope=fleet")
        assert "confirm" in page.form("/switches/stop").values
        for word in ("", "Fleet", "yes"):
            told = await opal.send(page, "/switches/stop", scope="fleet", because="flood", confirm=word, status=422)
            assert "type its word" in told.text
            assert "flood" in told.html  # what was typed is still there
        assert not house.cell.parts.controls.switches()
        await opal.send(page, "/switches/stop", scope="fleet", because="flood", confirm="fleet")
        assert house.cell.parts.controls.switches()[0].scope == "fleet"


async def test_a_stop_without_reason_or_of_nothing_is_told_in_its_place(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        page = await opal.get(f"/switches?scope={TOOL}")
        await opal.send(page, "/switches/stop", scope=TOOL, because=" ", status=422)
        told = await opal.send(page, "/switches/stop", scope="agent:nobody", because="odd", status=422)
        assert "There is no such agent" in told.text
        assert not house.cell.parts.controls.switches()


async def test_scopes_are_proposed_as_they_are_typed(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        for typed, proposed in (("", "fleet"), ("ag", "agent:"), ("agent:ref", "agent:refund-desk"), ("tool:", TOOL)):
            assert f'data-fill="{proposed}"' in (await opal.get(f"/switches/dry-run?scope={typed}")).html


async def test_who_may_not_pull_a_switch_sees_no_button_and_is_refused_by_hand(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(VERA) as vera:
        page = await vera.get("/switches")
        assert not page.has_form("/switches/stop")
        assert "data-opens" not in page.html.replace('data-opens="keys"', "")
        token = page.form("/logout").values["csrf"]
        answer = await vera.client.post("/switches/stop", data={"csrf": token, "scope": TOOL, "because": "x"})
        assert answer.status_code == 403
        assert "fleet:switches:pull" in answer.text
        refusals = [entry for entry in house.cell.log.entries("cell") if entry.kind == "access.refused"]
        assert refusals[0].fields["by"] == VERA
