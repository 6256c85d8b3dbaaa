"""Runs what a document tells its reader to type, in a copy of the repository, and checks what it says will be shown."""

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from journeys.command_line import REPOSITORY, environment

_BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"#\s+exit code (?P<code>\d+)\s*$")
_ENDED = "the command ended with"
# The tests do not run themselves: that the target is there and what it would do is enough. A demo without an end is
# left by Ctrl-C, as the reader is told, when it has shown how to get in and has worked for a while: SIGALRM tells
# `timeout` that its time is over.
_MAKE = """make() {
  case "$*" in
    test) command make -n test ;;
    demo)
      timeout -s INT 60 make demo > demo.shown 2>&1 &
      until grep -q /login/ demo.shown || ! kill -0 $!; do sleep 0.1; done
      sleep 3; kill -ALRM $!; wait $!
      set -- $?; cat demo.shown; [ $1 -eq 124 ] ;;
    *) command make "$@" ;;
  esac
}"""
# What stays at work is started as it is, and every other command too where no process is ready for it.
_ASKS = shlex.quote(str(Path(__file__).with_name("ready_process.py")))
_REMIT = """case "$1" in up|serve|worker|demo) exec {python} -m remit.cli "$@" ;; esac
[ -S "$READY" ] && exec {python} -I -S {asks} "$READY" -- "$@"
exec {python} -m remit.cli "$@"
"""
# What a reader copies from the screen: the newest of its kind; for a decision, the newest about the refund.
_SHOWN = {
    "APPROVAL": r"\bapr_[0-9a-f]{32}\b",
    "RUN": r"\brun_[0-9a-f]{32}\b",
    "DECISION": r"shop__issue_refund.*(\bdec_[0-9a-f]{32}\b)",
}


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of a document."""

    kind: str
    text: str

    def commands(self) -> Iterator[tuple[str, int]]:
        """Yields each line of a shell block with the exit code it promises."""
        for line in self.text.splitlines():
            if line.strip():
                promised = _CODE.search(line)
                yield line.partition("    #")[0].strip(), int(promised["code"]) if promised else 0


def blocks(document: Path) -> list[Block]:
    """Returns the fenced blocks of a Markdown file."""
    text = document.read_text(encoding="utf-8")
    return [Block(found["kind"], found["text"]) for found in _BLOCK.finditer(text)]


def repository_copy(folder: Path) -> Path:
    """Makes a repository as a fresh clone has it after `make setup`, with this interpreter in its `.venv`."""
    left_out = shutil.ignore_patterns(".remit")  # compiled modules come along: they are of these very files
    for name in ("src", "requirements"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=left_out)
    for name in ("Makefile", "README.md", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, folder)
    binaries = folder / ".venv" / "bin"
    binaries.mkdir(parents=True)
    python = shlex.quote(sys.executable)
    for name, command in (("python", f'exec {python} "$@"'), ("remit", _REMIT.format(python=python, asks=_ASKS))):
        (binaries / name).write_text(f"#!/bin/sh\n{command}\n", encoding="utf-8")
        (binaries / name).chmod(0o755)
    for done in ("core", "ready"):
        (folder / ".venv" / done).touch()
    return folder


@dataclass(slots=True)
class Reader:
    """Somebody who types a document's commands into one shell."""

    folder: Path
    shown: list[str] = field(default_factory=list[str])
    _shell: "subprocess.Popen[str]" = field(init=False)
    _ready: "subprocess.Popen[bytes]" = field(init=False)
    _place: Path = field(init=False)
    """Of the socket: a path of few letters."""

    def __enter__(self) -> Self:
        self._place = Path(tempfile.mkdtemp(prefix="remit-"))
        variables = environment(PYTHONPATH=str(self.folder / "src"), READY=str(self._place / "ready"))
        self._ready = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("ready_process.py"), self._place / "ready"],
            cwd=self.folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=self.folder,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._typed(_MAKE)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        for process in (self._shell, self._ready):
            process.kill()
            process.communicate()
        shutil.rmtree(self._place)

    def read(self, document: Path) -> None:
        """Types every command, each with the exit code it promises, and looks for what the document says is shown."""
        since = 0
        for block in blocks(document):
            if block.kind == "sh":
                for command, promised in block.commands():
                    self.type(command, promised)
            elif block.kind == "text" and self.shown:
                missing = [line for line in block.text.splitlines() if not _stands(line, self.shown[since:])]
                assert not missing, "\n".join(self.shown[since:])
                since = len(self.shown)

    def type(self, command: str, promised: int = 0) -> str:
        """Types one command with the ids that were shown before, and returns what it shows."""
        for name, pattern in _SHOWN.items():
            if re.search(rf"\b{name}\b", command):
                command = re.sub(rf"\b{name}\b", self._last(pattern), command)
        out, code = self._typed(command)
        self.shown.append(out)
        assert code == promised, f"{command} ended with {code}:\n{out}"
        assert "Traceback" not in out
        return out

    def _last(self, pattern: str) -> str:
        found = [match for out in self.shown for match in re.findall(pattern, out)]
        assert found, f"nothing like {pattern} was shown"
        return found[-1]

    def _typed(self, command: str) -> tuple[str, int]:
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        grouped = command if command.startswith("make()") else f"{{ {command}\n}} </dev/null"
        self._shell.stdin.write(f"{grouped}\nended=$?; echo; echo {_ENDED} $ended\n")
        self._shell.stdin.flush()
        lines: list[str] = []
        for line in self._shell.stdout:
            if line.startswith(_ENDED):
                return "".join(lines), int(line.removeprefix(_ENDED))
            lines.append(line)
        raise AssertionError("the shell ended: " + "".join(lines))


def _stands(line: str, shown: list[str]) -> bool:
    """Whether the words of `line` stand somewhere in what was shown; `…` is anything on the way."""
    parts = [r"\s+".join(map(re.escape, part.split())) for part in line.split("…")]
    return re.search(r".*?".join(parts), "\n".join(shown), re.DOTALL) is not None
