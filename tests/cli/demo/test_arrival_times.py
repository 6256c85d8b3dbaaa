"""Work arrives when it is said to: at a rate, or at the moments of a file whose mistakes are named."""

from pathlib import Path

import pytest

from remit.cli.demo.arrival_times import ArrivalTimes, at_rate, read_arrival_times
from remit.core import InputError


def test_what_is_due_is_taken_once_and_no_more_than_asked_for() -> None:
    moments = ArrivalTimes(iter((0.0, 0.5, 0.5, 3.0)))
    assert moments.take(1.0, 2) == 2
    assert moments.take(1.0, 9) == 1
    assert moments.take(2.9, 9) == 0
    assert moments.next == 3.0
    assert moments.take(3.0, 9) == 1
    assert moments.next is None
    assert moments.take(99.0, 9) == 0


def test_a_rate_spreads_arrivals_evenly_and_none_lets_them_come_at_once() -> None:
    assert at_rate(120).take(1.0, 99) == 3
    assert at_rate(0).take(0.0, 99) == 99


def test_moments_are_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "moments.txt"
    path.write_text("0\n0.25\n\n0.25\n7.5\n", encoding="utf-8")
    assert read_arrival_times(path) == (0.0, 0.25, 0.25, 7.5)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("0\nsoon\n", ":2", "Not a number"),
        ("0\nnan\n", ":2", "Not a number"),
        ("inf\n", ":1", "Not a number"),
        ("-1\n", ":1", "Earlier"),
        ("2\n\n1\n", ":3", "Earlier"),
        ("\n", "", "no moments"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_line(tmp_path: Path, text: str, place: str, said: str) -> None:
    path = tmp_path / "moments.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said) as refused:
        read_arrival_times(path)
    assert f"moments.txt{place}" in refused.value.text()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Cannot read") as refused:
        read_arrival_times(tmp_path / "none.txt")
    assert "none.txt" in refused.value.text()
