"""A run keeps the release it was pinned to, whatever the folder says later."""

from pathlib import Path

from tests.gateway.desk import CARA, REFUNDS

from remit.journal import RunState
from remit.registry import ReleaseState
from remit.testing import open_fleet

CONTRACT = "agents/refund-desk.agent.md"


def newer(text: str) -> str:
    return text.replace("version: 1.0.0", "version: 1.1.0").replace("amount <= 500", "amount <= 300")


def about_another(text: str) -> str:
    return text + '@id("org/new") @because("new") forbid (principal == Fleet::Agent::"new-desk", action, resource);'


async def test_a_version_that_left_the_folder_is_restored_among_the_agents_org_policies_name(tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    value = {"order_id": "R-2", "message": "Please refund 400 of order R-2."}
    async with open_fleet(REFUNDS, folder) as cell:
        old = await cell.operations.submit("refund-desk", value, on_behalf_of="ann@shop.example")
    text = (folder / CONTRACT).read_text(encoding="utf-8")
    other = text.replace("agent: refund-desk", "agent: new-desk").replace("ticket.created", "ticket.reopened")
    (folder / "agents/new-desk.agent.md").write_text(other, encoding="utf-8")
    edit = {CONTRACT: newer, "policies/org.cedar": about_another}
    async with open_fleet(REFUNDS, folder, edit=edit) as cell:
        assert (await cell.operations.drive(old.run.id)).state is RunState.WAITING


async def test_a_waiting_run_goes_on_under_its_own_version_after_a_newer_one_was_loaded(tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    value = {"order_id": "R-2", "message": "Please refund 400 of order R-2."}
    async with open_fleet(REFUNDS, folder) as cell:
        old = await cell.operations.submit("refund-desk", value, on_behalf_of="ann@shop.example")
        assert (await cell.operations.drive(old.run.id)).state is RunState.WAITING
    async with open_fleet(REFUNDS, folder, edit={CONTRACT: newer}) as cell:
        versions = {version.version: version.state for version in cell.parts.registry.versions("refund-desk")}
        assert versions == {"1.0.0": ReleaseState.DRAINING, "1.1.0": ReleaseState.APPROVED}
        (question,) = cell.parts.approvals.listing(state="pending")
        await cell.operations.answer(question.id, person=CARA, answer="approve")
        run = await cell.operations.drive(old.run.id)
        assert (run.state, run.version) == (RunState.DONE, "1.0.0"), run.reason
        new = await cell.operations.submit("refund-desk", value, on_behalf_of="ann@shop.example")
        assert new.run.version == "1.1.0"
