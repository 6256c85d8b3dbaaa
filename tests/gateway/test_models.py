"""Models are asked through the gateway: priced, masked, recorded, and their failures told in words."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.desk import SECRET, contract, denied_entry, done, failed, open_desk, refused

from remit.core import ModelRoute, Settings
from remit.gateway import Action, Check
from remit.gateway.providers import Completion, ProviderError, RecordedProvider
from remit.testing import FakeAnthropic, FakeOpenAI, completion, failure, says
from remit.testing.fake_anthropic import text
from remit.testing.fake_openai import chunks
from remit.testing.fake_server import event_stream

ASK: Mapping[str, Any] = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 50}
PER_CALL = 100 * 2 + 20 * 10  # the fake's usage at the route's prices, in micro-units


def live(base_url: str, **more: Any) -> Callable[[Settings], Settings]:
    """Returns a change of the settings: one live route, on the fake."""
    fields: dict[str, Any] = {"kind": "openai", "model": "fake", "base_url": base_url, "cloud": False, "timeout": 5}
    fields |= {"input_price": Decimal(2), "output_price": Decimal(10)}
    route = ModelRoute(**fields | more)

    def change(settings: Settings) -> Settings:
        return settings.model_copy(update={"models": {"simulated": route}})

    return change


def ask(step: int = 1, name: str = "simulated", **more: Any) -> Action:
    return Action("model", name, {**ASK, **more}, step)


async def test_a_live_answer_is_priced_and_settled(tmp_path: Path) -> None:
    async with FakeOpenAI([completion(says("Hi"))]) as fake, open_desk(tmp_path, change=live(fake.base_url)) as desk:
        value = done(await desk.cell.gateway.act(desk.credentials, ask()))
        assert value["message"]["content"] == "Hi"
        assert value["source"] == "live"
        (charge,) = desk.cell.parts.ledger.charges(desk.run.id)
        assert (charge.amount, charge.input_tokens, charge.output_tokens) == (PER_CALL, 100, 20)
        assert charge.priced
        assert desk.cell.parts.ledger.holds() == 0
        budget = desk.cell.parts.ledger.budget(f"run:{desk.run.id}")
        assert budget is not None
        assert (budget.held, budget.spent) == (0, PER_CALL)
        again = await desk.drive_again()
        assert done(await desk.cell.gateway.act(again.credentials, ask())) == value
        assert len(fake.seen) == 1


async def test_what_an_answer_may_cost_at_worst_is_reserved_before_it_is_asked(tmp_path: Path) -> None:
    edit = contract(("0.40 EUR", "0.0004 EUR"))
    async with FakeOpenAI([]) as fake, open_desk(tmp_path, change=live(fake.base_url), edit=edit) as desk:
        outcome = await desk.cell.gateway.act(desk.credentials, ask())
        assert refused(outcome).step is Check.RESERVE
        denied_entry(desk, outcome)
        assert fake.seen == []


async def test_a_secret_in_a_prompt_is_masked_before_it_is_sent(tmp_path: Path) -> None:
    messages = [{"role": "system", "content": "Rules"}, {"role": "user", "content": f"my key: {SECRET}"}]
    async with FakeOpenAI([completion(says("Hi"))]) as fake, open_desk(tmp_path, change=live(fake.base_url)) as desk:
        done(await desk.cell.gateway.act(desk.credentials, ask(messages=messages)))
        sent = json.dumps(fake.seen[0].body)
        assert SECRET not in sent
        assert "secret removed" in sent
        assert "secret" in str(desk.entries("decision")[0].fields["labels"])


async def test_a_secret_in_an_answer_is_masked_before_it_is_kept(tmp_path: Path) -> None:
    answer = completion(says(f"use {SECRET}"))
    async with FakeOpenAI([answer]) as fake, open_desk(tmp_path, change=live(fake.base_url)) as desk:
        assert SECRET not in str(done(await desk.cell.gateway.act(desk.credentials, ask())))


async def test_a_provider_that_fails_is_told_in_words_and_holds_nothing(tmp_path: Path) -> None:
    async with (
        FakeOpenAI([failure(400, "no such model")]) as fake,
        open_desk(tmp_path, change=live(fake.base_url)) as desk,
    ):
        assert "gave no answer" in failed(await desk.cell.gateway.act(desk.credentials, ask()))
        assert desk.cell.parts.ledger.holds() == 0


async def test_an_answer_that_broke_off_is_charged_by_what_came_and_within_what_was_held(tmp_path: Path) -> None:
    cut = event_stream(chunks(says("Let me look it up."))[:3], cut=True)
    async with (
        FakeOpenAI([cut, completion(says("Hi"))]) as fake,
        open_desk(tmp_path, change=live(fake.base_url)) as desk,
    ):
        assert "gave no answer" in failed(await desk.cell.gateway.act(desk.credentials, ask()))
        (charge,) = desk.cell.parts.ledger.charges(desk.run.id)
        worst = desk.cell.parts.models.worst_case("simulated", ASK)
        assert worst is not None
        assert 0 < charge.amount < worst
        assert (len(fake.seen), desk.cell.parts.ledger.holds()) == (1, 0)


async def test_a_lost_answer_that_nobody_knows_the_price_of_is_marked_as_unpriced(tmp_path: Path) -> None:
    edit = contract((", cost_per_run: 0.40 EUR, cost_per_day: 200 EUR", ""))
    cut = event_stream(chunks(says("Let me look it up."))[:3], cut=True)
    async with FakeOpenAI([cut] * 4) as fake:
        route = live(fake.base_url, input_price=None, output_price=None)

        def unbudgeted(settings: Settings) -> Settings:
            return route(settings).model_copy(update={"unit_budget_per_day": ""})

        async with open_desk(tmp_path, change=unbudgeted, edit=edit) as desk:
            assert "gave no answer" in failed(await desk.cell.gateway.act(desk.credentials, ask()))
            (charge,) = desk.cell.parts.ledger.charges(desk.run.id)
            assert (charge.amount, charge.priced) == (0, False)


async def test_a_model_of_anthropic_answers_through_the_gateway(tmp_path: Path) -> None:
    async with (
        FakeAnthropic(lambda _: [text("Hi")]) as fake,
        open_desk(tmp_path, change=live(fake.base_url, kind="anthropic")) as desk,
    ):
        value = done(await desk.cell.gateway.act(desk.credentials, ask()))
        assert (value["message"], value["source"]) == (says("Hi"), "live")
        (charge,) = desk.cell.parts.ledger.charges(desk.run.id)
        assert (charge.amount, charge.input_tokens, charge.output_tokens) == (PER_CALL, 100, 20)


async def test_what_cannot_be_said_to_the_routes_provider_is_refused_before_anything_is_held(tmp_path: Path) -> None:
    async with FakeAnthropic([]) as fake, open_desk(tmp_path, change=live(fake.base_url, kind="anthropic")) as desk:
        denied = refused(await desk.cell.gateway.act(desk.credentials, ask(seed=7)))
        assert denied.step is Check.INPUT
        assert "seed" in denied.words
        assert (fake.seen, desk.cell.parts.ledger.holds()) == ([], 0)


async def test_a_recorded_answer_comes_from_the_recording_of_its_task(tmp_path: Path) -> None:
    provider = RecordedProvider({"ticket-7": [says("first"), says("second")]})
    async with open_desk(tmp_path, providers={"simulated": provider}) as desk:
        assert "gave no answer" in failed(await desk.cell.gateway.act(desk.credentials, ask()))
        value = {"order_id": "R-1", "message": "x"}
        started = await desk.cell.operations.submit("refund-desk", value, on_behalf_of="a@b.example", dedup="ticket-7")
        from_recording = await desk.cell.parts.models.complete("simulated", ASK, task=started.task.reference)
        assert from_recording.message["content"] == "first"
        assert from_recording.kind == "recorded"


async def test_a_simulated_answer_costs_nothing_and_says_what_it_is(tmp_path: Path) -> None:
    told = json.dumps({"input": {}, "results": {"2": {"why": "of the rain"}}})
    async with open_desk(tmp_path) as desk:
        value = done(await desk.cell.gateway.act(desk.credentials, ask(messages=[{"role": "user", "content": told}])))
        assert value["source"] == "simulated"
        assert sum(charge.amount for charge in desk.cell.parts.ledger.charges(desk.run.id)) == 0
        assert {spent.source for spent in desk.cell.kpis.spending()} == {"simulated"}


@pytest.mark.parametrize(
    "more", [{"messages": "no list"}, {"messages": ["no message"]}, {"messages": [{"content": "x" * 2_000_000}]}]
)
async def test_a_request_that_is_none_is_refused(tmp_path: Path, more: Any) -> None:
    async with open_desk(tmp_path) as desk:
        outcome = await desk.cell.gateway.act(desk.credentials, ask(**more))
        assert refused(outcome).step <= Check.INPUT
        denied_entry(desk, outcome)


async def test_a_route_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        denied = refused(await desk.cell.gateway.act(desk.credentials, ask(name="gpt-9")))
        assert denied.step is Check.INPUT
        assert "simulated" in denied.hint


async def test_restricted_work_never_reaches_a_cloud_model(tmp_path: Path) -> None:
    def in_the_cloud(settings: Settings) -> Settings:
        route = settings.models["simulated"].model_copy(update={"cloud": True})
        return settings.model_copy(update={"models": {"simulated": route}})

    edit = contract(("privacy: internal", "privacy: restricted"))
    async with open_desk(tmp_path, change=in_the_cloud, edit=edit) as desk:
        outcome = await desk.cell.gateway.act(desk.credentials, ask())
        assert refused(outcome).step is Check.AUTHORITY


class Broken:
    """A provider with a mistake in it."""

    async def complete(self, request: Mapping[str, Any], *, task: str, **_: Any) -> Any:
        raise RuntimeError("a mistake")

    async def close(self) -> None:
        """Has nothing to close."""


async def test_a_provider_with_a_mistake_in_it_leaves_nothing_held(tmp_path: Path) -> None:
    async with open_desk(tmp_path, change=live("http://127.0.0.1:9/v1"), providers={"simulated": Broken()}) as desk:
        assert "a mistake" in failed(await desk.cell.gateway.act(desk.credentials, ask()))
        assert desk.cell.parts.ledger.holds() == 0


async def test_a_simulated_model_that_gives_no_answer_is_still_charged_as_simulated(tmp_path: Path) -> None:
    async with open_desk(tmp_path, providers={"simulated": Silent()}) as desk:
        assert "gave no answer" in failed(await desk.cell.gateway.act(desk.credentials, ask()))
        (charge,) = desk.cell.parts.ledger.charges(desk.run.id)
        assert charge.source == "simulated"


class Silent:
    """A provider that never answers."""

    async def complete(self, request: Mapping[str, Any], *, task: str, **_: Any) -> Completion:
        raise ProviderError("It is broken")

    async def close(self) -> None:
        """Has nothing to close."""
