"""Recorded conversations as hosted runs of the desk: undisturbed, each ends where its permitted writes lead to."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.remit_fleets.desk import FLEET, use
from tests.remit_fleets.recorded_desk import play, recorded_model

from remit.gateway import ToolError
from remit.gateway.providers import RecordedProvider
from remit.journal import RunState
from remit.testing import open_fleet
from remit_fleets.retail import GPT_4O, HAIKU_45, Conversation, Customer, Shop, load_conversations
from remit_fleets.retail.demo import rounded
from remit_fleets.retail.per_task import ShopPerTask

# Enough for every kind of denial to be among them; all of them are the benchmark's work.
EVERY = 6


async def after_permitted_writes(start: Shop, conversation: Conversation) -> Any:
    """Returns what differs in a fresh shop after the writes whose label permits them."""
    shop, calls = start.fresh(), {call.event: call for call in conversation.calls}
    for label in conversation.labels:
        if label["verdict"] == "allow":
            call = calls[label["e"]]
            await use(shop, call.tool, call.arguments)
    changed = shop.changed_since(start)
    shop.close()
    return rounded(changed)


async def differences(folder: Path, start: Shop, played: Sequence[Conversation]) -> list[str]:
    shop = ShopPerTask(start.fresh())
    servers = {"shop": shop, "customer": Customer({one.ticket: one.replies for one in played})}
    providers = {"recorded": RecordedProvider({one.ticket: one.answers for one in played})}
    wrong: list[str] = []
    async with open_fleet(FLEET, folder, servers=servers, providers=providers, change=recorded_model) as cell:
        for conversation in played:
            run = await play(cell, conversation.task_input)
            ended = rounded(shop.changed(run.task))
            if run.state is not RunState.DONE or ended != await after_permitted_writes(start, conversation):
                wrong.append(f"{conversation.ticket}: {run.state} {run.reason}")
            shop.forget(run.task)
    return wrong


@pytest.mark.parametrize(("model", "size"), [(GPT_4O, 100), (HAIKU_45, 114)])
async def test_an_undisturbed_run_ends_where_the_permitted_writes_lead_to(
    tau: Path, tau_shop: Shop, tmp_path: Path, model: str, size: int
) -> None:
    recorded = load_conversations(tau.parent, model)
    assert len(recorded) == size
    assert await differences(tmp_path / "fleet", tau_shop, recorded[::EVERY]) == []


async def test_permitted_writes_are_ones_the_shop_accepts(tau: Path, tau_shop: Shop) -> None:
    for model in (GPT_4O, HAIKU_45):
        for conversation in load_conversations(tau.parent, model):
            try:
                await after_permitted_writes(tau_shop, conversation)
            except ToolError as refusal:
                pytest.fail(f"{conversation.ticket}: {refusal}")
