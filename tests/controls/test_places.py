"""A tool that may do so much at once, over all processes, has so many places: each is had by one, and none is lost."""

from pathlib import Path

from tests.controls.panel import Panel, open_panel

from remit.controls import is_place
from remit.core import SECOND
from remit.store import Commit, CommitRefused

TOOL = "shop__refund"


def place(panel: Panel, holder: str, *, most: int = 2) -> str:
    """Takes a place and returns its name; nothing when there is none."""
    result = panel.store.writer.commit_now(Commit(panel.controls.take_place(TOOL, most, holder, 5)))
    if isinstance(result, CommitRefused):
        assert (result.statement, result.refusal) == ("controls.take_place", f"every place of {TOOL} is taken")
        return ""
    panel.controls.opened(TOOL, most)
    ((row,),) = [rows for rows in result.rows if rows]
    return row["resource"]


def test_there_are_as_many_places_as_were_said_and_no_more(panel: Panel) -> None:
    assert {place(panel, "run_1:1"), place(panel, "run_2:1")} == {f"{TOOL}#0", f"{TOOL}#1"}
    assert place(panel, "run_3:1") == ""


def test_a_place_that_was_left_is_there_for_the_next(panel: Panel) -> None:
    first = place(panel, "run_1:1", most=1)
    panel.store.commit(*panel.controls.unlock([first], "run_1:1"))
    assert place(panel, "run_2:1", most=1) == first


def test_who_has_one_already_keeps_it_and_takes_no_second(panel: Panel) -> None:
    place(panel, "run_0:1")
    mine = place(panel, "run_1:1")
    assert place(panel, "run_1:1") == mine
    assert panel.controls.held_by("run_1:1") == [mine]


def test_a_holder_whose_time_is_over_loses_its_place(panel: Panel) -> None:
    place(panel, "run_1:1", most=1)
    panel.clock.advance(5 * SECOND - 1)
    assert not place(panel, "run_2:1", most=1)
    panel.clock.advance(1)
    assert place(panel, "run_2:1", most=1)


def test_a_smaller_number_counts_at_once_and_a_larger_one_makes_more(panel: Panel) -> None:
    for number in range(3):
        place(panel, f"run_{number}:1", most=3)
    panel.store.commit(*panel.controls.unlock([f"{TOOL}#2"], "run_2:1"))
    assert not place(panel, "run_4:1", most=2)
    assert place(panel, "run_4:1", most=4)
    assert place(panel, "run_5:1", most=4)
    assert not place(panel, "run_6:1", most=4)


def test_places_are_shared_by_everyone_who_opens_the_store(panel: Panel, tmp_path: Path) -> None:
    with open_panel(tmp_path) as other:
        assert place(panel, "run_1:1", most=1)
        assert not place(other, "run_2:1", most=1)


def test_of_many_at_once_as_many_have_one_as_there_are(panel: Panel) -> None:
    wanted = [panel.controls.take_place(TOOL, 3, f"run_{number}:1", 5) for number in range(8)]
    assert panel.store.at_once(*wanted).count("") == 3
    assert len(panel.controls.locks()) == 3


def test_each_who_waits_is_told_of_a_place_of_its_own(panel: Panel) -> None:
    place(panel, "run_1:1", most=3)
    assert [panel.controls.has_room(TOOL, 3) for _ in range(4)] == [True, True, False, False]


def test_a_place_is_told_from_a_lock_whatever_a_call_names(panel: Panel) -> None:
    assert is_place(place(panel, "run_1:1"))
    assert not is_place("shop:order_id:W#1")
