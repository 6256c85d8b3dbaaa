"""`remit demo` of a fleet whose work comes in as events: the report balances, whatever happens meanwhile."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from journeys.command_line import REPOSITORY, environment, started, typed
from journeys.office import make_office

KEYS = [
    "tasks", "actions", "blocked", "gates", "approvals", "cost", "cpso", "ttr_seconds", "hir", "log", "crashes_survived",
    "correct_outcomes", "wall_seconds", "cpu_seconds", "simulated",
]  # fmt: skip
# What a machine that is busy with other tests may take.
PATIENCE = 40.0


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_office(tmp_path_factory.mktemp("live") / "office")


def report(office: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    """Runs the demo headless and returns its report, which is all there is on standard output."""
    done = started("demo", str(office), "--headless", "--json", *arguments)
    assert done.code == code, done.err
    return done.value


def assert_balanced(told: dict[str, Any]) -> None:
    """Each total is the sum of what it is made of, and nothing is left over."""
    assert list(told) == KEYS
    for name, total in (("tasks", "total"), ("actions", "total"), ("approvals", "asked")):
        counts = dict(told[name])
        assert counts.pop(total) == sum(counts.values()), (name, told[name])
    assert sum(told["blocked"].values()) == told["actions"]["denied"]
    assert told["approvals"]["open"] == 0
    assert told["log"]["verified"]
    assert told["simulated"] is True


@pytest.mark.slow
@pytest.mark.parametrize(
    ("people", "ends"),
    [
        ("approve", {"total": 12, "resolved": 9, "escalated": 3, "failed": 0, "unfinished": 0}),
        ("reject", {"total": 12, "resolved": 6, "escalated": 0, "failed": 6, "unfinished": 0}),
    ],
)
def test_the_report_balances_whatever_people_answer(office: Path, people: str, ends: dict[str, int]) -> None:
    told = report(office, "--tasks", "12", "--people", people)
    assert_balanced(told)
    assert told["tasks"] == ends
    assert told["approvals"]["asked"] == 6
    assert told["correct_outcomes"] == 1.0


@pytest.mark.slow
def test_one_seed_gives_the_same_decisions_however_much_goes_on_at_once(office: Path, tmp_path: Path) -> None:
    traces = [tmp_path / f"{number}.jsonl" for number in range(3)]
    for trace, seed, most in zip(traces, "112", ("1", "24", "24"), strict=True):
        told = report(office, "--tasks", "24", "--seed", seed, "--open", most, "--trace", str(trace))
        assert_balanced(told)
    first, again, other = (trace.read_text(encoding="utf-8") for trace in traces)
    assert first == again
    assert first != other
    lines = [json.loads(line) for line in first.splitlines()]
    assert len(lines) == 24
    agent, tool, digest, rung, verdict = lines[0]["actions"][0]
    assert (agent, tool, rung, verdict) == ("supplies-desk", "store__find_item", "autonomous", "permit")
    assert re.fullmatch("[0-9a-f]{64}", digest)


@pytest.mark.slow
def test_what_is_killed_and_broken_meanwhile_changes_nothing(office: Path, tmp_path: Path) -> None:
    calm, wild = tmp_path / "calm", tmp_path / "wild"
    report(office, "--tasks", "40", "--trace", str(calm))
    told = report(office, "--tasks", "40", "--open", "8", "--chaos", "--trace", str(wild))
    assert_balanced(told)
    assert told["crashes_survived"] == 2
    assert told["correct_outcomes"] == 1.0
    assert wild.read_bytes() == calm.read_bytes()


@pytest.mark.slow
def test_work_of_ones_own_is_done_and_nobody_claims_to_know_what_is_right(office: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.jsonl"
    own.write_text('{"request": "Please order 3 paper."}\n{"request": "Please order 2 coffee."}\n', encoding="utf-8")
    told = report(office, "--tickets", str(own))
    assert_balanced(told)
    assert told["tasks"]["resolved"] == 2
    assert told["correct_outcomes"] is None


@contextmanager
def demo(office: Path, *arguments: str) -> Generator[subprocess.Popen[str]]:
    """A demo that goes on until it is told to stop; what it says comes in one stream."""
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "remit.cli", "demo", str(office), *arguments],
        cwd=REPOSITORY,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """Returns what is said until a line holds `words`, that line included."""
    assert process.stdout is not None
    told = ""
    for line in process.stdout:
        told += line
        if words in line:
            return told
    raise AssertionError(f"it never said {words!r}: {told}")


def worker_of(folder: Path) -> int:
    """Returns the process id of the worker of a kept demo."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"\0worker\0" in command and str(folder).encode() in command:
                return int(entry.name)
    return 0


def assert_gone(folder: Path) -> None:
    until = time.monotonic() + PATIENCE
    while worker_of(folder):
        assert time.monotonic() < until, "the worker outlives its demo"
        time.sleep(0.1)


def wait_until_answered(folder: Path) -> None:
    until = time.monotonic() + PATIENCE
    while not typed("approvals", "--state", "used", "--fleet", str(folder), "--json").value:
        assert time.monotonic() < until, "nobody answers what people are asked"


@pytest.mark.slow
def test_a_headless_demo_that_is_interrupted_reports_what_there_is(office: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    with demo(office, "--headless", "--tasks", "5000", "--json", "--keep", str(kept)) as process:
        read_until(process, "of 5000 ended")
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 1, "not everything has ended"
    assert "Traceback" not in told
    value = json.loads(told[told.index("\n{\n") if "\n{\n" in told else told.index("{\n") :])
    ends = dict(value["tasks"])
    assert ends.pop("total") == sum(ends.values())
    assert ends["unfinished"] + ends["resolved"] > 0
    assert value["log"]["verified"]
    assert_gone(kept)


@pytest.mark.slow
def test_without_a_terminal_the_console_is_served_and_a_colleague_answers(office: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        demo(office, "--rate", "600", "--patience", "1", "--port", "0", "--keep", str(kept)) as process,
    ):
        told = read_until(process, "log in")
        link = re.search(r"http://127\.0\.0\.1:(\d+)/login/\S+", told)
        assert link is not None
        assert int(link[1]) != taken.getsockname()[1]
        assert httpx2.get(link[0]).status_code == 200
        wait_until_answered(kept)
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 0, rest
    assert "report" in rest
    assert "verified" in rest
    shown = typed("log", "verify", "--fleet", str(kept))
    assert shown.code == 0
    assert_gone(kept)


@pytest.mark.slow
def test_a_port_that_is_taken_is_told_and_another_one_found(office: Path) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind(("127.0.0.1", 8321))
            other.listen()
        except OSError:
            pass  # somebody else has it, which is as good
        with demo(office, "--rate", "60") as process:
            told = read_until(process, "log in")
            assert "Port 8321 is taken here" in told
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


@pytest.mark.slow
def test_a_worker_does_not_outlive_whoever_started_it(office: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    with demo(office, "--headless", "--tasks", "5000", "--keep", str(kept)) as process:
        read_until(process, "of 5000 ended")
        assert worker_of(kept)
        process.kill()
    assert_gone(kept)


@pytest.mark.slow
@pytest.mark.parametrize("leave", ["SIGTERM", "end of input"])
def test_a_worker_that_is_asked_to_stop_drains(office: Path, tmp_path: Path, leave: str) -> None:
    kept = tmp_path / "kept"
    report(office, "--tasks", "1", "--keep", str(kept))
    command = [sys.executable, "-m", "remit.cli", "worker", "--fleet", str(kept), "--until-input-ends"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment(), stdin=pipe, stdout=pipe, cwd=REPOSITORY) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        assert worker.stdout.readline().startswith(b"at work as ")
        if leave == "SIGTERM":
            worker.terminate()
            assert worker.wait(timeout=PATIENCE) == 0
        worker.stdin.close()
        assert worker.wait(timeout=PATIENCE) == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--model", "openai:gpt"), "The variable OPENAI_API_KEY is not set"),
        (("--model", "anthropic:claude"), "The variable ANTHROPIC_API_KEY is not set"),
        (("--model", "gpt"), "Write openai:NAME or anthropic:NAME"),
        (("--base-url", "http://127.0.0.1:1/v1"), "An address without a model"),
        (("--model", "openai:x", "--base-url", "http://10.0.0.1/v1"), "in the clear"),
    ],
)
def test_a_model_that_cannot_be_asked_is_told_before_anything_starts(
    office: Path, arguments: tuple[str, ...], told: str
) -> None:
    done = typed("demo", str(office), "--headless", "--json", *arguments)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
