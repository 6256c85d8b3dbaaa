"""Cases are added to a file without touching what stands there, and only while it is what was read."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from remit.contracts import read_yaml
from remit.core import ConflictError, InputError
from remit.evaluation import Case, CaseFile

CASE = Case(
    "new", {"order_id": "1e5", "message": "It says:\n  - #1\nyes"}, {"override": {"must_not": True, "by": "cara"}}
)
ANSWER = Case("answered", {"n": 1.5}, {}, {"text": "null", "on": "2026-11-28"})


def case_file(folder: Path, text: str | None) -> CaseFile:
    if text is not None:
        (folder / "cases.yaml").write_bytes(text.encode())
    return CaseFile.read(folder, "cases.yaml")


def added(folder: Path, text: str | None, *cases: Case) -> str:
    return case_file(folder, text).with_cases(cases)


def read_strictly(text: str) -> Any:
    return read_yaml(text, file="cases.yaml").value


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "cases:\n  - name: new\n"),
        ("name: desk\ncases: []\n", "name: desk\ncases:\n  - name: new\n"),
        ("name: desk\ncases: # none yet\n", "name: desk\ncases: # none yet\n  - name: new\n"),
        ("# of the desk\ncases:\n- name: a # old\n", "# of the desk\ncases:\n- name: a # old\n- name: new\n"),
        ("cases:\n    - {name: a}", "cases:\n    - {name: a}\n    - name: new\n"),
        ("cases:\n  - name: a\n\n# what judges\nevaluators: []\n", "cases:\n  - name: a\n  - name: new\n"),
        ("cases:\n  - name: a\n    inputs: >-\n      long\n      text\n", "      text\n  - name: new\n"),
        ("cases:\n  - name: a\n  # a last word\n", "  # a last word\n  - name: new\n"),
    ],
)
def test_a_case_comes_to_the_end_of_the_list_as_the_list_is_written(tmp_path: Path, before: Any, after: str) -> None:
    text = added(tmp_path, before, CASE)
    assert after in text
    assert "\n# what judges\nevaluators: []\n" in text or "what judges" not in (before or "")


def test_what_stood_there_stays_line_by_line(tmp_path: Path) -> None:
    before = "# one\nname: desk   # two\n\ncases:\n  # three\n  - name: a\n    inputs: {x: 1}  # four\n\n  - name: b\n"
    assert added(tmp_path, before, CASE).startswith(before)


@pytest.mark.parametrize("read", [read_strictly, yaml.safe_load], ids=["ours", "PyYAML"])
def test_a_case_is_read_back_as_it_was_by_every_reader(tmp_path: Path, read: Any) -> None:
    (first, second) = read(added(tmp_path, None, CASE, ANSWER))["cases"]
    assert (first, second) == (CASE.as_value(), ANSWER.as_value())


@pytest.mark.parametrize(
    "text",
    [
        "cases: [{name: a}]\n",
        "{cases: []}\n",
        "name: desk\n",
        "cases:\n  - name: a\n...\n",
        "cases:\n  - name: a\n    inputs: |+\n      text\n\n\n",
    ],
)
def test_what_cannot_be_added_to_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="Cases cannot be added"):
        added(tmp_path, text, CASE)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("cases: [", "cases.yaml:"),
        ("cases: yes\n", "takes `cases`"),
        ("- name: a\n", "takes `cases`"),
        ("cases:\n  - inputs: {}\n", "has a `name`"),
        ("cases:\n  - &one {name: a}\n", "Anchors"),
        ("cases: []\ncases: []\n", "stands here twice"),
    ],
)
def test_a_file_with_a_mistake_is_not_touched(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        case_file(tmp_path, text)


def test_a_file_that_is_not_text_or_lies_outside_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="UTF-8"):
        CaseFile.read(tmp_path, "cases.yaml")
    with pytest.raises(InputError, match="outside"):
        CaseFile.read(tmp_path, "../cases.yaml")


def test_it_is_written_with_the_line_ends_it_had(tmp_path: Path) -> None:
    file = case_file(tmp_path, "\ufeffcases:\r\n  - name: a\r\n")
    file.write(file.with_cases([CASE]))
    content = file.path.read_bytes()
    assert content.startswith("\ufeffcases:\r\n  - name: a\r\n  - name: new\r\n".encode())
    assert [case["name"] for case in CaseFile.read(tmp_path, "cases.yaml").cases()] == ["a", "new"]


def test_a_new_file_is_made_with_its_folder(tmp_path: Path) -> None:
    file = CaseFile.read(tmp_path, "cases/desk.yaml")
    file.write(file.with_cases([CASE]))
    assert CaseFile.read(tmp_path, "cases/desk.yaml").cases() == [CASE.as_value()]
    assert [path.name for path in file.path.parent.iterdir()] == ["desk.yaml"]


@pytest.mark.parametrize("before", [None, "cases: []\n"], ids=["not there", "there"])
def test_a_file_that_was_changed_meanwhile_is_left_alone(tmp_path: Path, before: str | None) -> None:
    file = case_file(tmp_path, before)
    file.path.write_text("cases:\n  - name: somebody\n")
    with pytest.raises(ConflictError, match="changed meanwhile"):
        file.write(file.with_cases([CASE]))
    assert "somebody" in file.path.read_text()
