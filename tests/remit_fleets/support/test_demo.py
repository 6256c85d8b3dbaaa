"""The support fleet's demo: arrivals, the shop's inbox, what customers say afterwards, and the truth."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.remit_fleets.support.shops import call, caller

from remit.app import Answered, Arrival, DemoTerms, LiveDemo
from remit.core import InputError
from remit_fleets.support.demo import ENDLESS_CUSTOMERS, MORE_CUSTOMERS, SupportDemo, work
from remit_fleets.support.shop import DATABASE, FAULTS, faults_now, open_shop
from remit_fleets.support.tickets import Tickets, write_tickets
from remit_fleets.support.world import make_world


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[SupportDemo]:
    made = work(DemoTerms(tmp_path, seed=7, tasks=400, file=None))
    yield made
    made.close()


def test_it_is_a_live_demo_that_says_what_is_invented(demo: SupportDemo) -> None:
    assert isinstance(demo, LiveDemo)
    assert "INVENTED (seed 7)" in demo.label
    assert demo.has_truth


def test_the_guide_and_the_mailbox_are_people_of_the_fleet(demo: SupportDemo) -> None:
    people = Path(__file__).parents[3].joinpath("src/remit_fleets/support/people.yaml").read_text(encoding="utf-8")
    assert f"id: {demo.guide}" in people
    assert f"id: {demo.on_behalf_of}" in people


def test_as_many_tickets_arrive_as_are_asked_for_and_always_the_same(demo: SupportDemo, tmp_path: Path) -> None:
    arrivals = list(demo.arrivals())
    again = work(DemoTerms(tmp_path / "again", seed=7, tasks=20, file=None))
    assert len(arrivals) == 400
    assert list(again.arrivals()) == arrivals[:20]
    assert {arrival.event for arrival in arrivals} == {"ticket.created"}
    assert arrivals[0].data.keys() == {"ticket", "from", "subject", "body"}
    assert len({arrival.key for arrival in arrivals}) == 400
    again.close()


def test_a_demo_without_an_end_gains_customers(tmp_path: Path) -> None:
    demo = work(DemoTerms(tmp_path, seed=7, tasks=None, file=None))
    arrivals = itertools.islice(demo.arrivals(), ENDLESS_CUSTOMERS + MORE_CUSTOMERS + 1)
    *_, last = arrivals
    shop = open_shop(tmp_path / DATABASE)
    count, senders = shop.execute("SELECT count(*), sum(email = ?) FROM customers", (last.data["from"],)).fetchone()
    assert last.key == f"T-7-{ENDLESS_CUSTOMERS + MORE_CUSTOMERS + 1:06}"
    assert (count, senders) == (ENDLESS_CUSTOMERS + 2 * MORE_CUSTOMERS, 1)
    shop.close()
    demo.close()


def test_tickets_lie_in_the_shops_inbox_with_their_customer(demo: SupportDemo, tmp_path: Path) -> None:
    arrivals = list(demo.arrivals())[:30]
    demo.put_in(arrivals)
    shop = open_shop(tmp_path / DATABASE)
    rows = dict(shop.execute("SELECT ticket, customer_id FROM tickets").fetchall())
    shop.close()
    world = make_world(7, 30)
    assert rows == {
        arrival.key: customer.customer_id if arrival.data["from"] == customer.email else ""
        for arrival, customer in zip(arrivals, world.customers, strict=True)
    }


def test_customers_rate_ask_for_people_and_appeal_with_an_event_of_its_own(demo: SupportDemo) -> None:
    said = {arrival.key: demo.signals(arrival) for arrival in demo.arrivals()}
    kinds = {signal.kind for signals in said.values() for signal in signals}
    assert kinds == {"satisfaction", "person", "appeal"}
    for key, signals in said.items():
        for signal in signals:
            assert (signal.score in range(1, 6)) == (signal.kind == "satisfaction")
            if signal.kind == "appeal":
                assert signal.arrival is not None
                assert (signal.arrival.key, signal.arrival.event) == (f"{key}-A", "ticket.appealed")
                assert demo.signals(signal.arrival) == ()
    assert any(signal.words for signals in said.values() for signal in signals if signal.kind == "satisfaction")


def _ordered(demo: SupportDemo, intent_effect: str) -> Arrival:
    tickets = Tickets(make_world(7, 400))
    for arrival, ticket in zip(demo.arrivals(), tickets, strict=False):
        if ticket.truth and [(one.tool, one.by) for one in ticket.truth.effects] == [(intent_effect, "agent")]:
            return arrival
    raise AssertionError("no such ticket")


def test_what_was_done_is_held_against_what_is_right(demo: SupportDemo, tmp_path: Path) -> None:
    arrival = _ordered(demo, "send_password_reset")
    demo.put_in([arrival])
    shop = open_shop(tmp_path / DATABASE)
    number = int(arrival.key.rpartition("-")[2])
    customer = make_world(7, 400).customers[number - 1].customer_id
    assert demo.wrong(arrival, "task_1", []) == [
        f"send_password_reset {customer} was not done",
        "the customer got no answer",
    ]
    call(shop, "send_password_reset", caller("r:1"), customer_id=customer)
    call(shop, "send_message", caller("r:2"), ticket=arrival.key, text="Hello.")
    assert demo.wrong(arrival, "task_1", []) == []
    shop.close()


def test_an_appeal_is_judged_as_one(demo: SupportDemo, tmp_path: Path) -> None:
    appeals = (one.arrival for arrival in demo.arrivals() for one in demo.signals(arrival) if one.arrival)
    appeal = next(appeals)
    demo.put_in([appeal])
    shop = open_shop(tmp_path / DATABASE)
    taken = {"ticket": appeal.key, "team": "trust-and-safety", "summary": "appeal"}
    call(shop, "take_over", caller("r:1"), **taken)
    call(shop, "send_message", caller("r:2"), ticket=appeal.key, text="A person looks at it.")
    assert demo.wrong(appeal, "task_1", [Answered("shop__take_over", taken, "approve", taken)]) == []
    assert demo.wrong(appeal, "task_1", []) != []
    shop.close()


def test_what_the_shop_did_under_a_key_is_told_as_it_would_have_been_answered(
    demo: SupportDemo, tmp_path: Path
) -> None:
    shop = open_shop(tmp_path / DATABASE)
    answered = call(shop, "send_password_reset", caller("run_1:4"), customer_id="C-10001")
    assert demo.happened("run_1:4") == answered.answer
    assert demo.happened("run_1:5") is None
    shop.close()


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_can_be_switched_on(fault: str, demo: SupportDemo, tmp_path: Path) -> None:
    demo.break_outside(fault, 60)
    shop = open_shop(tmp_path / DATABASE)
    assert faults_now(shop) == {fault}
    shop.close()


def test_an_unknown_fault_is_refused(demo: SupportDemo) -> None:
    with pytest.raises(InputError, match="There are slow, down"):
        demo.break_outside("on-fire", 1)


def test_a_person_tidies_an_address_and_leaves_a_refund_as_it_is_due(demo: SupportDemo) -> None:
    moved = {"customer_id": "C-1", "street": "calle Mirador 4", "postcode": "1234 AB", "city": "x", "country": "NL"}
    refund = {"order_id": "S-100001", "amount": 12.9, "reason": "returned"}
    assert demo.edited("shop__change_address", moved) == moved | {"street": "Calle Mirador 4", "postcode": "1234AB"}
    assert demo.edited("shop__issue_refund", refund) == refund
    assert demo.edited("shop__cancel_order", {"order_id": "S-1", "reason": "x"})["reason"] != "x"
    assert demo.edited("shop__take_over", {"ticket": "T", "summary": "See."})["summary"] == "See. To be answered today."


def test_a_users_own_tickets_arrive_instead_and_nobody_judges_them(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    write_tickets(path, [Tickets(make_world(7, 9)).ticket(number) for number in range(1, 10)])
    demo = work(DemoTerms(tmp_path, seed=7, tasks=5, file=path))
    arrivals = list(demo.arrivals())
    assert [arrival.key for arrival in arrivals] == [f"T-7-{number:06}" for number in range(1, 6)]
    assert not demo.has_truth
    assert "mine.csv" in demo.label
    assert demo.signals(arrivals[0]) == ()
    assert demo.wrong(arrivals[0], "task_1", []) == []
    demo.close()


def test_more_tickets_than_can_be_made_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at most 100,000 tickets"):
        work(DemoTerms(tmp_path, seed=7, tasks=100_001, file=None))
