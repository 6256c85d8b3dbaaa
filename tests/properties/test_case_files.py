"""Whatever was said and decided, a case is read back as it was, and what stood in the file before it too."""

import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from remit.contracts import read_yaml
from remit.evaluation import Case, CaseFile

# Whole numbers beyond these are no JSON numbers that every reader keeps.
_NUMBERS = st.integers(-(2**53), 2**53) | st.decimals(-1_000_000, 1_000_000, places=3).map(float)
_LONG = st.text("ab  \n,-", min_size=100, max_size=400)
_TEXTS = (
    st.text(st.characters(codec="utf-8"), max_size=60)
    | _LONG
    | st.sampled_from(
        [
            "1e5",
            "yes",
            "2026-11-28",
            "null",
            "~",
            "0x1f",
            "1_000",
            "=",
            "<<",
            "- a",
            "a: b",
            "#",
            "\x85",
            "\u2028",
            " a\n b\n",
            "\t",
        ]
    )
)
_VALUES: Any = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=12,
)
_CASES = st.builds(
    Case, st.just("new"), st.dictionaries(_TEXTS, _VALUES, max_size=4), st.dictionaries(_TEXTS, _VALUES, max_size=4)
)
_BEFORE = ("", "cases: []\n", "name: desk\ncases:\n- name: a # b\n\n# c\nevaluators: []\n", "cases:\n      - name: a")


@given(_CASES, st.sampled_from(_BEFORE))
def test_a_case_is_read_back_as_it_was(case: Case, before: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cases.yaml"
        if before:
            path.write_bytes(before.encode())
        file = CaseFile.read(Path(folder), "cases.yaml")
        file.write(file.with_cases([case]))
        text = path.read_bytes().decode()
        assert CaseFile.read(Path(folder), "cases.yaml").cases() == [*file.cases(), case.as_value()]
        assert yaml.safe_load(text) == read_yaml(text, file="cases.yaml").value
        assert {**read_yaml(text, file="f").value, "cases": 0} == {
            **(read_yaml(before, file="f").value or {}),
            "cases": 0,
        }
