"""YAML as data: bounded, every value with its line, and none of YAML's surprises.

Plain scalars mean what they mean in JSON: `true`, `false`, `null`, numbers; all else (`on`, `yes`, `2026-11-20`, `1:30`)
is text. Anchors, aliases, tags, a second document and a key that stands twice are mistakes.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from remit.contracts.model import Finding
from remit.core import DEEPEST, InputError

# What one file may have: a contract of this size is already unreadable.
LARGEST = 262_144
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,29})(?P<fraction>\.[0-9]{1,30})?(?P<exponent>[eE][-+]?[0-9]{1,2})?")
_WORDS: Mapping[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}
# The C parser where PyYAML brings it: a tools file of a hundred tools is read ten times faster.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Refused(Exception):
    def __init__(self, line: int, problem: str, suggestion: str = "") -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True)
class Source:
    """One file as plain values with the line of each of them, and what was wrong on the way."""

    file: str
    value: Any = None
    lines: Mapping[str, int] = field(default_factory=dict[str, int])
    findings: tuple[Finding, ...] = ()

    @property
    def unreadable(self) -> bool:
        """Whether there is nothing to look at, because of what was wrong."""
        return self.value is None and bool(self.findings)

    def line(self, path: str) -> int:
        """Returns the line of `path`, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.lines.get(path, 1)

    def finding(self, path: str, problem: str, suggestion: str = "") -> Finding:
        """Returns the finding that something is wrong at `path`."""
        return Finding(self.file, self.line(path), path, problem, suggestion)

    def warning(self, path: str, problem: str, suggestion: str = "") -> Finding:
        """Returns the finding that something at `path` deserves a look."""
        return Finding(self.file, self.line(path), path, problem, suggestion, "warning")


def read_source(folder: Path, path: Path) -> Source:
    """Returns what a YAML file inside `folder` says; a file that cannot be read is a finding."""
    file = path.relative_to(folder).as_posix()
    try:
        return read_yaml(read_text(folder, path), file=file)
    except InputError as error:
        return Source(file, findings=(Finding(file, 1, "", error.text()),))


def read_text(folder: Path, path: Path, *, largest: int = LARGEST) -> str:
    """Returns the text of a file inside `folder`; too large, not UTF-8 or led outside by a link is an `InputError`."""
    name = path.relative_to(folder).as_posix()
    if leads_outside(path, folder):
        raise InputError("The file lies outside the fleet's folder", which=name, hint="Copy it; do not link it")
    if not path.is_file():
        raise InputError("There is no such file", which=name)
    try:
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except OSError as error:
        raise InputError("The file cannot be read", which=name, why=error.strerror or str(error)) from error
    if len(content) > largest:
        raise InputError("The file is too large", which=name, why=f"the limit is {largest} bytes")
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError("The file is not UTF-8", which=name, why=f"byte {error.start} in line {line}") from error


def leads_outside(path: Path, folder: Path) -> bool:
    """Whether a path, its links followed, is not within `folder`; one that leads to itself leads nowhere else."""
    # pathlib would raise at a link that leads to itself.
    return not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def read_yaml(text: str, *, file: str, before: int = 0) -> Source:
    """Returns the values in `text`, of which `before` lines of `file` stand above it."""
    lines: dict[str, int] = {}
    findings: list[Finding] = []
    reader = _Reader(iter(yaml.parse(text, Loader=_Loader)), before + 1, lines, file, findings)
    try:
        value = reader.document()
    except _Refused as refused:
        findings.append(Finding(file, refused.line, "", refused.problem, refused.suggestion))
        return Source(file, None, lines, tuple(findings))
    except yaml.YAMLError as error:
        findings.append(_not_yaml(error, file, before))
        return Source(file, None, lines, tuple(findings))
    return Source(file, value, lines, tuple(findings))


def _not_yaml(error: yaml.YAMLError, file: str, before: int) -> Finding:
    mark = getattr(error, "problem_mark", None)
    why = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read")
    line = before + 1 + (mark.line if mark else 0)
    return Finding(file, line, "", f"Not YAML: {why}", "Put texts with : # ' or [ into double quotes")


@dataclass(frozen=True, slots=True)
class _Reader:
    events: Iterator[yaml.Event]
    first_line: int
    lines: dict[str, int]
    file: str
    findings: list[Finding]

    def document(self) -> Any:
        value: Any = None
        documents = 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _Refused(self._line(event), "A second document begins here", "Write one per file")
                value = self._value(next(self.events), "", 0)
        return value

    def _value(self, event: yaml.Event, path: str, depth: int) -> Any:
        line = self._line(event)
        if depth > DEEPEST:
            raise _Refused(line, f"Nested too deeply: more than {DEEPEST} levels")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _Refused(line, "Anchors and aliases are not allowed", "Write the value out where it is used")
        if getattr(event, "tag", None):
            raise _Refused(line, "Tags are not allowed", "Write plain text, numbers, true, false, lists and mappings")
        self.lines.setdefault(path, line)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(path, depth)
        assert isinstance(event, yaml.ScalarEvent)  # noqa: S101 - the parser promises one of four
        return self._scalar(event, path)

    def _mapping(self, path: str, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent) or event.anchor or event.tag:
                raise _Refused(self._line(event), "A key must be plain text")
            key = str(event.value)
            inner = f"{path}.{key}" if path else key
            if key in found:
                self._say(event, inner, f"{key!r} stands here twice; first in line {self.lines[inner]}", "Keep one")
            self.lines[inner] = self._line(event)
            found[key] = self._value(next(self.events), inner, depth + 1)
        return found

    def _list(self, path: str, depth: int) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            found.append(self._value(event, f"{path}[{len(found)}]", depth + 1))
        return found

    def _scalar(self, event: yaml.ScalarEvent, path: str) -> Any:
        text = str(event.value)
        if event.style:  # quoted, or a block
            return text
        if text in _WORDS:
            return _WORDS[text]
        number = _NUMBER.fullmatch(text)
        if number is None:
            return text
        return float(text) if number["fraction"] or number["exponent"] else int(text)

    def _say(self, event: yaml.Event, path: str, problem: str, suggestion: str = "") -> None:
        self.findings.append(Finding(self.file, self._line(event), path, problem, suggestion))

    def _line(self, event: yaml.Event) -> int:
        return self.first_line + (event.start_mark.line if event.start_mark else 0)
