"""A contract's file is understood whole, or every mistake in it is told with its line."""

import re

import pytest

from contracts.fleet_folder import REFUND_DESK, Folder
from remit.contracts import Contract, Level, parse_contract
from remit.core import Money

FILE = "agents/refund-desk.agent.md"


def test_a_contract_is_understood(folder: Folder) -> None:
    contract = folder.contract()
    terms = contract.terms
    assert (contract.id, terms.agent_class, terms.triggers[1].givers) == (
        "refund-desk@1.4.0",
        "user-facing",
        ("triage",),
    )
    assert terms.limits.cost_per_run == Money(400_000, "EUR")
    rules = contract.tool_use("shop__issue_refund")
    assert rules is not None
    assert rules.autonomy[1].by == ("care-lead",)
    assert rules.autonomy[2].level is Level.HUMAN_LED
    assert contract.lines["tools[1].autonomy[0].when"] == 22
    assert contract.instructions.startswith("# Refund desk")


def test_schemas_are_self_contained(folder: Folder) -> None:
    schema = folder.contract().terms.input
    assert "$id" not in schema
    assert schema["properties"]["customer"] == {"$ref": "#/$defs/schemas~1parts~1customer.json"}
    customer = schema["$defs"]["schemas/parts/customer.json"]
    assert customer["properties"]["name"]["$ref"] == "#/$defs/schemas~1parts~1customer.json/$defs/name"


def test_contracts_survive_being_stored_as_json(folder: Folder) -> None:
    contract = folder.contract()
    assert Contract.model_validate_json(contract.model_dump_json()) == contract


def test_the_digest_covers_the_text_and_every_schema_it_refers_to(folder: Folder) -> None:
    digests = {folder.contract().digest}
    digests.add(folder.edit(FILE, ("You resolve", "You always resolve")).contract().digest)
    digests.add(folder.edit("schemas/parts/customer.json", ("customer", "person")).contract().digest)
    assert len(digests) == 3


def test_line_ends_of_another_system_make_no_other_contract(folder: Folder) -> None:
    before = folder.contract().digest
    folder.write(FILE, b"\xef\xbb\xbf" + REFUND_DESK.replace("\n", "\r\n").encode())
    assert folder.contract().digest == before


def test_many_mistakes_are_all_told_at_once_with_their_lines(folder: Folder) -> None:
    folder.edit(
        FILE,
        ("version: 1.4.0", "version: 1.4"),
        ("purpose:", "purpos:"),
        ("ina@acme.example", "Ina"),
        ("on: event", "on: evnt"),
        ("category == 'refund'", "category ="),
        ("schemas/ticket.json", "schemas/tikcet.json"),
        ("level: autonomous", "level: autonomus"),
        ("amount <= 500 and", "amount.round() <= 500 and"),
        ("steps: 30", "steps: 0"),
        ("0.40 EUR", "0.40"),
        ("2. model", "3. modell"),
        ("| id | when |", "| id | wenn |"),
    )
    contract, findings = parse_contract(folder.path / FILE, folder.path)
    assert contract is None
    told = "\n".join(map(str, findings))
    for line in (
        f"{FILE}:3 version: Needs text, not 1.4 (put it into double quotes)",
        f"{FILE}:2 purpose: purpose is missing",
        f"{FILE}:4 purpos: There is no field 'purpos' here (did you mean 'purpose'?)",
        f"{FILE}:5 owner: 'Ina' has the wrong form (an e-mail address)",
        f"{FILE}:10 triggers[0].on: 'evnt' is not one of 'task', 'event', 'schedule' or 'handoff' (did you mean 'event'?)",
        f"{FILE}:12 triggers[0].when: Not a condition 'category ='",
        f"{FILE}:14 input: There is no such file 'schemas/tikcet.json'",
        f"{FILE}:22 tools[1].autonomy[0].level: 'autonomus' is not one of",
        f"{FILE}:23 tools[1].autonomy[1].when: Call is not allowed in a condition 'amount.round()'",
        f"{FILE}:28 limits.steps: Input should be greater than 0",
        f"{FILE}:28 limits.cost_per_run: Not an amount of money. Write it as '0.40 EUR'",
        f"{FILE}:38 steps[2]: Step 3 stands where 2 is expected",
        f"{FILE}:38 steps[2]: A step begins with a tool's name in backticks, with model, or with handoff",
        f"{FILE}:43 edge cases: There is no column 'wenn' (did you mean 'when'?)",
        f"{FILE}:43 edge cases: The column 'when' is missing",
    ):
        assert line in told, told


BAD_FILES = {
    "empty": (b"", "A contract begins with front matter"),
    "no front matter": (b"# Hello\n", "A contract begins with front matter"),
    "front matter without an end": (b"---\nagent: x\n", "A contract begins with front matter"),
    "too large": (b"---\nagent: x\n---\n" + b"x" * 300_000, "The file is too large"),
    "not UTF-8": (b"---\nagent: \xff\n---\n", "The file is not UTF-8 'agents/bad.agent.md'. byte 11 in line 2"),
    "nested deeply": (b"---\nagent: " + b"[" * 5_000 + b"\n---\n", "Nested too deeply"),
    "an alias bomb": (
        b"---\na: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n---\n",
        "agents/bad.agent.md:2: Anchors and aliases are not allowed",
    ),
    "a tag": (b"---\nagent: !!python/name:os.system x\n---\n", "agents/bad.agent.md:2: Tags are not allowed"),
    "a key twice": (
        b"---\nagent: x\nagent: y\n---\n",
        "agents/bad.agent.md:3 agent: 'agent' stands here twice; first in line 2",
    ),
    "not YAML": (b"---\nagent: x\nowner: a: b\n---\n", "agents/bad.agent.md:3: Not YAML"),
    "control characters": (b"---\nagent: \x00\n---\n", "Not YAML"),
    "two documents": (b"---\nagent: x\n...\n%YAML 1.1\n--- \nb: c\n---\n", "agents/bad.agent.md"),
    "a list": (b"---\n- agent\n---\n", "agents/bad.agent.md:2: Needs a mapping, not ['agent']"),
    "nothing in it": (b"---\n---\n", "Needs a mapping, not None"),
    "a key that is a list": (b"---\n? [a]\n: b\n---\n", "A key must be plain text"),
    "a huge number": (b"---\nversion: " + b"9" * 5_000 + b"\n---\n", "'99999"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_a_finding_and_never_an_exception(folder: Folder, name: str) -> None:
    content, expected = BAD_FILES[name]
    path = folder.write("agents/bad.agent.md", content).path / "agents/bad.agent.md"
    contract, findings = parse_contract(path, folder.path)
    assert contract is None
    assert expected in "\n".join(map(str, findings))


def test_what_yaml_would_guess_stays_text(folder: Folder) -> None:
    folder.edit(FILE, ("purpose: Resolve refund requests for delivered orders.", "purpose: on"))
    assert folder.contract().terms.purpose == "on"
    (found,) = folder.edit(FILE, ("purpose: on", "purpose: true")).findings()[:1]
    assert found == f"{FILE}:4 purpose: Needs text, not True (put it into double quotes)"


def test_a_contract_lies_in_the_file_of_its_name(folder: Folder) -> None:
    (folder.path / FILE).rename(folder.path / "agents/refunds.agent.md")
    found = "\n".join(folder.findings())
    assert "agents/refunds.agent.md:2 agent: The file of 'refund-desk' must be agents/refund-desk.agent.md" in found


@pytest.mark.parametrize(
    "reference",
    [
        "http://example.com/ticket.json",
        "https://example.com/ticket.json",
        "file:///etc/passwd",
        "/etc/passwd",
        "../secret.json",
        "schemas/../../secret.json",
        "schemas/%2e%2e/secret.json",
        "schemas\\ticket.json",
        "schemas/ticket.json#anchor",
    ],
)
def test_a_reference_out_of_the_folder_is_refused(folder: Folder, reference: str) -> None:
    (folder.path.parent / "secret.json").write_text("{}", encoding="utf-8")
    folder.edit(FILE, ("{$ref: schemas/ticket.json}", f'{{$ref: "{reference.replace(chr(92), chr(92) * 2)}"}}'))
    found = "\n".join(folder.findings())
    assert re.search(rf"{FILE}:14 input(\.\$ref)?: \$ref .* is refused", found), found


def test_schema_files_in_a_circle_are_told(folder: Folder) -> None:
    folder.write("schemas/parts/customer.json", '{"properties": {"ticket": {"$ref": "../ticket.json"}}}')
    found = "\n".join(folder.findings())
    circle = "schemas/ticket.json → schemas/parts/customer.json → schemas/ticket.json"
    assert f"{FILE}:14 input: Schema files refer to each other in a circle: {circle}" in found


def test_a_schema_with_references_inside_itself_may_be_recursive(folder: Folder) -> None:
    tree = '{"type": "object", "properties": {"next": {"$ref": "#"}, "category": {"type": "string"}}}'
    folder.write("schemas/parts/customer.json", tree)
    assert folder.findings() == []


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ("[]", "A schema is a JSON object"),
        ("{", "is not JSON"),
        ('{"type": "object", "type": "string"}', "it stands there twice"),
        ('{"type": "object", "properties": {"a": {"$ref": "#/$defs/none"}}}', "does not exist"),
        ('{"type": "object", "properties": {"a": {"$anchor": "x"}}}', "$anchor is not allowed"),
        ('{"type": "object", "properties": {"a": {"pattern": "(?=x)"}}}', "patterns cannot look around"),
        ('{"type": "object", "requried": ["a"]}', "'requried' is no keyword of JSON Schema; did you mean 'required'?"),
        ('{"type": "string"}', "The input is an object"),
        ("[" * 5_000, "nested too deeply"),
    ],
)
def test_an_unsound_schema_is_told(folder: Folder, schema: str, expected: str) -> None:
    found = "\n".join(folder.write("schemas/ticket.json", schema).findings())
    assert f"{FILE}:14 input" in found
    assert expected in found


@pytest.mark.parametrize(
    ("cron", "problem"),
    [
        ("0 7 * *", "five fields"),
        ("60 7 * * *", "'60' is no minute"),
        ("0 7 * * mun", "'mun' is no day of week"),
        ("0 7 9-3 * *", "'9-3' is no day of month"),
        ("*/0 * * * *", "'*/0' is no minute"),
        ("0 7 30 feb *", "never fires"),
        ("0 7 * * mon-fri", ""),
        ("*/15 8-18/2 1,15 jan-mar 0-7", ""),
        ("0 7 29 2 *", ""),
        ("5/10 * * * *", ""),
    ],
)
def test_schedules_are_checked(folder: Folder, cron: str, problem: str) -> None:
    whole = f'{{on: schedule, cron: "{cron}", input: {{category: refund, order_id: all}}}}'
    found = "\n".join(
        folder.edit(FILE, ("{on: handoff, from: triage}", f"{{on: handoff, from: triage}}\n  - {whole}")).findings()
    )
    assert (problem in found) if problem else found == ""
