"""A bundle is one immutable value: kept, sliced, and made again from its source."""

from collections.abc import Mapping
from typing import Any

import pytest

import remit.policy.assembly as assembly_module
from policy.refund_fleet import LOOK, MODELS, bundle, contract, fleet, refund
from remit.core import InputError
from remit.policy import Policy, load

policy = Policy(MODELS)


def test_a_bundle_is_kept_and_its_source_makes_the_same_again() -> None:
    own, whole = contract(), fleet()
    first = policy.bundle(whole, whole.contracts["refund-agent"])
    assert policy.bundle(whole, whole.contracts["refund-agent"]) is first
    again = load(first.source())
    assert again.digest == first.digest == bundle().digest
    assert bundle(approvers=("treasurer",)).digest != first.digest
    assert bundle(org="").digest != first.digest
    for amount in (10, 300, 9_000):
        assert policy.judge(again, refund(amount)) == policy.judge(first, refund(amount))
    assert own.digest == whole.contracts["refund-agent"].digest


def test_no_more_bundles_are_kept_than_agreed() -> None:
    small, whole = Policy(MODELS, bundles_kept=1), fleet()
    first = small.bundle(whole, whole.contracts["refund-agent"])
    small.bundle(whole, whole.contracts["fraud-agent"])
    again = small.bundle(whole, whole.contracts["refund-agent"])
    assert again is not first
    assert again.digest == first.digest


def test_only_policies_that_can_matter_are_in_the_slice() -> None:
    org = """
    @id("org/mine") @because("b") forbid (principal == Fleet::Agent::"refund-agent", action, resource);
    @id("org/other") @because("b") forbid (principal == Fleet::Agent::"fraud-agent", action, resource);
    @id("org/unit") @because("b") forbid (principal in Fleet::Unit::"care", action, resource);
    @id("org/look") @because("b") forbid (principal, action == Fleet::Action::"payments__look-up", resource);
    @id("org/erase") @because("b") forbid (principal, action == Fleet::Action::"payments__erase", resource);
    @id("org/people") @because("b") forbid (principal in Fleet::Role::"treasurer", action, resource);
    """
    kept = {name for name in bundle(org).notes if name.startswith("org/")}
    assert kept == {"org/mine", "org/unit", "org/look", "org/people"}


def test_what_agents_of_other_names_are_granted_is_validated_once_and_anything_else_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    validated, validate = list[str](), assembly_module.policy_problems

    def counted(policies: Mapping[str, Any], schema: Any) -> list[str]:
        validated.append(next(iter(policies)).split("/")[1])
        return validate(policies, schema)

    monkeypatch.setattr(assembly_module, "policy_problems", counted)
    first, second = contract(agent="first"), contract(agent="second", unit="sales")
    other = contract(agent="other", tools=[{"use": LOOK.name}])
    looser = contract(agent="looser", models={"max_tokens": 9000, "privacy": "internal"})
    whole = fleet("", first, second, other, looser)
    for each in (first, second, other, looser):
        assert policy.bundle(whole, each).agent == each.name
    assert validated == ["first@3.0.0", "other@3.0.0", "looser@3.0.0"]


def test_what_did_not_fit_is_refused_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing_fits(*_: object) -> list[str]:
        return ["it does not fit"]

    monkeypatch.setattr(assembly_module, "policy_problems", nothing_fits)
    first, second = contract(agent="first"), contract(agent="second")
    whole = fleet("", first, second)
    for each in (first, second, first):
        with pytest.raises(InputError, match="it does not fit"):
            policy.bundle(whole, each)
