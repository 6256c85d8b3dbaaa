"""Each way in which Cedar, used carelessly, lets something pass: here it does not."""

import gc
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from policy.refund_fleet import LEE, MODELS, ORG, REFUND, approved, bundle, refund
from remit.core import IntegrityError
from remit.policy import Bundle, Policy, Rung, load

policy = Policy(MODELS)
WIDE: dict[str, Any] = {"tools": [{"use": REFUND.name, "autonomy": [{"level": "autonomous"}]}]}
CONTEXT = {"Var": "context"}
FORBID = {"effect": "forbid", "principal": {"op": "All"}, "action": {"op": "All"}, "resource": {"op": "All"}}


def attribute(of: Any, name: str) -> dict[str, Any]:
    return {".": {"left": of, "attr": name}}


def tampered(change: Callable[[dict[str, Any]], None], **changes: Any) -> Bundle:
    """Returns a bundle as it would be had a mistake got past every check."""
    parts = json.loads(bundle(**changes).source())
    change(parts)
    return load(json.dumps(parts).encode())


def with_policy(body: Any, *, effect: str = "forbid", noted: bool = True) -> Bundle:
    def add(parts: dict[str, Any]) -> None:
        parts["policies"]["org/bad"] = {**FORBID, "effect": effect, "conditions": [{"kind": "when", "body": body}]}
        if noted:
            note: dict[str, Any] = {
                "effect": effect,
                "because": "",
                "source": "",
                "text": "",
                "action": "",
                "quorum": [],
            }
            parts["notes"]["org/bad"] = note

    return tampered(add, **WIDE)


ABSENT = {"==": {"left": attribute(attribute(CONTEXT, "facts"), "absent"), "right": {"Value": 1}}}
OVERFLOWS = {"*": {"left": attribute(attribute(CONTEXT, "session"), "hops"), "right": {"Value": 2**63 - 1}}}
MISSING = {"Value": {"__entity": {"type": "Fleet::Agent", "id": "nobody"}}}


@pytest.mark.parametrize(
    "body",
    [
        ABSENT,
        {">": {"left": OVERFLOWS, "right": {"Value": 1}}},
        {"==": {"left": attribute(MISSING, "owner"), "right": {"Value": ""}}},
    ],
    ids=["absent field", "overflow", "missing entity"],
)
def test_a_forbid_that_fails_is_a_denial(body: Any) -> None:
    assert policy.judge(bundle(**WIDE), refund(10, hops=2)).rung is Rung.AUTONOMOUS
    verdict = policy.judge(with_policy(body), refund(10, hops=2))
    assert verdict.rung is None
    assert "error while evaluating policy `org/bad`" in verdict.answers[0].errors[0]
    assert "could not be judged" in verdict.hint


def test_a_policy_nothing_is_known_of_does_not_start() -> None:
    with pytest.raises(IntegrityError, match="what is known of them differ"):
        with_policy(ABSENT, effect="permit", noted=False)


def test_a_permit_that_fails_only_does_not_permit() -> None:
    verdict = policy.judge(with_policy(ABSENT, effect="permit"), refund(10))
    assert verdict.rung is Rung.AUTONOMOUS
    assert verdict.answers[0].errors


def test_a_bundle_without_action_groups_does_not_start() -> None:
    def ungroup(parts: dict[str, Any]) -> None:
        parts["schema"]["Fleet"]["actions"]["SelfTest"]["memberOf"] = []

    with pytest.raises(IntegrityError, match="self-test"):
        tampered(ungroup)


def test_a_bundle_without_the_built_in_forbids_does_not_start() -> None:
    def remove(parts: dict[str, Any]) -> None:
        del parts["policies"]["remit/subjects"], parts["notes"]["remit/subjects"]

    with pytest.raises(IntegrityError, match="self-test"):
        tampered(remove)


def test_a_bundle_whose_parts_do_not_fit_does_not_start() -> None:
    def forget(parts: dict[str, Any]) -> None:
        del parts["schema"]["Fleet"]["entityTypes"]["ToolServer"]

    with pytest.raises(IntegrityError, match="does not hold together"):
        tampered(forget)


def test_who_is_not_in_the_bundle_is_not_asked_about() -> None:
    def leave(parts: dict[str, Any]) -> None:
        parts["entities"] = [each for each in parts["entities"] if each["uid"]["type"] != "Fleet::ToolServer"]

    verdict = policy.judge(tampered(leave, **WIDE), refund(10))
    assert verdict.rung is None
    assert "does not grant" in verdict.hint


def test_an_enum_in_a_question_is_compared_as_an_enum() -> None:
    org = """@id("org/no-dollars") @because("euros only")
    forbid (principal, action == Fleet::Action::"payments__refund", resource)
    when { context.input.currency == Fleet::payments__refund_Input_currency::"USD" };"""
    euros = bundle(org, **WIDE)
    dollars = {"order_id": "o", "amount": 1, "currency": "USD"}
    assert policy.judge(euros, refund(1)).rung is Rung.AUTONOMOUS
    assert policy.judge(euros, refund(1, arguments=dollars)).rung is None
    assert policy.judge(euros, refund(1, arguments={**dollars, "currency": "GBP"})).rung is None


@pytest.mark.parametrize(
    "group", ["CallTool", "Mcp", "writes", "irreversible", "risk_high", "environment_production", "money_movement"]
)
def test_a_forbid_on_each_group_of_a_tool_holds(group: str) -> None:
    org = f'@id("org/g") @because("b") forbid (principal, action in Fleet::Action::"{group}", resource);'
    verdict = policy.judge(bundle(org, **WIDE), refund(10))
    assert verdict.rung is None
    assert verdict.answers[0].reasons[0].policy == "org/g"


@pytest.mark.parametrize(
    ("amount", "because"),
    [
        (50.00001, "4 decimals"),
        (Decimal("0.00001"), "4 decimals"),
        (1e-7, "4 decimals"),
        (1e300, "too large"),
        (Decimal("922337203685477.5808"), "too large"),
        (float("nan"), "too large"),
        (float("inf"), "too large"),
        ("10", "another type"),
        (True, "another type"),
        ([10], "another type"),
        ({"value": 10}, "another type"),
    ],
)
def test_a_number_cedar_would_misread_is_a_denial_that_says_so(amount: Any, because: str) -> None:
    arguments = {"order_id": "o", "amount": amount, "currency": "EUR"}
    verdict = policy.judge(bundle(), refund(1, arguments=arguments))
    assert verdict.rung is None
    assert because in verdict.hint
    assert "input.amount" in verdict.hint
    assert verdict.answers[0].errors


@pytest.mark.parametrize(
    "amount", [50, 50.0, Decimal("50.0000"), Decimal("50.00000000"), Decimal("5E+1"), 49.9999, 0, -1]
)
def test_a_number_is_judged_exactly(amount: Any) -> None:
    arguments = {"order_id": "o", "amount": amount, "currency": "EUR"}
    assert policy.judge(bundle(), refund(1, arguments=arguments)).rung is Rung.AUTONOMOUS


def test_the_least_more_than_a_limit_is_more() -> None:
    arguments = {"order_id": "o", "amount": 50.0001, "currency": "EUR"}
    assert policy.judge(bundle(), refund(1, arguments=arguments)).rung is Rung.ASK


@pytest.mark.parametrize(
    "arguments",
    [
        {"order_id": "o", "currency": "EUR"},
        {"order_id": "o", "amount": None, "currency": "EUR"},
        {"order_id": "o", "amount": 1},
        {"order_id": "o", "amount": 1, "currency": 1},
        {"order_id": "o", "amount": 1, "currency": "\ud800"},
        {"order_id": "o", "amount": 1, "currency": "EUR", "partial": "yes"},
        {},
    ],
)
def test_an_input_that_does_not_fit_is_a_denial(arguments: dict[str, Any]) -> None:
    assert policy.judge(bundle(), refund(1, arguments=arguments)).rung is None


def test_what_no_policy_mentions_cannot_get_in_the_way() -> None:
    odd = {"order_id": "\ud800" * 100_000, "amount": 1, "currency": "EUR", "items": 2**80, "extra": object()}
    assert policy.judge(bundle(), refund(1, arguments=odd)).rung is Rung.AUTONOMOUS


@pytest.mark.parametrize("items", [2**63, -(2**63) - 1, 2**80, 1.5, "1", True])
def test_an_integer_out_of_range_is_a_denial(items: Any) -> None:
    counted = bundle(tools=[{"use": REFUND.name, "autonomy": [{"when": "items != 7", "level": "autonomous"}]}])
    arguments = {"order_id": "o", "amount": 1, "currency": "EUR", "items": items}
    assert policy.judge(counted, refund(1, arguments=arguments)).rung is None
    assert policy.judge(counted, refund(1, arguments={**arguments, "items": 3.0})).rung is Rung.AUTONOMOUS


@pytest.mark.parametrize(
    ("due", "rung"),
    [
        ("2026-01-01", Rung.AUTONOMOUS),
        ("2026-01-02", None),
        ("2026-01-01T23:00:00-02:00", None),
        ("2026-01-02T00:30:00+01:00", Rung.AUTONOMOUS),
        ("2026-01-01T00:00:00.000001Z", None),
        ("2026-01-01T00:00:00", None),
        ("soon", None),
        (20260101, None),
    ],
)
def test_dates_are_compared_as_moments(due: Any, rung: Rung | None) -> None:
    dated = bundle(tools=[{"use": REFUND.name, "autonomy": [{"when": "due < '2026-01-02'", "level": "autonomous"}]}])
    arguments = {"order_id": "o", "amount": 1, "currency": "EUR", "due": due}
    assert policy.judge(dated, refund(1, arguments=arguments)).rung is rung


def test_a_permit_names_its_rung() -> None:
    parts = json.loads(bundle(escalate=[{"when": "amount > 10", "to": "treasurer"}]).source())
    own = {name: est for name, est in parts["policies"].items() if est["effect"] == "permit"}
    assert own
    for name, est in own.items():
        text = json.dumps(est["conditions"])
        assert name.startswith("agent/refund-agent@3.0.0/")
        assert '"attr": "autonomy"' in text
        assert est["action"]["op"] == "==" or name.endswith("/memory")
        assert est["principal"]["op"] == "==" or est["principal"]["entity"]["type"] == "Fleet::Role"


def test_an_approval_is_only_looked_at_on_its_own_rung() -> None:
    verdict = policy.judge(bundle(ORG), refund(10, approval=approved(LEE)))
    assert verdict.rung is Rung.APPROVED
    assert [answer.rung for answer in verdict.answers] == [Rung.APPROVED]


def asked_of_cedar(judged: Bundle, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Returns a list that grows with each question Cedar is asked."""
    asked = list[str]()
    ask = type(judged.handles).ask

    def noted(handles: Any, requests: list[dict[str, Any]]) -> Any:
        asked.extend(str(request["context"]) for request in requests)
        return ask(handles, requests)

    monkeypatch.setattr(type(judged.handles), "ask", noted)
    return asked


def test_what_differs_in_nothing_a_policy_reads_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    judged, own = bundle(ORG), Policy(MODELS)
    asked = asked_of_cedar(judged, monkeypatch)
    first = own.judge(judged, refund(10))
    assert asked
    asked.clear()
    assert own.judge(judged, refund(10, digest="sha256:other", on_behalf_of="ann@acme.example")) == first
    assert asked == []


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 10.01},
        {"hops": 1},
        {"subject": "outside"},
        {"refused_before": True},
        {"approval": approved(LEE)},
        {"person": LEE.id, "roles": LEE.roles},
    ],
    ids=str,
)
def test_what_differs_in_something_a_policy_reads_is_asked_anew(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    judged, own = bundle(ORG), Policy(MODELS)
    own.judge(judged, refund(10))
    asked = asked_of_cedar(judged, monkeypatch)
    own.judge(judged, refund(**{"amount": 10, **changes}))
    assert asked


def test_another_bundle_is_asked_for_itself() -> None:
    asking = [{"level": "human-in-the-loop", "by": "finance-lead"}]
    narrow = bundle(tools=[{"use": REFUND.name, "autonomy": asking}])
    assert policy.judge(bundle(**WIDE), refund(10)).rung is Rung.AUTONOMOUS
    assert policy.judge(narrow, refund(10)).rung is Rung.ASK


ALIKE: list[dict[str, Any]] = [
    *({"items": value} for value in (1, 1.0, True, False, 0, -0.0, "1", 2**63 - 1, 2**63, None)),
    *({"amount": value} for value in (1, 1.0, True, Decimal("1.0000"), Decimal("1.00001"), "1", 0.1 + 0.2, 0.3, -0.0)),
    *({"amount": value} for value in (Decimal("NaN"), float("inf"), Decimal("1E+2"), 100)),
    *({"partial": value} for value in (True, False, 1, 0, "true", None)),
    *(
        {"order_id": value}
        for value in ("\u00e9", "e\u0301", "\U0001f600", "\ud83d\ude00", "\ud83d", "\\ud83d", "", "o\u0000")
    ),
    *({"order_id": value} for value in ('{"__entity":{"type":"Fleet::Agent","id":"a"}}', '","amount":"1.0"', "1")),
    *({"tags": value} for value in ([], ["gift"], ["gift", "gift"], ["GIFT"], "gift", ["\u0261ift"], [None])),
    *({"due": value} for value in ("2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "2026-01-02")),
]
READS_ALL = [
    {"when": "amount == 1 and items == 1", "level": "autonomous"},
    {"when": "partial", "level": "human-in-the-loop", "by": "finance-lead"},
    {"when": "order_id in ['\u00e9', '\U0001f600', '1'] or 'gift' in tags", "level": "autonomous"},
    {"when": "due == '2026-01-01' or amount == 100 or items == 0", "level": "human-in-the-loop", "by": "treasurer"},
    {"when": "facts.recipients == 1", "level": "human-led"},
    {"when": "facts.score == 1", "level": "human-led"},
]


def test_questions_that_look_alike_do_not_get_each_others_answers() -> None:
    judged = bundle(ORG, tools=[{"use": REFUND.name, "autonomy": READS_ALL}])
    told: dict[str, Any] = {
        "order_id": "o",
        "amount": 7,
        "currency": "EUR",
        "partial": False,
        "items": 7,
        "tags": [],
        "due": "2027-01-01",
    }
    arguments: list[dict[str, Any]] = [{**told, **changes} for changes in ALIKE]
    facts: list[dict[str, Any]] = [{"recipients": value} for value in (1, 1.0, True)] + [
        {"score": value} for value in (1, 1.0, True, "1")
    ]
    questions = [refund(7, arguments=each) for each in arguments] + [
        refund(7, arguments=told, facts=each) for each in facts
    ]
    questions += [
        refund(7, arguments=told, hops=hops, intent=intent) for hops, intent in ((0, "0"), (1, "0"), (0, "1"))
    ]
    alone, together = Policy(MODELS, answers_kept=0), Policy(MODELS)
    fresh = [alone.judge(judged, question) for question in questions]
    for order in (questions, questions[::-1]):
        for question in order:
            together.judge(judged, question)
    assert [together.judge(judged, question) for question in questions] == fresh
    assert len({verdict.rung for verdict in fresh}) == 4


def test_an_answer_with_an_error_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    failing = with_policy(ABSENT)
    policy.judge(failing, refund(10))
    asked = asked_of_cedar(failing, monkeypatch)
    assert policy.judge(failing, refund(10)).rung is None
    assert asked


def test_a_bundle_made_anew_from_the_same_text_knows_the_answers_and_one_nobody_uses_leaves_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def bundles() -> int:
        gc.collect()
        return sum(isinstance(each, Bundle) for each in gc.get_objects())

    own, before = Policy(MODELS), bundles()
    judged = bundle(ORG, purpose="Leaves.")
    own.judge(judged, refund(10))
    again = load(judged.source())
    del judged
    assert bundles() == before + 1
    asked = asked_of_cedar(again, monkeypatch)
    own.judge(again, refund(10))
    assert asked == []
