"""A folder is read whole, and nothing outside it."""

from pathlib import Path

import pytest

from contracts.fleet_folder import Folder
from remit.contracts import Level, Rate, Tool, read_fleet
from remit.core import InputError, Money


def test_a_sound_fleet_has_no_findings(folder: Folder) -> None:
    assert folder.findings() == []
    fleet = folder.fleet()
    assert set(fleet.contracts) == {"refund-desk", "triage"}
    assert set(fleet.tools) == {"shop__get_order", "shop__issue_refund", "shop__delete_customer"}
    assert fleet.roles == {"care-lead", "treasurer"}
    assert [policy.path for policy in fleet.policies] == ["policies/org.cedar"]


def test_a_folder_that_is_not_there_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="remit demo"):
        read_fleet(tmp_path / "nowhere")


def test_an_empty_folder_is_an_empty_fleet(tmp_path: Path) -> None:
    fleet, findings = read_fleet(tmp_path)
    assert (dict(fleet.contracts), findings) == ({}, [])


def test_rates_prices_and_levels_are_understood(folder: Folder) -> None:
    refund = folder.fleet().tools["shop__issue_refund"]
    assert refund.rate == Rate(calls=60, seconds=60)
    assert refund.price == Money(1_000, "EUR")
    assert refund.proposed_level is Level.HUMAN_IN_THE_LOOP


def test_a_changed_definition_is_another_tool(folder: Folder) -> None:
    before = folder.fleet().tools
    after = folder.edit("tools/shop.yaml", ("risk: high", "risk: low")).fleet().tools
    assert before["shop__issue_refund"].digest != after["shop__issue_refund"].digest
    assert before["shop__get_order"].digest == after["shop__get_order"].digest


def test_tools_survive_being_stored_as_json(folder: Folder) -> None:
    for tool in folder.fleet().tools.values():
        assert Tool.model_validate_json(tool.model_dump_json()) == tool


def test_every_mistake_in_a_tools_file_is_told_at_once(folder: Folder) -> None:
    found = folder.edit(
        "tools/shop.yaml",
        ("python: shop.server:connect", "python: shop server"),
        ("risk: high", "risk: hihg"),
        ("60 per minute", "60 a minute"),
        ("0.001 EUR", "0.001 Euro"),
        ("effect: read", "efect: read"),
        ("{type: number}", "{type: nummer}"),
    ).findings()
    told = "\n".join(line for line in found if line.startswith("tools/shop.yaml"))
    for line in (
        "tools/shop.yaml:2 python: 'shop server' has the wrong form",
        "tools/shop.yaml:10 tools.get_order.efect: There is no field 'efect' here (did you mean 'effect'?)",
        "tools/shop.yaml:17 tools.issue_refund.input.properties.amount.type: 'nummer' is not a JSON type; "
        "did you mean 'number'?",
        "tools/shop.yaml:19 tools.issue_refund.risk: 'hihg' is not one of",
        "tools/shop.yaml:20 tools.issue_refund.rate: Not a rate. Write it as '60 per minute'",
        "tools/shop.yaml:21 tools.issue_refund.price: Not an amount of money '0.001 Euro'",
    ):
        assert line in told, told
    # the contracts that use the broken file's tools are not blamed for it
    assert len(found) == len(told.splitlines())


def test_yes_is_not_true(folder: Folder) -> None:
    found = folder.edit("tools/shop.yaml", ("risk: high", "risk: high\n    reversible: yes")).findings()
    assert found == ["tools/shop.yaml:20 tools.issue_refund.reversible: Needs true or false, not 'yes'"]


def test_a_file_is_named_as_what_it_holds(folder: Folder) -> None:
    (folder.path / "tools/shop.yaml").rename(folder.path / "tools/store.yaml")
    assert "tools/store.yaml:1 server: The file of 'shop' must be tools/shop.yaml" in folder.findings()


def test_a_link_that_leads_outside_is_not_followed(folder: Folder, tmp_path: Path) -> None:
    outside = tmp_path / "secret.yaml"
    outside.write_text("server: secret\n", encoding="utf-8")
    (folder.path / "tools/secret.yaml").symlink_to(outside)
    (found,) = folder.findings()
    assert found.startswith("tools/secret.yaml:1: The file lies outside the fleet's folder")


def test_a_link_that_leads_to_itself_is_no_file(folder: Folder) -> None:
    loop = folder.path / "tools/loop.yaml"
    loop.symlink_to(loop)
    (found,) = folder.findings()
    assert found.startswith("tools/loop.yaml:1: There is no such file")


def test_a_file_too_large_is_not_read(folder: Folder) -> None:
    folder.write("policies/huge.cedar", b"// " + b"x" * 300_000)
    (found,) = folder.findings()
    assert found.startswith("policies/huge.cedar:1: The file is too large")


def test_a_directory_in_the_place_of_a_file_is_told(folder: Folder) -> None:
    (folder.path / "policies/odd.cedar").mkdir()
    (found,) = folder.findings()
    assert found.startswith("policies/odd.cedar:1: There is no such file")


def test_people_are_checked_and_counted_once(folder: Folder) -> None:
    twice = "  - {id: ina@acme.example}\n"
    found = folder.write("people.yaml", f"people:\n{twice}{twice}  - {{id: ute@acme.example}}\n").findings()
    assert "people.yaml:3 people[1].id: 'ina@acme.example' stands here twice" in found
    assert folder.write("people.yaml", "people:\n  - {id: ina, roles: [Care Lead]}\n").findings() == [
        "people.yaml:2 people[0].id: 'ina' has the wrong form (an e-mail address)",
        "people.yaml:2 people[0].roles[0]: 'Care Lead' has the wrong form "
        "(lower-case letters, digits and hyphens, such as refund-desk)",
    ]
