"""The documents tell the truth about names: settings, fields, commands, floors, files and links."""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from journeys.command_line import REPOSITORY, Command
from journeys.shell import blocks
from remit.contracts import (
    ENVELOPE_SCHEMA,
    Amount,
    AutonomyRule,
    Baseline,
    EdgeCase,
    Escalation,
    Evaluation,
    Facts,
    FrontMatter,
    GateNames,
    ModelUse,
    Person,
    Refinement,
    RunLimits,
    Slo,
    Tool,
    ToolUse,
    Trigger,
    body,
    conditions,
)
from remit.contracts.declared import Compensation, ToolsFile
from remit.core import Connections, Http, Limits, ModelRoute, Retention, Settings, Webhook
from remit.policy.schema import session_shapes

DOCS = REPOSITORY / "docs"
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *DOCS.rglob("*.md")])
FORMAT = (DOCS / "contracts.md").read_text(encoding="utf-8")

# What Remit fills in by itself is no part of the format.
_OURS = {"EdgeCase": {"line"}, "Tool": {"name", "server", "digest", "pinned"}}
SECTIONS: Mapping[str, type[BaseModel]] = {
    "## Front matter": FrontMatter,
    "### triggers": Trigger,
    "### tools": ToolUse,
    "### autonomy": AutonomyRule,
    "### gate": GateNames,
    "### models": ModelUse,
    "### limits": RunLimits,
    "### escalate": Escalation,
    "### refine": Refinement,
    "### evaluation": Evaluation,
    "### slo": Slo,
    "## Body": EdgeCase,
    "## Tools files": ToolsFile,
    "### A tool": Tool,
    "### compensation": Compensation,
    "### amount": Amount,
    "### facts": Facts,
    "## Baselines": Baseline,
    "## people.yaml": Person,
    "## remit.toml": Settings,
    "### [models]": ModelRoute,
    "### [webhooks]": Webhook,
    "### [http]": Http,
    "### [database]": Connections,
    "### [retention]": Retention,
    "### [limits]": Limits,
}


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_field_is_documented_with_its_default(heading: str) -> None:
    model = SECTIONS[heading]
    wanted = {
        field.alias or name: default(field)
        for name, field in model.model_fields.items()
        if name not in _OURS.get(model.__name__, ())
    }
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", section(heading), re.MULTILINE))
    assert {name: rows.get(name) for name in wanted} == wanted
    assert not rows.keys() - wanted.keys(), "documented, but not there"


def default(field: FieldInfo) -> str:
    """Returns a field's default as the document writes it."""
    if field.is_required():
        return "required"
    value: Any = field.get_default(call_default_factory=True)
    if value is None or value in ("", (), {}) or isinstance(value, BaseModel):
        return "–"
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value}`"


def section(heading: str) -> str:
    """Returns what stands below a heading, up to the next one."""
    _, found, rest = f"\n{FORMAT}".partition(f"\n{heading}\n")
    assert found, f"docs/contracts.md has no heading {heading!r}"
    return re.split(r"\n#{2,3} ", rest, maxsplit=1)[0]


@pytest.mark.parametrize(("module", "first"), [(body, "step   ="), (conditions, "condition  =")])
def test_grammars_are_those_of_the_code(module: ModuleType, first: str) -> None:
    assert module.__doc__ is not None
    told = module.__doc__[module.__doc__.index(first) :].partition("\n\n")[0]
    assert re.sub(r"\n    ", "\n", told).strip() in FORMAT


def test_the_envelope_is_the_one_that_is_checked() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", section("## Hand-offs"), re.MULTILINE)
    assert rows == list(ENVELOPE_SCHEMA["properties"])


def test_what_policies_read_of_a_session_is_documented() -> None:
    rows = re.findall(r"^\| (`[a-z_.`, ]+`) \|", section("## Org policies"), re.MULTILINE)
    session = session_shapes(())
    nested = [f"approval.{name}" for name in session["approval"].fields]
    assert sorted(re.findall(r"`([\w.]+)`", " ".join(rows))) == sorted([*session, *nested])


def test_python_in_the_documents_is_python() -> None:
    samples = [block.text for document in DOCUMENTS for block in blocks(document) if block.kind == "python"]
    assert len(samples) >= 6
    for sample in samples:
        ast.parse(sample)


def test_every_command_has_help_and_is_mentioned(remit: Command) -> None:
    told = (DOCS / "commands.md").read_text(encoding="utf-8")
    there = set(commands(remit))
    rows = [re.split(r" [A-Z\[]| --", row)[0] for row in re.findall(r"^\| `remit ([^`]+)`", told, re.MULTILINE)]
    assert there | {"approvals", "cases", "people", "tokens", "tools"} == set(rows)


def commands(remit: Command, *above: str) -> Iterator[str]:
    """Yields every command that does something; each has a sentence of help."""
    listed = remit(*above, "--help").out
    for name in re.findall(r"^│ (\w[\w-]*)(?:  +\S)", listed, re.MULTILINE):
        shown = remit(*above, name, "--help")
        assert shown.code == 0
        assert re.search(r"^ [A-Z].*[.:]", shown.out, re.MULTILINE), f"{name} has no help"
        inner = list(commands(remit, *above, name)) if "COMMAND [ARGS]" in shown.out else []
        yield from inner or [" ".join((*above, name))]


def test_the_floors_are_those_that_are_enforced() -> None:
    enforced = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    floors = [set(layer.split(" | ")) for layer in enforced["contracts"][0]["layers"]]
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \d+ \| ((?:`\w+`(?:, )?)+) \|", text, re.MULTILINE)
    assert [set(re.findall(r"\w+", row)) for row in rows] == floors


def test_the_architecture_is_read_in_ten_minutes() -> None:
    assert len((DOCS / "architecture.md").read_text(encoding="utf-8").split()) < 2_000


def test_each_dependency_has_its_reason() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {re.split(r"[=<>[]", requirement)[0] for requirement in project["dependencies"]}
    page = (DOCS / "decisions" / "0007-dependencies.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([\w-]+)` \|", page, re.MULTILINE)) == named
    locked = (REPOSITORY / "requirements" / "core.lock").read_text(encoding="utf-8")
    assert f", {len(re.findall('^[a-z].*==', locked, re.MULTILINE))} in all" in page


def test_each_decision_is_listed_and_has_its_three_parts() -> None:
    pages = sorted((DOCS / "decisions").glob("0*.md"))
    listed = (DOCS / "decisions" / "README.md").read_text(encoding="utf-8")
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert f"]({page.name})" in listed
        assert all(part in text for part in ("**Context.**", "**Choice.**", "**Given up.**")), page.name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_links_and_paths_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    dead = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not leads(link, document)]
    missing = [path for path in re.findall(r"`([^`\n]+)`", text) if is_path(path) and not exists(path)]
    assert (dead, missing) == ([], [])


def leads(link: str, document: Path) -> bool:
    """Whether a relative link has its file, and the heading it points at."""
    if "://" in link:
        return True
    name, _, anchor = link.partition("#")
    target = (document.parent / name) if name else document
    return target.is_file() and (not anchor or anchor in anchors(target))


def anchors(document: Path) -> set[str]:
    """Returns the anchors of a document's headings, as hosts of repositories make them."""
    seen: dict[str, int] = {}
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading.casefold()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if slug in seen else slug)
        seen[slug] = seen.get(slug, 0) + 1
    return found


def is_path(text: str) -> bool:
    """Whether a word in backticks is the path of a file or folder of this repository."""
    plain = re.fullmatch(r"[\w./-]+", text) and not text.startswith((".", "schemas/", "cases/"))
    return bool(
        plain and re.search(r"/$|/.*\.(?:py|md|sql|yaml|cedar|lock|toml)$", text) and not re.search("[A-Z]{4}", text)
    )


def exists(path: str) -> bool:
    """Whether a path counts from the repository, the package, or the fleet the documents walk through."""
    roots = ("", "src/remit", "src/remit_fleets/refunds")
    return any((REPOSITORY / root / path).exists() for root in roots)


def test_what_the_readme_says_is_missing_is_still_missing() -> None:
    """Whoever adds one of these rewrites what README, architecture and security say about it."""
    empty = [folder.parent.name for folder in (REPOSITORY / "src" / "remit").glob("*/__init__.py") if is_empty(folder)]
    assert sorted(empty) == [
        "adapters",
        "discovery",
        "incidents",
        "memory",
        "notifications",
    ]


def is_empty(package: Path) -> bool:
    """Whether a package has nothing in it but a sentence."""
    return len(list(package.parent.glob("*.py"))) == 1 and "import" not in package.read_text(encoding="utf-8")
