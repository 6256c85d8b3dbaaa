"""A person's no becomes a case of the agent's, and the case goes into the fleet's own file of cases."""

from pathlib import Path
from typing import Any

import pytest

from journeys.command_line import REPOSITORY, Command
from remit.approvals import MEANINGS

LEAD = "cara.lead@shop.example"
CASES = Path("cases/refund-desk.yaml")


def ticket(amount: int) -> str:
    return f'{{"order_id": "R-2", "message": "Please refund {amount}.00 of my order R-2."}}'


@pytest.fixture
def overridden(remit: Command, refunds: Path) -> Path:
    """A fleet in which one refund was refused and another was made smaller."""

    def answered(amount: int, *answer: str) -> None:
        asked = remit("run", "refund-desk", "--fleet", refunds, "--json", "--input", ticket(amount)).value["waits_for"]
        given = remit("approvals", answer[0], asked, "--as", LEAD, "--fleet", refunds, "--json", *answer[1:])
        assert given.code == 0, given.err

    answered(450, "reject", "--because", "they kept it: cara@private.example", "--category", "unsupported")
    less = '{"order_id": "R-2", "amount": 30, "why": "one of two came broken"}'
    answered(400, "edit", "--because", "only one broke", "--category", "wrong-amount", "--arguments", less)
    return refunds


def export(remit: Command, fleet: Path, *more: str) -> Any:
    done = remit("cases", "export", "refund-desk", "--fleet", fleet, "--json", "--yes", *more)
    assert done.code == 0, done.err
    return done.value


def test_cases_are_listed_counted_and_shown(remit: Command, overridden: Path) -> None:
    rows = remit("cases", "refund-desk", "--fleet", overridden, "--json").value
    assert [(row["category"], row["answer"], row["by"]) for row in rows] == [
        ("wrong-amount", "edit", LEAD),
        ("unsupported", "reject", LEAD),
    ]
    (only,) = remit("cases", "--category", "unsupported", "--fleet", overridden, "--json").value
    assert only == rows[1]
    shown = remit("cases", "show", only["case"][-8:], "--fleet", overridden, "--json").value
    assert (shown["proposed"]["amount"], shown["decided"], shown["input"]["order_id"]) == (450, None, "R-2")
    assert "wrong-amount" in remit("cases", "--fleet", overridden).out


def test_an_export_adds_each_case_once_and_the_fleet_stays_checked(remit: Command, overridden: Path) -> None:
    before = (overridden / CASES).read_text()
    told = export(remit, overridden)
    assert (told["file"], len(told["added"]), told["written"]) == (str(CASES), 2, True)
    text = (overridden / CASES).read_text()
    assert text.startswith(before)
    for name in told["added"]:
        assert f"  - name: {name}\n" in text
    assert "must_not: true" in text
    assert "amount: 30" in text
    assert remit("check", overridden).code == 0
    again = export(remit, overridden)
    assert (again["added"], again["there"], again["written"]) == ([], 2, False)
    assert (overridden / CASES).read_text() == text


def test_what_is_personal_is_left_out_unless_it_is_asked_for(remit: Command, overridden: Path) -> None:
    export(remit, overridden)
    text = (overridden / CASES).read_text()
    assert text.count("[personal: message]") == 2
    assert "[left out: it holds a mail-address]" in text
    assert "private.example" not in text
    export(remit, overridden, "--with-personal-data", "--to", "cases/more.yaml")
    text = (overridden / "cases" / "more.yaml").read_text()
    assert "Please refund 450.00 of my order R-2." in text
    assert "cara@private.example" in text


def test_without_a_yes_an_export_shows_what_it_would_add_and_writes_nothing(remit: Command, overridden: Path) -> None:
    before = (overridden / CASES).read_bytes()
    told = remit("cases", "export", "refund-desk", "--fleet", overridden)
    assert told.code == 2
    assert "+  - name: override-" in told.out
    assert "Write it with --yes" in told.err
    tried = remit("cases", "export", "refund-desk", "--fleet", overridden, "--json").value
    assert (len(tried["added"]), tried["written"]) == (2, False)
    assert (overridden / CASES).read_bytes() == before


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("cases: [{name: a}]\n", "not written line by line"),
        ("cases: [", "has a mistake"),
        ("cases: 1\n", "takes `cases`"),
    ],
)
def test_a_file_with_a_mistake_is_left_as_it_is(remit: Command, overridden: Path, text: str, why: str) -> None:
    (overridden / "cases" / "odd.yaml").write_text(text)
    told = remit("cases", "export", "refund-desk", "--to", "cases/odd.yaml", "--yes", "--fleet", overridden)
    assert told.code == 2
    assert why in told.err
    assert (overridden / "cases" / "odd.yaml").read_text() == text


def test_the_document_says_of_each_category_what_the_code_says() -> None:
    text = (REPOSITORY / "docs" / "cases.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{category}` | {meaning} |" for category, meaning in MEANINGS.items()]


def test_names_nobody_knows_are_told(remit: Command, refunds: Path) -> None:
    for given, told in (
        (("cases", "nobody"), "No such agent 'nobody'"),
        (("cases", "show", "case_x"), "No such case 'case_x'"),
        (("cases", "export", "nobody"), "No such agent 'nobody'"),
        (("cases", "--category", "odd"), "Write one of wrong-amount"),
        (("approvals", "reject", "apr_x", "--as", LEAD, "--category", "odd"), "Write one of wrong-amount"),
    ):
        done = remit(*given, "--fleet", refunds)
        assert done.code == 2
        assert told in done.err
    empty = remit("cases", "export", "refund-desk", "--fleet", refunds)
    assert (empty.code, "no case is settled yet" in empty.out) == (0, True)
    viewer = remit("cases", "export", "refund-desk", "--as", "pia.platform@shop.example", "--fleet", refunds)
    assert (viewer.code, "fleet:content:read" in viewer.err) == (1, True)
