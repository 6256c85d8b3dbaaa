"""An slo is a share of tasks that leaves an error budget; whatever else is written is told with what to write instead."""

from decimal import Decimal

import pytest

from contracts.fleet_folder import Folder
from remit.contracts import Contract, Slo, diff

DESK = "agents/refund-desk.agent.md"
ANCHOR = "evaluation: {cases: cases/refund-desk.yaml}\n"


def with_slo(folder: Folder, text: str) -> Folder:
    """Puts an slo into the contract."""
    return folder.edit(DESK, (ANCHOR, f"{ANCHOR}slo: {text}\n"))


def test_a_contract_without_one_promises_nothing(folder: Folder) -> None:
    assert folder.contract().terms.slo is None


def test_shares_are_exact_and_the_window_has_four_weeks(folder: Folder) -> None:
    slo = with_slo(folder, "{success: 99.5 %}").contract().terms.slo
    assert slo == Slo(success=Decimal("0.995"), days=28)
    assert str(slo) == "99.5 % of tasks succeed, over 28 days"


def test_a_promise_of_time_is_a_share_too(folder: Folder) -> None:
    slo = with_slo(folder, "{success: 99.9%, minutes: 30, in_time: 95 %, days: 7}").contract().terms.slo
    assert str(slo) == "99.9 % of tasks succeed, 95 % end within 30 min, over 7 days"


def test_it_survives_being_stored_as_json(folder: Folder) -> None:
    contract = with_slo(folder, "{success: 99.95 %, minutes: 5, in_time: 90 %}").contract()
    assert Contract.model_validate_json(contract.model_dump_json()) == contract


@pytest.mark.parametrize(
    ("text", "field", "told"),
    [
        ("{success: 100 %}", "slo.success", "100 % leaves no error budget: one failure would miss it for good"),
        ("{success: 120 %}", "slo.success", "leaves no error budget"),
        ("{success: 20 %}", "slo.success", "20 % is less than half of the tasks. Write 50 % or more"),
        ("{success: 0.995}", "slo.success", "Not a share of tasks. Write it in percent, at most four decimals"),
        ("{success: 99.99999 %}", "slo.success", "Not a share of tasks"),
        ("{success: most}", "slo.success", "Not a share of tasks"),
        ("{days: 28}", "slo.success", "success is missing (add a line with success:)"),
        ("{success: 99 %, days: 3}", "slo.days", "greater than or equal to 7"),
        ("{success: 99 %, days: 365}", "slo.days", "less than or equal to 90"),
        ("{success: 99 %, minutes: 30}", "slo", "minutes says nothing alone: how many tasks end within how long"),
        ("{success: 99 %, in_time: 95 %}", "slo", "in_time says nothing alone"),
        ("{success: 99 %, window: 28}", "slo.window", "There is no field 'window' here"),
        ("99.5 %", "slo", "Needs a mapping, not '99.5 %'"),
    ],
)
def test_what_promises_nothing_is_refused_by_name_and_line(folder: Folder, text: str, field: str, told: str) -> None:
    found = with_slo(folder, text).findings()
    assert any(line.startswith(f"{DESK}:32 {field}: ") and told in line for line in found), found


@pytest.mark.parametrize(
    ("before", "after", "widens"),
    [
        ("{success: 99 %}", "{success: 99.5 %}", False),
        ("{success: 99 %}", "{success: 98 %}", True),
        ("{success: 99 %}", "{success: 99 %, days: 7}", True),
        ("{success: 99 %, minutes: 5, in_time: 95 %}", "{success: 99 %}", True),
        ("{success: 99 %, minutes: 5, in_time: 95 %}", "{success: 99 %, minutes: 9, in_time: 95 %}", True),
        ("{success: 99 %, minutes: 5, in_time: 95 %}", "{success: 99 %, minutes: 4, in_time: 96 %}", False),
    ],
)
def test_to_be_held_to_less_is_more_authority(folder: Folder, before: str, after: str, widens: bool) -> None:
    old = with_slo(folder, before).contract()
    new = folder.edit(DESK, (f"slo: {before}", f"slo: {after}")).contract()
    (change,) = diff(old, new)
    assert (change.field, change.widens) == ("slo", widens)
    assert change.text == f"slo: {new.terms.slo} (was {old.terms.slo})"


def test_to_promise_something_widens_nothing_and_to_take_it_back_does(folder: Folder) -> None:
    without = folder.contract()
    with_one = with_slo(folder, "{success: 99 %}").contract()
    assert [(one.text, one.widens) for one in diff(without, with_one)] == [
        ("slo: 99 % of tasks succeed, over 28 days (was none)", False)
    ]
    assert [one.widens for one in diff(with_one, without)] == [True]
