"""How commands speak: tables for people, JSON for programs, errors that say what to do."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from remit.core import InputError, NotFoundError, RemitError, short_id

DONE, FOUND_WRONG, USED_WRONGLY = 0, 1, 2

# What is piped into a file or a pager is not broken at eighty columns.
_PIPED_WIDTH = 200
screen = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def show_json(value: Any) -> None:
    """Writes one JSON document, and nothing else, to standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def show_rows(rows: Sequence[Mapping[str, Any]], *, as_json: bool, empty: str, columns: Sequence[str] = ()) -> None:
    """Shows a listing; `empty` says what would be here and how it comes about."""
    if as_json:
        show_json(list(rows))
        return
    if not rows:
        screen.print(empty)
        return
    names = list(columns) or list(rows[0])
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        right = name in ("cost", "amount", "count", "step", "calls", "input_tokens", "output_tokens")
        whole = name == "decision"  # to be copied into `remit explain`
        table.add_column(name.replace("_", " "), justify="right" if right else "left", overflow="fold", no_wrap=whole)
    for row in rows:
        table.add_row(*(escape(_cell(name, row[name])) for name in names))
    screen.print(table)


def show_pairs(pairs: Mapping[str, Any], *, as_json: bool) -> None:
    """Shows one thing, a line per property."""
    if as_json:
        show_json(pairs)
        return
    width = max(len(name) for name in pairs)
    for name, value in pairs.items():
        text = json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping | list) else str(value)
        screen.print(f"[bold]{name.replace('_', ' '):<{width}}[/bold]  {escape(text)}")


def exit_code(fault: RemitError) -> int:
    """Wrong use is 2; something wrong in what was found is 1."""
    return USED_WRONGLY if type(fault) in (InputError, NotFoundError) else FOUND_WRONG


def show_error(fault: RemitError, *, as_json: bool = False) -> None:
    """Says what went wrong on standard error."""
    if as_json:
        sys.stderr.write(json.dumps(fault.as_json(), ensure_ascii=False) + "\n")
        return
    errors.print(f"[red]remit:[/red] {escape(fault.text())}")


def show_warning(fault: RemitError) -> None:
    """Says on standard error what does not stop the command."""
    errors.print(f"[yellow]remit:[/yellow] {escape(fault.text())}")


def counted(number: int, noun: str) -> str:
    """Returns `1 agent`, `2 agents`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _cell(name: str, value: Any) -> str:
    if name in ("run", "task", "approval") and isinstance(value, str):
        return short_id(value)
    if name in ("digest", "release") and isinstance(value, str) and ":" in value:
        return value.partition(":")[2][:12]
    if isinstance(value, bool):
        return "yes" if value else "no"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping | list) else str(value)
