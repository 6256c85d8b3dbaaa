"""A pulled switch stops everything in its scope, from its receipt on."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event

import pytest

from controls.panel import Panel, open_panel
from remit.controls import parse_scope
from remit.core import InputError
from remit.store import Commit, Committed, Query

SCOPES = ("fleet", "unit:care", "class:internal", "agent:desk", "version:desk@1.0.0", "run:run_1", "tool:shop__refund")
PULLED = "a switch was pulled"
CALLERS = 64
CALLS = Query("test.calls", "select coalesce(sum(calls), 0) as calls from rates")


@pytest.mark.parametrize("scope", [*SCOPES, "model:fast", "unit:a:b"])
def test_a_scope_is_the_fleet_or_a_kind_with_a_name(scope: str) -> None:
    assert parse_scope(scope) == parse_scope(f" {scope} ") == scope


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "fleet:",
        "fleet:x",
        "agent",
        "agent:",
        "agent: ",
        "agent: desk",
        "agent:a b",
        "planet:mars",
        ":x",
        "Agent:x",
    ],
)
def test_another_scope_is_refused_because_it_would_stop_nothing(text: str) -> None:
    with pytest.raises(InputError, match="unit:NAME"):
        parse_scope(text)


def test_the_guard_holds_while_no_switch_is_pulled(panel: Panel) -> None:
    panel.store.commit(panel.controls.guard(SCOPES))
    assert panel.controls.stopped(SCOPES) is None
    assert panel.controls.glance(SCOPES) is None
    assert panel.controls.switches() == []


@pytest.mark.parametrize("scope", SCOPES)
def test_a_switch_stops_what_is_in_its_scope_and_nothing_else(panel: Panel, scope: str) -> None:
    panel.pull(scope)
    others = [other for other in SCOPES if other != scope]
    assert panel.store.refusal(panel.controls.guard(SCOPES)) == PULLED
    assert panel.store.refusal(panel.controls.guard(others)) == ""
    assert panel.controls.stopped(others) is None


def test_a_pulled_switch_says_who_pulled_it_and_why(panel: Panel) -> None:
    panel.pull("agent:desk", "it pays everybody")
    for switch in (panel.controls.stopped(SCOPES), panel.controls.glance(SCOPES), *panel.controls.switches()):
        assert switch is not None
        assert (switch.scope, switch.stopped, switch.because) == ("agent:desk", True, "it pays everybody")
        assert (switch.by, switch.at) == ("mail", panel.clock.now())


def test_a_switch_that_was_reset_stops_nothing(panel: Panel) -> None:
    panel.pull("agent:desk")
    panel.reset("agent:desk")
    panel.store.commit(panel.controls.guard(SCOPES))
    assert panel.controls.stopped(SCOPES) is None
    assert [(switch.scope, switch.stopped) for switch in panel.controls.switches()] == [("agent:desk", False)]


def test_more_scopes_than_the_guard_can_look_at_are_refused_not_ignored(panel: Panel) -> None:
    panel.pull("model:fast")
    with pytest.raises(InputError, match="scopes"):
        panel.controls.guard([*SCOPES, "model:fast"])


def test_no_scope_at_all_is_still_guarded_against_the_fleets_switch(panel: Panel) -> None:
    panel.store.commit(panel.controls.guard(("fleet",)))
    panel.pull("fleet")
    assert panel.store.refusal(panel.controls.guard(("fleet",))) == PULLED


@pytest.mark.parametrize("elsewhere", [False, True], ids=["one process", "another connection"])
def test_after_the_receipt_of_a_stop_nothing_in_its_scope_is_committed(tmp_path: Path, elsewhere: bool) -> None:
    with open_panel(tmp_path) as panel, open_panel(tmp_path) as other:
        together, stopped = Barrier(CALLERS + 1), Event()
        guarded = Commit([panel.controls.guard(SCOPES), panel.controls.count("desk", most=10**9, seconds=60)])

        def call() -> int:
            """Commits until it is refused; returns how often it stood although the receipt was out before."""
            together.wait()
            late = 0
            while True:
                was_stopped = stopped.is_set()
                if not isinstance(panel.store.writer.commit_now(guarded), Committed):
                    return late
                late += was_stopped

        with ThreadPoolExecutor(CALLERS) as threads:
            callers = [threads.submit(call) for _ in range(CALLERS)]
            together.wait()
            while not calls(panel):
                pass  # until some have stood, so that the stop falls into the midst of them
            (other if elsewhere else panel).pull("agent:desk")
            stopped.set()
            at_receipt = calls(panel)
            assert sum(caller.result() for caller in callers) == 0
        assert calls(panel) == at_receipt > 0


def calls(panel: Panel) -> int:
    """Returns how many guarded calls are durable."""
    row = panel.store.database.read_one(CALLS)
    return row["calls"] if row else 0
