"""README and quickstart keep their word: every command in them is typed, and shows what they say it shows."""

import re
from pathlib import Path

import pytest

from journeys.command_line import REPOSITORY
from journeys.shell import Reader, blocks, repository_copy

README = REPOSITORY / "README.md"
QUICKSTART = REPOSITORY / "docs" / "quickstart.md"
STARTER = REPOSITORY / "src" / "remit_fleets" / "starter"


@pytest.mark.slow
@pytest.mark.parametrize("document", [README, QUICKSTART], ids=lambda path: path.name)
def test_a_reader_can_type_every_command(document: Path, tmp_path: Path) -> None:
    with Reader(repository_copy(tmp_path / "remit")) as reader:
        reader.read(document)
    typed = [command for block in blocks(document) if block.kind == "sh" for command in block.commands()]
    assert len(typed) >= 7
    assert len(reader.shown) == len(typed)


def test_the_readme_is_short_and_begins_with_a_command() -> None:
    text = README.read_text(encoding="utf-8")
    assert len(text.split()) < 600
    first = text[: text.index("make demo")].count("\n") + 1
    assert first <= 30
    assert text.splitlines()[2].startswith("**Remit is ")
    assert text.splitlines()[2].endswith(".**")


@pytest.mark.parametrize("document", [README, QUICKSTART], ids=lambda path: path.name)
def test_no_command_stands_outside_the_blocks_that_are_run(document: Path) -> None:
    assert {block.kind for block in blocks(document)} <= {"sh", "text", "yaml"}
    text = document.read_text(encoding="utf-8")
    assert not re.findall(r"^(?: {4}|\t)(?:remit|make) ", text, re.MULTILINE)


def test_the_contract_in_the_readme_is_the_one_that_is_shipped() -> None:
    shipped = (STARTER / "agents" / "supplies-desk.agent.md").read_text(encoding="utf-8")
    excerpts = [block.text for block in blocks(README) if block.kind == "yaml"]
    assert excerpts
    assert all(excerpt in shipped for excerpt in excerpts)
