"""Tokens over the API: one sees one's own, the platform team everybody's, and each ends for good."""

from pathlib import Path

from tests.endpoints.rest.counter import OTTO, PIA, VERA, open_counter

from remit.operations import person_actor


async def test_one_sees_ones_own_tokens_and_the_platform_team_everybodys(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        for person in (OTTO, VERA, PIA):
            await counter.token(person)
        for person, owners in ((OTTO, [OTTO]), (VERA, [VERA]), (PIA, [PIA, VERA, OTTO])):
            rows = (await counter.get("/tokens", person)).json()
            assert [row["owner"] for row in rows] == owners
            assert all(row["as"] == row["owner"] and row["state"] == "live" for row in rows)
            assert not any(secret in str(rows) for secret in counter.tokens.values())


async def test_a_token_ends_for_good_by_whoever_may_end_it(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        name = (await counter.token(OTTO)).split("_")[1]
        assert (await counter.send("DELETE", f"/tokens/{name}", VERA)).status_code == 403
        ended = await counter.send("DELETE", f"/tokens/{name}", PIA)
        assert (ended.status_code, ended.json()["state"], ended.json()["revoked_by"]) == (200, "revoked", PIA)
        assert (await counter.get("/me")).status_code == 401
        assert (await counter.send("DELETE", f"/tokens/{name}", PIA)).status_code == 409
        assert (await counter.send("DELETE", "/tokens/nothing", PIA)).status_code == 404


async def test_a_token_holds_no_more_than_it_was_made_for(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        person = counter.cell.parts.people.person(OTTO)
        actor = person_actor(person, "command line")
        _, token = await counter.cell.access.create_token(actor, name="start", permissions=["fleet:runs:start"])
        me = (await counter.get("/me", token=token)).json()
        assert me == {"id": OTTO, "roles": ["operator"], "units": [], "permissions": ["fleet:runs:start"]}
        body = {"agent": "refund-desk", "input": {"order_id": "R-1", "message": "please"}}
        started = await counter.post("/tasks?wait=10", body, token=token)
        assert (started.status_code, started.json()["state"]) == (201, "done")
        assert (await counter.get("/runs", token=token)).status_code == 403
        assert (await counter.post("/tasks", {**body, "on_behalf_of": VERA}, token=token)).status_code == 403
