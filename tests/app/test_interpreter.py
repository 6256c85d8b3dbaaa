"""A process that drives runs for long has its interpreter set for that."""

import gc
from collections.abc import Iterator

import pytest

from remit.app import set_interpreter


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """Leaves the interpreter of the tests as it was."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def test_what_is_loaded_is_looked_through_no_more() -> None:
    often, frozen = gc.get_threshold()[0], gc.get_freeze_count()
    set_interpreter()
    assert gc.get_freeze_count() > frozen
    assert gc.get_threshold()[0] > often


def test_what_comes_later_is_still_collected() -> None:
    set_interpreter()
    ring: list[object] = []
    ring.append(ring)
    del ring
    assert gc.collect() > 0
