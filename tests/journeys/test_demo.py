"""`remit demo retail`: real work to its right end, whoever answers; and a person at the prompt."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

import pytest

from journeys.command_line import REPOSITORY, Command, environment, started

SHARED = os.environ.get("REMIT_SHARED_DATA", "")
# What a terminal session may take; a machine that is slower than this has another problem.
PATIENCE = 30.0


@pytest.mark.slow
@pytest.mark.parametrize("people", ["approve", "reject", "seeded"])
def test_the_invented_tickets_end_right_whatever_people_answer(people: str) -> None:
    report = started("demo", "retail", "--headless", "--people", people, "--json").value

    assert "SIMULATED" in report["label"]
    assert report["tasks"] >= 10
    assert report["done"] == report["tasks"]
    assert report["wrong_ends"] == {}
    assert report["denied"] >= 1
    assert report["asked_people"] >= 1
    assert report["figures"]["not_live"] == report["tasks"], "a simulated model is never counted as a live one"
    assert (report["holds_open"], report["locks_held"]) == (0, 0)
    assert report["log"]["ok"]
    assert report["log"]["problems"] == []


@pytest.mark.slow
@pytest.mark.skipif(not SHARED, reason="REMIT_SHARED_DATA is not set: no recorded conversations here")
def test_the_recorded_conversations_are_worked_through() -> None:
    report = started("demo", "retail", "--headless", "--people", "approve", "--json", REMIT_SHARED_DATA=SHARED).value

    assert "RECORDED" in report["label"]
    assert (report["tasks"], report["done"]) == (20, 20)
    assert (report["holds_open"], report["locks_held"]) == (0, 0)
    assert report["log"]["ok"]


def test_a_kept_demo_can_be_looked_around_in(remit: Command, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    told = remit("demo", "retail", "--headless", "--tasks", "6", "--keep", kept).out
    decision = next(word for line in told.splitlines() if "denied" in line for word in line.split() if "dec_" in word)

    assert f"remit runs --fleet {kept}" in told
    assert len(remit("runs", "--fleet", kept, "--json").value) == 6
    explained = remit("explain", decision, "--fleet", kept)
    assert explained.code == 0
    assert explained.out.startswith("deny  tool ")


@pytest.mark.slow
def test_a_person_at_the_prompt_is_asked_and_heard() -> None:
    """Two tickets of the queue need a person: the first gets a yes, the second a no."""
    with Terminal("demo", "retail") as terminal:
        for answer, reason in (("y", "seen the order"), ("n", "too much")):
            terminal.wait_for("ines.lead@shop.example is asked: shop__return_delivered_order_items")
            terminal.wait_for("Approve?")
            terminal.type(answer)
            terminal.wait_for("Why?")
            terminal.type(reason)
            terminal.wait_for(f"({reason})")
        told = terminal.rest()
    assert "people asked 2 times" in told
    assert "log verified" in told
    assert terminal.process.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("leave", ["end of input", "interrupt"])
def test_who_leaves_the_prompt_ends_the_demo_at_once(leave: str) -> None:
    with Terminal("demo", "retail") as terminal:
        terminal.wait_for("Approve?")
        if leave == "interrupt":
            terminal.process.send_signal(signal.SIGINT)
        else:
            terminal.type("\x04", end="")
        told = terminal.rest()
    assert terminal.process.returncode not in (0, -signal.SIGKILL)
    assert "Traceback" not in told


class Terminal:
    """`remit` at a terminal of its own: what it shows, and somebody who types."""

    def __init__(self, *arguments: str) -> None:
        self._ours, theirs = pty.openpty()
        self._shown = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "remit.cli", *arguments],
            cwd=REPOSITORY,
            env=environment(TERM="dumb"),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def wait_for(self, words: str) -> None:
        """Reads on until `words` stand there, however the lines are broken, and goes on behind them."""
        wanted = re.compile(r"\s+".join(map(re.escape, words.split())))
        while not (found := wanted.search(self._shown)):
            part = self._read()
            assert part, f"it never showed {words!r}: {self._shown}"
            self._shown += part
        self._shown = self._shown[found.end() :]

    def type(self, text: str, *, end: str = "\n") -> None:
        """Types one line."""
        os.write(self._ours, f"{text}{end}".encode())

    def rest(self) -> str:
        """Returns what it shows until it ends, in one line."""
        while part := self._read():
            self._shown += part
        self.process.wait(timeout=PATIENCE)
        return " ".join(self._shown.split())

    def _read(self) -> str:
        assert select.select([self._ours], [], [], PATIENCE)[0], f"it shows nothing more: {self._shown}"
        try:
            return os.read(self._ours, 65_536).decode(errors="replace")
        except OSError:  # how Linux says that the other end is gone
            return ""
