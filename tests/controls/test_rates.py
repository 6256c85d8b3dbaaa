"""Rates count what was committed, window by window."""

from controls.panel import Panel
from remit.core import HOUR, SECOND
from remit.store import Statement

USED_UP = "desk was called 3 times in 60 seconds"


def call(panel: Panel, *, most: int = 3, seconds: int = 60, key: str = "desk") -> str:
    """Counts one call and returns the refusal, or nothing."""
    return panel.store.refusal(panel.controls.count(key, most=most, seconds=seconds))


def test_no_more_calls_than_allowed_are_committed_in_a_window(panel: Panel) -> None:
    assert [call(panel) for _ in range(5)] == ["", "", "", USED_UP, USED_UP]


def test_calls_at_once_do_not_pass_the_limit_together(panel: Panel) -> None:
    answers = panel.store.at_once(*[[panel.controls.count("desk", most=3, seconds=60)] for _ in range(10)])
    assert answers == ["", "", "", *[USED_UP] * 7]


def test_the_next_window_begins_anew(panel: Panel) -> None:
    panel.clock.set(HOUR)
    assert [call(panel) for _ in range(4)][-1] == USED_UP
    panel.clock.advance(60 * SECOND - 1)
    assert call(panel) == USED_UP
    panel.clock.advance(1)
    assert call(panel) == ""


def test_a_commit_that_is_refused_for_another_reason_does_not_count(panel: Panel) -> None:
    panel.pull("fleet")
    for _ in range(5):
        refused: list[Statement] = [
            panel.controls.count("desk", most=3, seconds=60),
            panel.controls.guard(["fleet"]),
        ]
        assert panel.store.refusal(*refused) == "a switch was pulled"
    panel.reset("fleet")
    assert [call(panel) for _ in range(4)] == ["", "", "", USED_UP]


def test_keys_and_windows_are_counted_by_themselves(panel: Panel) -> None:
    assert [call(panel) for _ in range(4)][-1] == USED_UP
    assert call(panel, key="other") == ""
    assert call(panel, seconds=3_600) == ""


def test_no_calls_allowed_means_none(panel: Panel) -> None:
    assert call(panel, most=0)
    assert call(panel, most=0)
