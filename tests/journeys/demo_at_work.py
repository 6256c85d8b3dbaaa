"""The demo of the support fleet at work in processes of its own, and somebody who follows its link."""

import re
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.web.browser import Window

from journeys.command_line import REPOSITORY, environment
from journeys.console import Person

_LINK = re.compile(r"(?P<address>http://\S+?)(?P<path>/login/\S+)")
# It ends its worker, which comes to the end of what is under way.
LAST_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo at work."""

    address: str
    path: str
    """Where its link leads, once."""

    def guest(self, window: Window) -> Person:
        """Lets somebody in by the demo's link; they come in at the tour."""
        person = Person(window, self.address).go(self.path)
        person.find("button.primary").click()
        person.is_at("/tour")
        return person


@contextmanager
def demo_at_work(folder: Path, *options: object) -> Generator[Demo]:
    """Keeps the demo at work in a new folder; where one gets in, it says on its first lines."""
    command = [sys.executable, "-m", "remit.cli", "demo", "support", "--keep", folder, "--port", 0, *options]
    process = subprocess.Popen(
        [*map(str, command)],
        env=environment(),
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        lines: list[str] = []
        while not (found := _LINK.search("".join(lines))):
            lines.append(process.stdout.readline())
            assert lines[-1], "".join(lines)
        yield Demo(found["address"], found["path"])
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LAST_SECONDS)
    finally:
        process.kill()
        process.communicate()
