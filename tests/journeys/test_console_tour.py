"""A newcomer is led through a demo: six stations clicked through, a worker process killed by a button on the way."""

import re
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.web.browser import OpenWindow

from journeys.console import Person, until
from journeys.demo_at_work import Demo, demo_at_work
from journeys.test_console_looks import PICTURES, look

pytestmark = pytest.mark.slow
# What has to happen by itself: a few dozen tickets, a process that is missed and whose runs are taken over.
PATIENCE_MS = 90_000
# A run that is taken over may come to a question for a person, and then ends when somebody answers: the next is looked at.
KILLS = 6
TAKEOVER_MS = 20_000


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Generator[Demo]:
    """The demo, with so many tickets that something of everything happens soon."""
    folder = tmp_path_factory.mktemp("tour") / "support"
    with demo_at_work(folder, "--seed", 1, "--rate", 240, "--open", 400, "--patience", 600) as working:
        yield working


@pytest.fixture
def guest(demo: Demo, open_window: OpenWindow) -> Person:
    """Somebody who followed the demo's link."""
    return demo.guest(open_window())


def has_happened(person: Person, station: str, told: str) -> None:
    """Waits until a station of the tour has its tick; the page looks again by itself."""
    expect(person.find(f"#{station}.has-happened .station-head")).to_contain_text(told, timeout=PATIENCE_MS)


def test_six_stations_are_clicked_through_and_each_gets_its_tick(guest: Person) -> None:
    answers(guest)
    for station, told in (("injection", "blocked"), ("claim", "refuted")):
        guest.go("/tour")
        has_happened(guest, station, told)
        guest.find(f"#{station}", has_text="Open the step").get_by_role("link", name="Open the step").click()
        guest.is_at(re.compile(r"/runs/run_[0-9a-f]+"))
        expect(guest.find(".step details[open]")).to_have_count(1)
    stops_and_lets_go_on(guest)
    kills_the_worker(guest)
    proves(guest)
    guest.go("/tour").sees("6 of 6 have happened", ".heading")
    PICTURES.mkdir(parents=True, exist_ok=True)
    faults = look(guest, "tour")
    assert not faults, "\n".join(faults)


def answers(guest: Person) -> None:
    """Says yes to the riskiest question."""
    answer = guest.find("#approval").get_by_role("link", name="Answer it")
    expect(answer).to_be_visible(timeout=PATIENCE_MS)
    answer.click()
    guest.is_at(re.compile(r"/approvals/apr_[0-9a-f]+"))
    guest.press("a")
    guest.write("looked at it on the tour")
    guest.press("Enter")
    guest.sees("is on the record", "#toasts")
    has_happened(guest.go("/tour"), "approval", "you answered")


def stops_and_lets_go_on(guest: Person) -> None:
    """Pulls the switch of the agent that is proposed, sees runs wait, and resets it."""
    guest.go("/tour").find("#stopping a.button").first.click()
    guest.is_at("/switches")
    guest.find("#here-because").fill("to see it on the tour")
    guest.find("section.card button.danger").click()
    guest.sees(re.compile(r"agent:\S+ is stopped.*In force", re.DOTALL), ".receipt")
    guest.go("/tour").sees("to see it on the tour", "#stopping .note")
    guest.find("#stopping").get_by_role("link", name="Let it go on").click()
    guest.find("#resume-because").fill("seen")
    guest.press("Enter")
    guest.sees("goes on", ".receipt")
    has_happened(guest.go("/tour"), "stopping", "stopped and resumed")


def kills_the_worker(guest: Person) -> None:
    """Slows the shop down, so that somebody is at work, kills the worker, and sees its runs finished by another."""
    guest.find("#kill").get_by_role("button", name="slow").click()
    guest.sees("slow", "#toasts")
    has_finished = any(kills_one(guest) for _ in range(KILLS))
    assert has_finished, f"{KILLS} workers were killed, and no run they drove was finished by another"
    has_happened(guest, "kill", "taken over and finished")
    guest.find("#kill .plain a").first.click()
    guest.is_at(re.compile(r"/runs/run_[0-9a-f]+"))
    guest.sees("lost", "main")


def kills_one(guest: Person) -> bool:
    """Kills the worker, sees another in its place, and returns whether a run that was taken over has ended."""
    before = pid_of(guest)
    guest.go("/tour").find("#kill").get_by_role("button", name="Kill the worker").click()
    guest.sees(f"{before}, was killed", "#toasts")
    until(lambda: not Path(f"/proc/{before}").exists() or is_dead(before))
    until(lambda: pid_of(guest.go("/tour")) not in ("", before), seconds=PATIENCE_MS / 1000)
    station = guest.find("#kill.has-happened")
    with suppress(AssertionError):
        expect(station).to_be_visible(timeout=TAKEOVER_MS)
    return station.is_visible()


def pid_of(guest: Person) -> str:
    """Returns the worker's process as the tour tells it."""
    told = guest.find("#kill", has_text="At work:").locator("b", has_text="pid")
    return told.first.inner_text().removeprefix("pid ")


def is_dead(pid: str) -> bool:
    """Whether a process has ended and nobody has asked how yet."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def proves(guest: Person) -> None:
    """Has the log verified, and looks at one entry's proof."""
    guest.go("/tour").find("#proof").get_by_role("button", name="Verify the log").click()
    guest.is_at("/log")
    guest.sees("It holds", "#verification")
    has_happened(guest.go("/tour"), "proof", "verified")
    guest.find("#proof").get_by_role("link", name=re.compile(r"Entry \d+ and its proof")).click()
    guest.is_at(re.compile(r"/log/\d+"))
    guest.sees("c2sp.org/tlog-proof", "#proof")
