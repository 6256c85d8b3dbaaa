"""The support fleet's folder: no mistakes, duties kept apart, and cases that are what the contracts say."""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from remit.contracts import Fleet, check_fleet, compile_schema, read_fleet
from remit.policy import Policy
from remit_fleets.support.simulated import answer

FOLDER = Path(str(files("remit_fleets.support")))
AGENTS = ("triage", "refund-desk", "account-care", "closures", "follow-up")


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    fleet, findings = read_fleet(FOLDER)
    assert findings == []
    return fleet


def cases(agent: str) -> list[Mapping[str, Any]]:
    return yaml.safe_load((FOLDER / f"cases/{agent}.yaml").read_text(encoding="utf-8"))["cases"]


def test_contracts_and_policies_hold_no_mistake_and_no_warning(fleet: Fleet) -> None:
    assert sorted(fleet.contracts) == sorted(AGENTS)
    assert check_fleet(fleet) == []
    assert Policy({"simulated": False}).check(fleet) == []


def test_whoever_answers_owns_no_agent_and_no_work_is_done_for_them(fleet: Fleet) -> None:
    asking = {"care-lead", "trust-lead", "treasurer"}
    answering = {person.id for person in fleet.people.values() if asking & set(person.roles)}
    owners = {contract.terms.owner for contract in fleet.contracts.values()}
    assert answering.isdisjoint({*owners, "mailbox@lumen.example"})
    for role in asking:
        assert sum(role in person.roles for person in fleet.people.values()) > 1, role
    assert fleet.people["mailbox@lumen.example"].roles == ()


def test_no_agent_may_take_out_or_delete_customers(fleet: Fleet) -> None:
    for contract in fleet.contracts.values():
        assert set(contract.terms.never) == {"shop__export_customers", "shop__delete_customer"}, contract.name


def test_what_is_said_to_and_about_a_customer_is_marked_as_theirs(fleet: Fleet) -> None:
    for contract in fleet.contracts.values():
        for schema in (contract.terms.input, contract.terms.output):
            for name, part in schema["properties"].items():
                if name.endswith("_why"):
                    assert part["x-subject"] == "customer", (contract.name, name)


def test_every_refusal_goes_back_to_the_model_and_then_to_a_person(fleet: Fleet) -> None:
    for contract in fleet.contracts.values():
        assert contract.terms.refine.steps, contract.name
        assert contract.terms.refine.to, contract.name


@pytest.mark.parametrize("agent", AGENTS)
def test_every_case_belongs_to_an_edge_case_and_fits_the_agents_input(fleet: Fleet, agent: str) -> None:
    contract, found = fleet.contracts[agent], cases(agent)
    named = {edge.case for edge in contract.edge_cases}
    assert len(found) >= 5
    assert named == {f"cases/{agent}.yaml#{case['name']}" for case in found}
    schema = compile_schema(contract.terms.input)
    assert {case["name"]: list(schema.problems(case["inputs"])) for case in found} == {
        case["name"]: [] for case in found
    }


def asked(fleet: Fleet, agent: str, case: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what the simulated model answers to a case, with the records it names."""
    records: dict[str, Any] = dict(case["metadata"].get("records", {}))
    given = case["inputs"]
    known = records.get("owner") == given.get("customer_id")
    order = {"known": known, "order_id": given.get("order_id"), "customer_id": given.get("customer_id")}
    order |= {"note": "", "total": 0.0} if known else {}
    account = {"customer_id": given.get("customer_id", "C-10008"), "open_orders": 0, "flagged": False}
    results: dict[str, Any]
    match agent:
        case "triage":
            known = {"known": True, "customer_id": "C-10001"}
            own: list[Any] = [{"order_id": f"S-1000{number:02}", "items": []} for number in range(1, 20)]
            results = {"1": {**known, **records}, "2": {"orders": own}}
        case "refund-desk":
            quote = {"due": records.get("due", 0), "refunded_recently": records.get("refunded_recently", 0)}
            results = {"1": {**order, **records}, "2": quote} if known else {"1": order, "2": None}
        case "account-care":
            results = {"1": {**account, **records}, "2": {**order, **records} if known else order}
        case "closures":
            known = records.get("known", True)
            results = {"1": {"known": known}, "2": {**account, **records} if known else {}}
        case _:
            results = {"1": {"effects": case["metadata"]["effects"]}}
    contract = fleet.contracts[agent]
    told = json.dumps({"input": given, "results": results})
    messages = [{"role": "system", "content": contract.instructions}, {"role": "user", "content": told}]
    return _after_its_denials(messages)


def _after_its_denials(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns the final answer of a model that may try what it must not, and writes what no message may hold."""
    message = answer({"messages": messages})
    if calls := message.get("tool_calls"):
        denied = [{"role": "tool", "tool_call_id": call["id"], "content": "Not permitted."} for call in calls]
        message = answer({"messages": [*messages, message, *denied]})
    if "password is" in message["content"]:
        refused = "Step 4, shop__send_message, was refused: a secret was taken out of it. Correct your answer."
        message = answer({"messages": [*messages, message, {"role": "user", "content": refused}]})
    return json.loads(message["content"])


@pytest.mark.parametrize("agent", AGENTS)
def test_the_simulated_model_answers_its_cases(fleet: Fleet, agent: str) -> None:
    for case in cases(agent):
        said = asked(fleet, agent, case)
        expected: dict[str, Any] = case.get("expected_output", {})
        assert {name: said.get(name) for name in expected} == expected, case["name"]
        if agent == "follow-up":
            words: dict[str, Any] = case["metadata"]
            assert all(part in said["text"] for part in words.get("says", [])), said["text"]
            assert not any(part in said["text"] for part in words.get("says_not", [])), said["text"]
