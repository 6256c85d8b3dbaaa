"""People are given what exists, passwords only as hashes, and whoever audits does nothing else."""

import pytest

from contracts.fleet_folder import Folder
from remit.contracts import check_fleet, read_fleet

HASH = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$QJ5nB6Wn1n6yLkRcGkXcWmMfXo1yvdtvEh7ONlUoF1U"


def people(folder: Folder, *rows: str) -> Folder:
    kept = ("{id: ina@acme.example, roles: [care-lead]}", "{id: ute@acme.example, roles: [treasurer]}")
    return folder.write("people.yaml", "people:\n" + "".join(f"  - {row}\n" for row in (*kept, *rows)))


def test_a_password_is_an_argon2id_hash(folder: Folder) -> None:
    people(folder, f'{{id: max@acme.example, password: "{HASH}"}}')
    assert folder.findings() == []
    assert folder.fleet().people["max@acme.example"].password == HASH


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "12345678901234",
        "3.14159265",
        "true",
        "[correct, horse]",
        "{correct: horse}",
        '"$argon2i$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$QJ5nB6Wn1n6yLkRcGkXcWmMfXo1yvdtvEh7ONlUoF1U"',
        '"$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW"',
        f'"{HASH} "',
        '"$argon2id$v=19$m=65536,t=3,p=4$"',
        f'"{HASH.replace("m=65536", "m=99999999")}"',
    ],
)
def test_anything_else_is_told_with_its_line_and_never_repeated(folder: Folder, password: str) -> None:
    row = f"{{id: max@acme.example, name: Max,\n     password: {password}}}"
    (told,) = people(folder, row).findings()
    assert told == (
        "people.yaml:5 people[2].password: Not an argon2id hash; write what `remit people password` prints, "
        "never the password itself"
    )


def test_a_password_under_a_wrong_name_is_not_repeated_either(folder: Folder) -> None:
    told = people(folder, "{id: max@acme.example, passwd: correct horse}").findings()
    assert "horse" not in str(told)
    assert "did you mean 'password'?" in str(told)


def test_a_unit_nobody_has_is_worth_a_look(folder: Folder) -> None:
    people(folder, "{id: max@acme.example, units: [customer-care]}", "{id: eva@acme.example, units: [custmer-care]}")
    fleet, findings = read_fleet(folder.path)
    (finding,) = [*findings, *check_fleet(fleet)]
    assert str(finding) == (
        "people.yaml:5 people[3].units: No contract has the unit 'custmer-care' (did you mean 'customer-care'?)"
    )
    assert finding.severity == "warning"


def test_units_of_a_contract_that_cannot_be_read_are_not_called_missing(folder: Folder) -> None:
    people(folder, "{id: max@acme.example, units: [logistics]}")
    folder.write("agents/courier.agent.md", "---\nagent: courier\nunit: logistics\n---\n")
    assert not [told for told in folder.findings() if told.startswith("people.yaml")]


@pytest.mark.parametrize("other", ["operator", "platform", "care-lead"])
def test_whoever_audits_does_not_act(folder: Folder, other: str) -> None:
    people(folder, f"{{id: max@acme.example, roles: [viewer, {other}, auditor]}}")
    fleet, _ = read_fleet(folder.path)
    (finding,) = check_fleet(fleet)
    assert finding.severity == "error"
    assert str(finding) == (
        f"people.yaml:4 people[2].roles: auditor is kept apart: max@acme.example also holds {other} "
        "(whoever audits does not operate, release or answer)"
    )


def test_an_auditor_may_look_on(folder: Folder) -> None:
    people(folder, "{id: max@acme.example, roles: [auditor, viewer]}")
    assert folder.findings() == []


def test_whoever_audits_owns_no_agent(folder: Folder) -> None:
    people(folder).edit("people.yaml", ("ina@acme.example, roles: [care-lead]", "ina@acme.example, roles: [auditor]"))
    assert any("auditor is kept apart: ina@acme.example also holds ownership of refund-desk" in told
               for told in folder.findings())  # fmt: skip


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("away: 2026-12-21, stand_in: ute@acme.example", "Not two days"),
        ('away: "2027-01-06..2026-12-21", stand_in: ute@acme.example', "Not two days"),
        ('away: "2026-12-21..2027-01-06"', "Nobody stands in for max@acme.example"),
        ("stand_in: uta@acme.example", "did you mean 'ute@acme.example'?"),
        ("stand_in: max@acme.example", "Nobody stands in for themselves"),
        ("units: [customer-care], stand_in: ute@acme.example", "works for more units than max@acme.example"),
        ("stand_in: aud@acme.example", "aud@acme.example cannot stand in for an approver"),
    ],
)
def test_who_stands_in_is_somebody_else_and_no_auditor(folder: Folder, row: str, told: str) -> None:
    rows = (f"{{id: max@acme.example, roles: [care-lead], {row}}}", "{id: aud@acme.example, roles: [auditor]}")
    found = people(folder, *rows).findings()
    assert any(told in str(one) for one in found), found


def test_somebody_is_away_from_the_first_day_to_the_last(folder: Folder) -> None:
    row = '{id: max@acme.example, away: "2026-12-21..2027-01-06", stand_in: ute@acme.example}'
    person = people(folder, row).fleet().people["max@acme.example"]
    days = ("2026-12-20", "2026-12-21", "2027-01-06", "2027-01-07")
    assert [person.is_away(day) for day in days] == [False, True, True, False]
