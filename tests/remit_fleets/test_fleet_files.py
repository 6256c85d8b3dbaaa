"""The fleet's folder: no mistakes in it, and its schemas fit what its shop really says."""

from typing import Any

import pytest
import yaml
from tests.remit_fleets.desk import FLEET

from remit.contracts import Fleet, check_fleet, compile_schema, read_fleet
from remit.policy import Policy
from remit_fleets.retail import Shop, load_tickets
from remit_fleets.retail.synthetic import documents


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    fleet, findings = read_fleet(FLEET)
    assert findings == []
    return fleet


def unfit(fleet: Fleet, shown: dict[str, dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """Returns every document that does not fit the output of the tool that shows it."""
    found: list[tuple[str, list[str]]] = []
    for table, tool in [("products", "product"), ("users", "user"), ("orders", "order")]:
        schema = compile_schema(fleet.tools[f"shop__get_{tool}_details"].output)
        problems = [(key, list(schema.problems(document))) for key, document in shown[table].items()]
        found += [(key, why) for key, why in problems if why]
    return found


def test_the_folder_holds_two_contracts_and_eighteen_tools(fleet: Fleet) -> None:
    assert sorted(fleet.contracts) == ["order-status", "retail-desk"]
    assert len(fleet.tools) == 18
    assert {"care-lead", "treasurer", "platform"} <= fleet.roles


def test_contracts_and_policies_hold_no_mistake(fleet: Fleet) -> None:
    assert check_fleet(fleet) == []
    assert Policy({"simulated": False}).check(fleet) == []


def test_every_invented_document_fits_its_schema(fleet: Fleet, shop: Shop) -> None:
    assert unfit(fleet, shop.documents()) == []


def test_every_document_of_the_benchmark_fits_its_schema(fleet: Fleet, tau_shop: Shop) -> None:
    assert unfit(fleet, tau_shop.documents()) == []


def test_a_document_with_an_unknown_status_is_found(fleet: Fleet, shop: Shop) -> None:
    changed = shop.documents()
    changed["orders"]["#W1001"]["status"] = "lost"
    assert [key for key, _ in unfit(fleet, changed)] == ["#W1001"]


def test_every_ticket_fits_the_input_of_the_desk(fleet: Fleet) -> None:
    schema = compile_schema(fleet.contracts["retail-desk"].terms.input)
    assert [ticket.id for ticket in load_tickets() if schema.problems(ticket.task_input)] == []


def test_every_edge_case_has_its_case_and_every_case_its_ticket(fleet: Fleet) -> None:
    tickets = {ticket.id: ticket for ticket in load_tickets()}
    cases = {case["name"]: case for case in yaml.safe_load((FLEET / "cases/retail-desk.yaml").read_text())["cases"]}
    assert {edge.case.partition("#")[2] for edge in fleet.contracts["retail-desk"].edge_cases} <= cases.keys()
    for case in cases.values():
        ticket = tickets[case["inputs"]["ticket"]]
        assert case["inputs"] == ticket.task_input
        assert case["metadata"] == {"approvals": ticket.approvals, "denials": ticket.denials}


def test_the_invented_shop_is_the_same_every_time(shop: Shop) -> None:
    assert shop.documents() == documents()
    sizes = [len(rows) for rows in shop.documents().values()]
    assert sizes == [12, 12, 20]
