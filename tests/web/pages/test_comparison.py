"""Two runs side by side."""

from pathlib import Path

from tests.web.pages.visit import OPAL, VERA, open_house


async def test_two_runs_stand_side_by_side_and_where_they_part_is_marked(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        run = await house.work("Please refund 450.00 of my order R-2.", order="R-2")
        fork = (await house.cell.operations.fork(run, 3, by=OPAL)).id
        await house.drive(fork)
        address = f"/comparison?left={run}&right={fork}"
        page = await opal.get(address)

        assert (await opal.json(address.replace("?", ".json?")))["parted"] == 3, "what was copied is the same"
        assert "They part at step 3" in page.text
        assert page.text.index("Step 2") < page.text.index("Here they part") < page.text.index("Step 3")
        assert "verdict, state" in page.text
        assert {f"/runs/{run}", f"/runs/{fork}"} <= set(page.links)


async def test_fields_that_differ_are_named(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        left = await house.work("Please refund 20.00 of my order R-1.")
        right = await house.work("Please refund 30.00 of my order R-1.")
        async with house.visitor(OPAL) as opal:
            page = await opal.get(f"/comparison?left={left}&right={right}")
            assert "amount 20 30" in page.text
        async with house.visitor(VERA) as vera:
            page = await vera.get(f"/comparison?left={left}&right={right}")
            assert "arguments" not in page.text, "they could guess"
            assert "amount" not in page.text


async def test_the_same_run_does_not_differ_from_itself(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        run = await house.work("Please refund 20.00 of my order R-1.")

        assert "No step differs" in (await opal.get(f"/comparison?left={run}&right={run}")).text


async def test_a_run_that_is_not_there_is_told_in_place(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        run = await house.work("Please refund 20.00 of my order R-1.")
        page = await opal.get(f"/comparison?left={run}&right=run_nothing")

        assert "run_nothing" in page.text
        assert page.form("/comparison").values == {"left": run, "right": "run_nothing"}
        assert (await opal.client.get(f"/comparison.json?left={run}&right=run_nothing")).status_code == 404
