"""What a contract may say, and what it may not."""

from dataclasses import replace
from typing import Any

import pytest

from policy.refund_fleet import MODELS, REFUND, bundle, contract, fleet, refund
from remit.core import InputError
from remit.policy import Policy, Rung

policy = Policy(MODELS)


def allowed(when: str, **arguments: Any) -> bool:
    """Tells whether a refund with these arguments is autonomous under `when`."""
    one = bundle("", tools=[{"use": REFUND.name, "autonomy": [{"when": when, "level": "autonomous"}]}])
    given = {"order_id": "o-1", "amount": 10, "currency": "EUR", **arguments}
    facts = given.pop("facts", {})
    return policy.judge(one, refund(10, arguments=given, facts=facts)).rung is Rung.AUTONOMOUS


@pytest.mark.parametrize(
    ("when", "arguments", "expected"),
    [
        ("0 < amount <= 50", {}, True),
        ("0 < amount <= 9.9999", {}, False),
        ("amount in [10, 20]", {}, True),
        ("amount not in [10.0, 20]", {}, False),
        ("currency in ['EUR', 'USD']", {}, True),
        ("currency != 'EUR'", {}, False),
        ("order_id == 'o-1'", {}, True),
        ("order_id in ['o-2']", {}, False),
        ("partial", {"partial": True}, True),
        ("partial == False", {"partial": False}, True),
        ("not partial", {}, False),
        ("not (partial and amount > 5)", {"partial": False}, True),
        ("partial or amount == 10", {}, False),
        ("items >= 2 and items != 3", {"items": 2}, True),
        ("items <= 9223372036854775806", {"items": 2}, True),
        ("'gift' in tags", {"tags": ["gift", "gift"]}, True),
        ("'gift' not in tags", {"tags": []}, True),
        ("'gift' not in tags", {}, False),
        ("due >= '2026-01-01'", {"due": "2026-01-01"}, True),
        ("due == '2026-01-01'", {"due": "2026-01-02"}, False),
        ("address.country == 'DE'", {"address": {"country": "DE"}}, True),
        ("address.country == 'DE'", {}, False),
        ("address.floor > 1", {"address": {"country": "DE"}}, False),
        ("facts.recipients <= 1", {"facts": {"recipients": 1}}, True),
        ("facts.recipients <= 1", {"facts": {"recipients": None}}, False),
        ("facts.kind == 'old'", {"facts": {"kind": "old"}}, True),
        ("facts.amount_minor <= 1000", {}, True),
        ("facts.score < 0.5", {"facts": {"score": 0.4999}}, True),
    ],
)
def test_a_condition_means_what_it_says(when: str, arguments: dict[str, Any], expected: bool) -> None:
    assert allowed(when, **arguments) is expected


@pytest.mark.parametrize(
    ("when", "problem"),
    [
        ("amout <= 50", "Did you mean 'amount'"),
        ("facts.recipient <= 50", "Did you mean 'facts.recipients'"),
        ("facts == 1", "Unknown field 'facts'"),
        ("note == 'x'", "Unknown field 'note'"),
        ("anything == 'x'", "Unknown field 'anything'"),
        ("order_id.length > 3", "Unknown field"),
        ("currency == 'EURO'", "Did you mean 'EUR'"),
        ("currency in ['EUR', 'GBP']", "never 'GBP'"),
        ("amount <= '500'", "needs a number"),
        ("amount <= True", "needs a number"),
        ("amount == 50.00001", "4 decimals"),
        ("amount < 1000000000000000", "too large"),
        ("items < 2.5", "whole number"),
        ("items < 9223372036854775808", "whole number"),
        ("partial == 1", "true or false"),
        ("partial < True", "no order"),
        ("order_id < 'b'", "no order"),
        ("order_id == 5", "needs text"),
        ("currency", "not true or false"),
        ("amount in []", "empty list"),
        ("'x' in order_id", "Not a list"),
        ("tags == 'x'", "Not a single value"),
        ("address == 'x'", "Not a single value"),
        ("due > 'soon'", "Not a date"),
        ("due > '2026-01-01T00:00:00'", "Not an exact date"),
    ],
)
def test_a_condition_that_makes_no_sense_is_refused(when: str, problem: str) -> None:
    with pytest.raises(InputError, match="policies with mistakes") as refused:
        allowed(when)
    assert problem in refused.value.text()
    assert "agents/refund-agent.agent.md:14 tools[0].autonomy[0].when" in refused.value.text()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"tools": [{"use": "payments__refnd"}]}, "Did you mean 'payments__refund'"),
        ({"never": ("payments__nothing",)}, "no tool 'payments__nothing'"),
        ({"handoffs": ("nobody",)}, "no agent 'nobody'"),
        ({"approvers": ()}, "Nobody could answer"),
        ({"escalate": [{"when": "amount < 'x'", "to": "treasurer"}]}, "needs a number"),
        ({"approvers": ("a", "b", "c", "d", "e")}, "Too many roles"),
    ],
)
def test_a_contract_that_cannot_be_kept_is_refused(changes: dict[str, Any], problem: str) -> None:
    own = contract(**{"tools": [{"use": REFUND.name}], **changes})
    found = policy.check(whole := fleet("", own))
    assert any(problem in str(finding) for finding in found)
    assert policy.check(whole, compiled=False) == found
    with pytest.raises(InputError, match="policies with mistakes"):
        policy.bundle(whole, own)


def test_every_mistake_is_told_at_once() -> None:
    rules = [{"when": when, "level": "autonomous"} for when in ("amout < 5", "amount < 'x'", "amount < 5")]
    own = contract(tools=[{"use": REFUND.name, "autonomy": rules}, {"use": "payments__x"}], handoffs=("nobody",))
    assert len(policy.check(fleet("", own))) == 4


def test_naming_a_file_that_could_not_be_read_is_not_another_mistake() -> None:
    own = contract(tools=[{"use": "mail__send"}, {"use": REFUND.name}], handoffs=("broken-agent",))
    whole = replace(fleet("", own), unread=frozenset({"mail", "broken-agent"}))
    assert policy.check(whole) == []
    assert policy.judge(policy.bundle(whole, own), refund(10)).rung is Rung.ASK


def test_a_long_condition_fits() -> None:
    when = " or ".join(f"items == {number}" for number in range(65))
    assert allowed(when, items=64)
    assert not allowed(when, items=65)
