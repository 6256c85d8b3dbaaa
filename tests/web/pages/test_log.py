"""The log in the console: found, proven, and verified as a whole with a result that names what is wrong."""

import asyncio
from pathlib import Path

from tests.databases import edit_log
from tests.runtime.workshop import work
from tests.web.pages.visit import OPAL, House, Page, Visitor, open_house

from remit.audit import verify_proof
from remit.core import SECOND
from remit.testing import SettableClock


async def verified(house: House, visitor: Visitor, **typed: str) -> Page:
    """Has the log verified and waits until it says how that went."""
    page = await visitor.send_values(await visitor.get("/log"), "/log/verification", typed)
    assert "Verify the log" in page.text
    for _ in range(1_000):
        part = await visitor.get("/log/verification")
        if "Checking" not in part.text:
            return part
        await asyncio.sleep(0.02)
    raise AssertionError("it was never brought to an end")


async def signed(house: House) -> None:
    """Signs what is not signed yet."""
    if commit := house.cell.log.checkpoint_commit():
        await house.cell.parts.writer.commit(commit)


async def test_entries_are_found_by_kind_reference_and_place(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        run = await work(house.cell, "Please refund 20")
        everything = await opal.json("/log.json")
        assert [row["index"] for row in everything["rows"]] == list(reversed(range(house.cell.log.size())))
        kinds = {row["kind"] for row in (await opal.json("/log.json?kind=decision"))["rows"]}
        assert kinds == {"decision"}
        streams = {row["stream"] for row in (await opal.json(f"/log.json?search={run.id}"))["rows"]}
        assert streams == {run.id}
        assert [row["index"] for row in (await opal.json("/log.json?search=%232"))["rows"]] == [2]
        assert "No entry fits" in (await opal.get("/log?search=nothing")).text


async def test_a_proof_is_a_file_that_the_public_key_checks(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        await work(house.cell, "Please refund 20")
        await signed(house)
        page = await opal.get("/log/5")
        assert "Download the proof" in page.text
        answer = await opal.client.get("/log/5/proof")
        assert answer.headers["content-disposition"] == 'attachment; filename="refunds-5.tlog-proof"'
        assert verify_proof(answer.text, house.cell.log.public_key)


async def test_an_entry_no_checkpoint_covers_says_so(tmp_path: Path) -> None:
    async with open_house(tmp_path, clock=SettableClock()) as house, house.visitor(OPAL) as opal:
        last = house.cell.log.size() - 1
        assert "No checkpoint covers it yet" in (await opal.get(f"/log/{last}")).text
        await opal.get("/log/9999", status=404)


async def test_a_log_that_holds_is_said_to_hold_with_its_size(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        await work(house.cell, "Please refund 20")
        await signed(house)
        told = await verified(house, opal)
        assert "✓ It holds" in told.text
        assert OPAL in told.text
        assert (await opal.json("/log/verification.json"))["ok"] is True


async def test_a_log_somebody_edited_is_said_not_to_hold_and_where(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        await work(house.cell, "Please refund 20")
        await signed(house)
        assert edit_log(house.cell.database, "refund-desk", "refund-dusk")
        told = await verified(house, opal)
        assert "✕ It does not hold" in told.text
        assert "✓" not in told.text


async def test_it_is_held_against_an_older_checkpoint_somebody_kept(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_house(tmp_path, clock=clock) as house, house.visitor(OPAL) as opal:
        kept = (await opal.json("/log.json")) and house.cell.log.latest_checkpoint()
        assert kept
        clock.advance(2 * SECOND)
        await work(house.cell, "Please refund 20")
        await signed(house)
        assert "the older checkpoint is contained" in (await verified(house, opal, since=kept)).text
        assert "✕" in (await verified(house, opal, since=kept.replace("refunds", "others"))).text
