"""A question that somebody looks at is left to them, but not for ever."""

import pytest

from remit.cli.demo.looked_at import LEFT_SECONDS, LookedAt
from remit.core import SECOND
from remit.testing import SettableClock


@pytest.mark.parametrize(("patience", "left"), [(60.0, LEFT_SECONDS), (900.0, 900.0)])
def test_a_question_is_left_from_the_first_look_on(patience: float, left: float) -> None:
    clock = SettableClock()
    looked_at = LookedAt(clock, patience)
    assert not looked_at.is_left("a")
    assert looked_at.note("a") == left
    clock.advance(int((left - 1) * SECOND))
    assert looked_at.note("a") == 1, "to look once more does not begin anew"
    assert looked_at.is_left("a")
    assert not looked_at.is_left("b")
    clock.advance(SECOND)
    assert looked_at.note("a") == 0
    assert not looked_at.is_left("a")
