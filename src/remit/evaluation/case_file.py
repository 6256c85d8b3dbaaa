"""Files of evaluation cases, in the format of pydantic-evals: read strictly, added to without touching what stands there."""

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from remit.contracts import LARGEST_SOURCE, Finding, leads_outside, read_yaml
from remit.core import ConflictError, InputError

_BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
# Cases are read by people in diffs: no line longer than the code's own.
_WIDTH = 110
_INDENT = 2
# Words that every reader of YAML takes for text as they stand; PyYAML still quotes those that mean something else.
_PLAIN = re.compile(r"[^\W\d_](?:[\w .,;()/@+-]*[\w.,;()/@+-])?")
_LINES = re.compile(r"\S[^\x00-\x09\x0b-\x1f\x7f-\xa0\u2028\u2029\ufeff]*\S")


@dataclass(frozen=True, slots=True)
class Case:
    """One example of an evaluation set."""

    name: str
    inputs: Mapping[str, Any]
    metadata: Mapping[str, Any]
    expected_output: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Empty when there is no one right answer."""

    def as_value(self) -> dict[str, Any]:
        """Returns the case as it stands in a file."""
        expected = {"expected_output": dict(self.expected_output)} if self.expected_output else {}
        return {"name": self.name, "inputs": dict(self.inputs), **expected, "metadata": dict(self.metadata)}


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A file of cases as it was read; it is written only while it is still that."""

    path: Path
    name: str
    """As it is told: its path in the fleet's folder."""
    content: bytes | None
    """None while there is no such file."""

    @classmethod
    def read(cls, folder: Path, name: str) -> "CaseFile":
        """Reads a file inside `folder`, which need not be there yet. Raises `InputError` when it has mistakes."""
        path = folder / name
        if leads_outside(path, folder):
            raise InputError(
                "The file lies outside the fleet's folder", which=name, hint="Name one inside, as cases/AGENT.yaml"
            )
        try:
            content = path.read_bytes() if path.exists() else None
        except OSError as fault:
            raise InputError("The file cannot be read", which=name, why=fault.strerror or str(fault)) from fault
        found = cls(path, name, content)
        found.cases()
        return found

    def cases(self) -> list[dict[str, Any]]:
        """Returns the cases that stand in it."""
        return _cases_of(self._value(self.text()), self.name)

    def text(self) -> str:
        """Returns what stands in it, with plain line ends; empty while it is not there."""
        try:
            text = (self.content or b"").decode()
        except UnicodeDecodeError as fault:
            raise InputError("The file is not UTF-8", which=self.name, why=f"byte {fault.start}") from fault
        return text.removeprefix(_BOM).replace("\r\n", "\n")

    def with_cases(self, cases: Sequence[Case]) -> str:
        """Returns the text with `cases` at the end of its list; all else, comments too, stays as it is.

        Raises `InputError` when that cannot be done without changing what stands there.
        """
        before, text = self.text(), self.text()
        if self.content is None:
            text = "cases: []\n"
        lines = text.splitlines()
        place = _Place.find(text, lines)
        if place is None:
            raise InputError("Cases cannot be added", which=self.name, why="its list of cases is not written line by line",
                hint="Write each case below `cases:`, beginning with `- name:`")  # fmt: skip
        after = "\n".join([*place.above, *_written(cases, place.indent), *place.below]) + "\n"
        self._check(before, after, cases)
        return after

    def write(self, text: str) -> None:
        """Puts `text` in place of what was read, as a whole. Raises `ConflictError` when somebody changed it meanwhile."""
        now = self.path.read_bytes() if self.path.exists() else None
        if now != self.content:
            raise ConflictError("The file was changed meanwhile", which=self.name, hint="Look at it and export again")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_name(f".{self.path.name}.new")
        new.write_bytes(self._encoded(text))
        if now is not None:
            shutil.copymode(self.path, new)
        os.replace(new, self.path)

    # --- parts

    def _encoded(self, text: str) -> bytes:
        """Returns `text` as bytes, with the line ends and the byte order mark the file had."""
        content = self.content or b""
        if b"\r\n" in content:
            text = text.replace("\n", "\r\n")
        return ((_BOM if content.startswith(_BOM.encode()) else "") + text).encode()

    def _value(self, text: str) -> Any:
        if len(text.encode()) > LARGEST_SOURCE:
            raise InputError("The file is too large", which=self.name, why=f"the limit is {LARGEST_SOURCE} bytes")
        source = read_yaml(text, file=self.name)
        if source.findings:
            raise _mistake(source.findings[0])
        return source.value

    def _check(self, before: str, after: str, cases: Sequence[Case]) -> None:
        """Makes sure that nothing but new cases came of it, whatever the file looks like."""
        if len(after.encode()) > LARGEST_SOURCE:
            raise InputError("The file would be too large", which=self.name, why=f"the limit is {LARGEST_SOURCE} bytes")
        old: dict[str, Any] = self._value(before) or {}
        added = [*_cases_of(old, self.name), *(case.as_value() for case in cases)]
        if {**old, "cases": added} != read_yaml(after, file=self.name).value:
            raise InputError(
                "Cases cannot be added",
                which=self.name,
                why="what stands there would be changed",
                hint="Let the file end with a case",
            )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where new cases go."""

    above: list[str]
    below: list[str]
    indent: int

    @classmethod
    def find(cls, text: str, lines: list[str]) -> "_Place | None":
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        pairs: list[tuple[Any, Any]] = root.value if isinstance(root, yaml.MappingNode) and not root.flow_style else []
        number = next((n for n, (key, _) in enumerate(pairs) if key.value == "cases"), None)
        if number is None:
            return None
        key: Any = pairs[number][0]
        node: Any = pairs[number][1]
        end = pairs[number + 1][0].start_mark.line if number + 1 < len(pairs) else len(lines)
        while end and _is_left_out(lines[end - 1], is_last=number + 1 == len(pairs)):
            end -= 1
        if isinstance(node, yaml.SequenceNode) and node.value:
            return None if node.flow_style else cls(lines[:end], lines[end:], node.start_mark.column)
        line = lines[int(key.end_mark.line)]
        if node.start_mark.line != node.end_mark.line:
            return None
        if node.start_mark.line == key.start_mark.line:
            begins, ends = int(node.start_mark.column), int(node.end_mark.column)
            line = line[:begins] + line[ends:]
        at = int(key.start_mark.line) + 1
        return cls([*lines[: at - 1], line.rstrip()], lines[at:], _INDENT)


def _is_left_out(line: str, *, is_last: bool) -> bool:
    """Whether a line at the end of the list is not of it: empty, or a comment on the key that follows."""
    return not line.strip() or (line.startswith("#") and not is_last)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text_node(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if _PLAIN.fullmatch(text) else "|" if "\n" in text and _LINES.fullmatch(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)  # pyright: ignore[reportUnknownMemberType]  PyYAML has no types


_Dumper.add_representer(str, _text_node)


def _written(cases: Sequence[Case], indent: int) -> list[str]:
    values = [case.as_value() for case in cases]
    text = yaml.dump(values, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=_WIDTH)
    return [" " * indent + line if line else line for line in text.splitlines()]


def _cases_of(value: Any, name: str) -> list[dict[str, Any]]:
    found: Any = cast("dict[str, Any]", value).get("cases") if isinstance(value, dict) else value
    if found is None:
        return []
    listed = cast("list[Any]", found) if isinstance(found, list) else [None]
    cases = [cast("dict[str, Any]", case) for case in listed if isinstance(case, dict) and "name" in case]
    if len(cases) != len(listed) or not isinstance(value, dict):
        raise InputError(
            "It is no file of cases", which=name, why="it takes `cases`, a list of which each has a `name`"
        )
    return cases


def _mistake(finding: Finding) -> InputError:
    return InputError(
        "The file has a mistake", which=f"{finding.file}:{finding.line}", why=finding.problem, hint=finding.suggestion
    )
