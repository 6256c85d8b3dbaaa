"""The body of a contract: `## Steps` and `## Edge cases`, read for the machine; the whole of it instructs the model.

A step is one numbered item, numbered 1, 2, 3 …; lines indented below it belong to it:

    step   = NUMBER "." what [if] [with] ["—" text]        (if and with in either order)
    what   = `tool name` | model | handoff `agent name`
    if     = if `condition`
    with   = with `argument = path` {, `argument = path`}
    path   = input.FIELD | steps.NUMBER.FIELD | FIELD       (FIELD may be dotted)

    3. `shop__issue_refund` if `decision == 'refund'` with `amount = steps.2.amount` — at most once per order

Edge cases are one table with the columns id, when, then, case. Other prose is left alone.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from remit.contracts.model import EdgeCase, Finding, Step
from remit.contracts.source import Source
from remit.contracts.validation import did_you_mean, validated

_ITEM = re.compile(r"(?P<number>\d{1,4})[.)]\s+(?P<rest>.*)")
_WHAT = re.compile(r"`(?P<tool>[^`]+)`|model\b|handoff\s+`(?P<agent>[^`]+)`")
_IF = re.compile(r"\s*,?\s*if\s+`(?P<condition>[^`]+)`")
_WITH = re.compile(r"\s*,?\s*with\s+(?P<inputs>`[^`]+`(?:\s*,\s*`[^`]+`)*)")
_INPUT = re.compile(r"\s*(?P<argument>\w+)\s*=\s*(?P<path>[A-Za-z_]\w*(?:\.\w+)*)\s*")
_TEXT = re.compile(r"\s*(?:[—–:]|-{1,2}\s)\s*(?P<text>.*)|\s*")
_COLUMNS = ("id", "when", "then", "case")
_CELL_END = re.compile(r"(?<!\\)\|")

Line = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Body:
    """What the body says, and what is wrong with it."""

    instructions: str
    steps: tuple[Step, ...]
    edge_cases: tuple[EdgeCase, ...]
    findings: tuple[Finding, ...]


def read_body(text: str, *, file: str, before: int) -> Body:
    """Reads the body of a contract, of which `before` lines of `file` stand above it."""
    findings: list[Finding] = []
    sections = dict(_sections(text, before, file, findings))
    steps = tuple(_steps(sections.get("steps", ()), file, findings))
    cases = tuple(_edge_cases(sections.get("edge cases", ()), file, findings))
    return Body(text.strip(), steps, cases, tuple(findings))


def _sections(text: str, before: int, file: str, findings: list[Finding]) -> Iterator[tuple[str, list[Line]]]:
    """Yields the lines below each heading of level two; what stands in a code fence is no heading."""
    name, section, fenced = "", list[Line](), False
    seen: set[str] = set()
    for number, line in enumerate(text.split("\n"), before + 1):
        fenced ^= line.lstrip().startswith("```")
        if fenced or not re.match(r"##?\s", line):
            section.append((number, line))
            continue
        yield name, section
        name, section = line.lstrip("#").strip().casefold(), []
        if name in seen and name in ("steps", "edge cases"):
            findings.append(Finding(file, number, name, f"A second section {name!r}", "Write them as one"))
        seen.add(name)
    yield name, section


def _steps(section: Sequence[Line], file: str, findings: list[Finding]) -> Iterator[Step]:
    expected = 1
    for line, text in _items(section):
        match = _ITEM.fullmatch(text)
        if match is None:
            continue
        at = f"steps[{expected}]"
        if int(match["number"]) != expected:
            problem = f"Step {match['number']} stands where {expected} is expected"
            findings.append(
                Finding(file, line, at, problem, "Number them 1, 2, 3 …; paths such as steps.2 count on it")
            )
        step = _step(match["rest"], expected, line, file, findings)
        expected += 1
        if step is not None:
            yield step


def _items(section: Sequence[Line]) -> Iterator[Line]:
    """Yields each numbered item with its indented lines joined to it."""
    item: Line | None = None
    for line, text in section:
        if _ITEM.fullmatch(text):
            if item:
                yield item
            item = (line, text.rstrip())
        elif item and text[:1] in (" ", "\t") and text.strip():
            item = (item[0], f"{item[1]} {text.strip()}")
        elif item:
            yield item
            item = None
    if item:
        yield item


def _step(text: str, number: int, line: int, file: str, findings: list[Finding]) -> Step | None:
    at = f"steps[{number}]"

    def say(problem: str, suggestion: str = "") -> None:
        findings.append(Finding(file, line, at, problem, suggestion))

    what = _WHAT.match(text)
    if what is None:
        told = "A step begins with a tool's name in backticks, with model, or with handoff and an agent's name"
        say(told, f"write: {number}. model — {text[:40]}")
        return None
    value: dict[str, Any] = {"number": number, "line": line, "inputs": {}}
    value |= {kind: (what[kind] or "").strip() for kind in ("tool", "agent")}
    rest = text[what.end() :]
    for _ in range(2):
        if clause := _IF.match(rest):
            value["when"] = clause["condition"].strip()
            rest = rest[clause.end() :]
        if clause := _WITH.match(rest):
            value["inputs"] = dict(_inputs(clause["inputs"], say))
            rest = rest[clause.end() :]
    tail = _TEXT.fullmatch(rest)
    if tail is None:
        say(f"Cannot read {rest.strip()[:40]!r}", "after the tool: if `condition`, with `argument = path`, then — text")
        return None
    step, problems = validated(
        Step, {**value, "text": (tail["text"] or "").strip()}, Source(file, lines={"": line}), at
    )
    findings.extend(problems)
    return step


def _inputs(text: str, say: Any) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for part in re.findall(r"`([^`]+)`", text):
        match = _INPUT.fullmatch(part)
        if match is None:
            say(f"{part!r} gives no argument a value", "write: argument = steps.2.field, or argument = input.field")
        elif match["argument"] in seen:
            say(f"The argument {match['argument']!r} is given twice")
        else:
            seen.add(match["argument"])
            yield match["argument"], match["path"]


def _edge_cases(section: Sequence[Line], file: str, findings: list[Finding]) -> Iterator[EdgeCase]:
    rows = [(line, _cells(text)) for line, text in section if text.lstrip().startswith("|")]
    if not rows:
        return
    header_line, header = rows[0]
    columns = [cell.casefold() for cell in header]
    at = "edge cases"
    for column in columns:
        if column not in _COLUMNS:
            findings.append(
                Finding(file, header_line, at, f"There is no column {column!r}", did_you_mean(column, _COLUMNS))
            )
    for column in ("id", "when", "then"):
        if column not in columns:
            findings.append(Finding(file, header_line, at, f"The column {column!r} is missing"))
    if columns.count("id") != 1:
        return
    seen: dict[str, int] = {}
    for line, cells in rows[1:]:
        if all(re.fullmatch(r":?-+:?", cell) for cell in cells):
            continue
        yield from _edge_case(line, cells, columns, seen, (file, findings))


def _edge_case(
    line: int, cells: list[str], columns: list[str], seen: dict[str, int], to: tuple[str, list[Finding]]
) -> Iterator[EdgeCase]:
    file, findings = to
    if len(cells) != len(columns):
        problem = f"The row has {len(cells)} cells, the table {len(columns)} columns"
        findings.append(Finding(file, line, "edge cases", problem, "write \\| for a | inside a cell"))
        return
    row = dict(zip(columns, cells, strict=True))
    name = row["id"].strip("`")
    at = f"edge cases.{name}"
    if not name:
        findings.append(Finding(file, line, "edge cases", "The row has no id"))
    elif name in seen:
        findings.append(Finding(file, line, at, f"The id stands here twice; first in line {seen[name]}"))
    else:
        seen[name] = line
        yield EdgeCase(
            id=name,
            when=row.get("when", ""),
            then=row.get("then", ""),
            case=row.get("case", "").strip("`"),
            line=line,
        )


def _cells(text: str) -> list[str]:
    inner = text.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [cell.strip().replace("\\|", "|") for cell in _CELL_END.split(inner)]
