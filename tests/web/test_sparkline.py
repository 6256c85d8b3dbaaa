"""Small curves, drawn by the server."""

from remit.web.sparkline import sparkline


def test_days_without_a_value_are_gaps_and_the_newest_value_is_marked() -> None:
    drawn = str(sparkline([1, None, 2, 4], label="Four days"))
    assert drawn.count("M") == 3  # the base line, and a beginning on either side of the gap
    assert 'cx="157.0" cy="3.0"' in drawn
    assert 'aria-label="Four days"' in drawn


def test_nothing_known_is_no_curve() -> None:
    assert sparkline([None, None], label="Nothing") == ""
    assert sparkline([None, 1], label="One day") == ""


def test_all_noughts_lie_on_the_ground() -> None:
    assert 'cy="29.0"' in str(sparkline([0, 0], label="Noughts"))


def test_a_label_is_escaped() -> None:
    assert "<b>" not in str(sparkline([1, 2], label="<b>"))
