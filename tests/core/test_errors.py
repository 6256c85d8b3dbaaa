"""An error tells what happened, to which thing, why, and what to do next."""

import pytest

from remit.core import ConflictError, InputError, IntegrityError, NotFoundError, RefusedError, RemitError


def test_the_message_says_what_which_why_and_a_hint() -> None:
    error = NotFoundError("No such run", which="run_1", why="it was never started", hint="`remit runs` lists them")
    assert str(error) == "No such run 'run_1'. it was never started. `remit runs` lists them."


def test_parts_that_are_missing_leave_no_trace() -> None:
    assert str(RemitError("Nothing to do")) == "Nothing to do."
    assert str(RemitError("Nothing to do.", hint="Wait.")) == "Nothing to do. Wait."


def test_the_same_is_told_as_an_object() -> None:
    assert ConflictError("Busy", which="a", why="b", hint="c").as_json() == {
        "error": "ConflictError",
        "what": "Busy",
        "which": "a",
        "why": "b",
        "hint": "c",
    }


@pytest.mark.parametrize("kind", [ConflictError, InputError, IntegrityError, NotFoundError, RefusedError])
def test_every_error_is_an_error_of_remit(kind: type[RemitError]) -> None:
    with pytest.raises(RemitError, match="It broke"):
        raise kind("It broke")
