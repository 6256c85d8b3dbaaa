"""Every state there is has a look of its own, and none rests on colour alone."""

import re
from pathlib import Path

import pytest

from remit.approvals import ApprovalState
from remit.contracts import Level
from remit.journal import RunState, StepState
from remit.registry import Lifecycle, ReleaseState
from remit.web.assets import FOLDER
from remit.web.states import LEVELS, STATES, look

KNOWN = [state.value for kind in (RunState, StepState, ApprovalState, Lifecycle, ReleaseState) for state in kind]


@pytest.mark.parametrize("state", KNOWN)
def test_every_state_of_runs_steps_questions_and_versions_has_a_look(state: str) -> None:
    assert state in STATES


def test_a_state_has_a_glyph_and_a_word_beside_its_colour() -> None:
    css = Path(FOLDER / "app.css").read_text(encoding="utf-8")
    for seen in STATES.values():
        assert seen.glyph.strip()
        assert seen.word
        assert re.search(rf"^\.{seen.css} |\.{seen.css} \{{", css, re.MULTILINE), seen.css


def test_every_level_has_a_look() -> None:
    assert {level.value for level in Level} == set(LEVELS)


def test_a_state_nobody_has_thought_of_is_shown_as_it_is_called() -> None:
    assert look("odd").word == "odd"
