"""Policy files are read with suspicion: whatever could make a forbid silently not hold is found."""

import re
from dataclasses import replace

import pytest

from policy.refund_fleet import MODELS, ORG, bundle, contract, fleet, refund
from remit.contracts import Finding
from remit.core import InputError
from remit.policy import Policy, Rung

policy = Policy(MODELS)
REFUNDS = 'forbid (principal, action == Fleet::Action::"payments__refund", resource)'


def findings(text: str, *, named: bool = True) -> list[Finding]:
    return policy.check(fleet(('@id("org/x") @because("why") ' if named else "") + text))


def test_the_fleet_of_the_tests_has_no_mistakes() -> None:
    assert policy.check(fleet()) == []
    assert policy.check(fleet("")) == []
    assert Policy().check(fleet()) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (REFUNDS + " when { context.facts.recipients > 3 };", "optional attribute"),
        (REFUNDS + " when { context.facts has recipients && context.facts.recipients * 2 > 3 };", r"\* in a forbid"),
        (REFUNDS + " when { context.session.hops + 1 > 3 };", r"\+ in a forbid"),
        (REFUNDS + " when { -(context.session.hops) < -3 };", "- in a forbid"),
        (
            REFUNDS + ' when { context.system.now.offset(duration("1h")) < datetime("2026-01-01") };',
            "offset in a forbid",
        ),
        (REFUNDS + ' when { context.input.currency == Fleet::payments__refund_Input_currency::"EURO" };', "EURO"),
        (REFUNDS + ' when { context.session.autonomy == Fleet::Autonomy::"autonomus" };', "autonomus"),
        (REFUNDS + ' when { context.session.autonomy == "autonomous" };', "not compatible"),
        (REFUNDS + ' when { context.input has amont && context.input.amont == "x" };', "input.amont"),
        (REFUNDS + " when { context.facts has recipient && context.facts.recipient > 3 };", "facts.recipient "),
        (REFUNDS + ' when { context.input has note && context.input.note == "x" };', "input.note"),
        (REFUNDS + " when { context.input has address && context.input.address has land };", "input.land"),
        (REFUNDS + " when { context.input == context.input };", "context.input is used whole"),
        (REFUNDS + " when { {a: context} == {a: context} };", "context is used whole"),
        (REFUNDS + ' when { context.session.on_behalf_of in Fleet::Role::"treasurer" };', "String"),
        (REFUNDS + ' when { context.input.order_id == "\u043e-1" };', "look like others"),
        (REFUNDS + ' when { context.input.order_id == "\ufb01ne" };', "look like others"),
        ('forbid (principal == Fleet::Agent::"refund-agnt", action, resource);', "Did you mean 'refund-agent'"),
        ('forbid (principal in Fleet::Unit::"cars", action, resource);', "no Unit 'cars'"),
        ('forbid (principal in Fleet::Role::"treasurers", action, resource);', "no Role"),
        ('forbid (principal == Fleet::Human::"nobody", action, resource);', "no Human"),
        ('forbid (principal, action, resource == Fleet::ToolServer::"payment");', "no ToolServer"),
        ('forbid (principal, action, resource == Fleet::Model::"cloud");', "no Model"),
        ('forbid (principal, action in Fleet::Action::"money", resource);', "unrecognized action"),
        ('forbid (principal, action, resource) when { principal.owner == "x" };', "owner"),
        ("permit (principal, action, resource);", "a permit"),
        ("forbid (principal == ?principal, action, resource);", "template"),
        ("forbid (principal, action, resource) when { tru };", "not a Cedar policy"),
        (REFUNDS + " when { " + "!" * 200 + "true };", "not a Cedar policy"),
    ],
)
def test_a_mistake_is_found_and_nobody_acts_under_it(text: str, problem: str) -> None:
    found = findings(text)
    assert any(re.search(problem, str(finding)) for finding in found), found
    assert all(finding.file == "policies/org.cedar" and finding.severity == "error" for finding in found)
    with pytest.raises(InputError, match="policies with mistakes"):
        bundle('@id("org/x") @because("why") ' + text)


def test_a_policy_has_a_name_of_its_own_and_a_reason() -> None:
    forbid = "forbid (principal, action, resource);"
    assert [finding.problem for finding in findings(forbid, named=False)] == [
        "the policy has no usable @id",
        "the policy has no @because",
    ]
    assert "no @because" in findings(f'@id("a") {forbid}', named=False)[0].problem
    assert "second policy" in findings(f'{forbid} @id("org/x") @because("b") {forbid}')[0].problem
    for reserved in ("remit/hops", "agent/refund-agent"):
        assert "reserved" in findings(f'@id("{reserved}") @because("b") {forbid}', named=False)[0].problem


def test_a_mistake_has_the_line_of_its_policy() -> None:
    text = (
        'forbid (principal, action, resource) when { "a;\nb" == "//;" };\n\n// and; then\n\n@id("b")\nforbid (principal'
    )
    assert [finding.line for finding in findings(text)] == [6]


def test_a_policy_about_nothing_yet_is_only_a_warning() -> None:
    text = '@id("a") @because("b") forbid (principal, action in Fleet::Action::"regulated", resource);'
    (finding,) = policy.check(fleet(text))
    assert finding.severity == "warning"
    assert policy.judge(bundle(text), refund(10)).rung is Rung.AUTONOMOUS


def test_a_forbid_of_the_autonomous_rung_for_everybody_is_a_warning() -> None:
    condition = 'when { context.session.autonomy == Fleet::Autonomy::"autonomous" };'
    (finding,) = findings(f"{REFUNDS} {condition}")
    assert finding.severity == "warning"
    assert "principal is Fleet::Agent" in finding.suggestion


def test_people_are_not_checked_where_the_folder_does_not_know_them() -> None:
    text = '@id("a") @because("b") forbid (principal in Fleet::Role::"anybody", action, resource);'
    assert policy.check(replace(fleet(text), people={})) == []


def test_umlauts_are_letters() -> None:
    assert findings(REFUNDS + ' when { context.input.order_id == "Zürich" };') == []


def test_a_contract_that_does_not_compile_is_found_with_its_line() -> None:
    rule = {"when": "amout <= 50", "level": "autonomous"}
    broken = contract(tools=[{"use": "payments__refund", "autonomy": [rule]}])
    (finding,) = policy.check(fleet(ORG, broken))
    assert (finding.file, finding.line) == ("agents/refund-agent.agent.md", 14)
    assert finding.field == "tools[0].autonomy[0].when"
    assert finding.suggestion == "Did you mean 'amount'?"
