"""The report of a live demo as people read it."""

from pathlib import Path
from typing import Any

from rich.markup import escape

from remit.cli.demo.report import LiveReport
from remit.cli.output import counted, errors, screen

# As many wrong ends as somebody reads.
MOST_SHOWN = 20
LONGEST_SHOWN = 240


def show_wrong(report: LiveReport) -> None:
    """Names on standard error what did not end as it should have."""
    for key, complaints in list(report.wrong.items())[:MOST_SHOWN]:
        errors.print(f"[yellow]wrong[/yellow] {escape(key)}: {escape('; '.join(complaints))}")
    if len(report.wrong) > MOST_SHOWN:
        errors.print(f"… and {len(report.wrong) - MOST_SHOWN} more")


def show_report(report: LiveReport, keep: Path | None) -> None:
    """Shows the figures in a few lines."""
    value = report.value
    screen.rule("report", align="left")
    for name in ("tasks", "actions", "gates", "approvals"):
        rest = dict(value[name])
        first = next(iter(rest))
        told = ", ".join(f"{other.replace('_', ' ')} {rest[other]}" for other in rest if other != first)
        screen.print(f"{name:<12} {rest[first]}: {told}" if name != "gates" else f"{name:<12} {_pairs(rest)}")
    for reason, times in list(report.failed.items())[:MOST_SHOWN]:
        screen.print(f"  [dim]failed {times} ×  {escape(_short(reason))}[/dim]")
    for reason, times in list(value["blocked"].items())[:MOST_SHOWN]:
        screen.print(f"  [dim]blocked {times} ×  {escape(reason)}[/dim]")
    times, cost, cpso = value["ttr_seconds"], value["cost"], value["cpso"]
    screen.print(f"cost         {_money(cost)}; per successful outcome {_money(cpso)}")
    screen.print(
        f"time         half resolved within {_seconds(times['p50'])}, nine in ten within {_seconds(times['p90'])}"
    )
    screen.print(f"people       had to step in: {_percent(value['hir'])} of tasks")
    right = value["correct_outcomes"]
    screen.print(
        f"right ends   {_percent(right)}, against the truth the outside world was made with"
        if right is not None
        else "right ends   unknown: nobody knows what is right for work of your own"
    )
    if survived := value["crashes_survived"]:
        screen.print(f"crashes      {counted(survived, 'kill -9')} of the worker survived")
    word = "[green]verified[/green]" if value["log"]["verified"] else "[red]NOT VERIFIED[/red]"
    screen.print(f"log          {word}, {value['log']['size']} entries")
    screen.print(f"took         {value['wall_seconds']} s, {value['cpu_seconds']} s of CPU")
    if value["simulated"]:
        screen.print("[dim]A model was simulated: no saving and no quality may be claimed from these figures.[/dim]")
    if keep:
        screen.print(f"\nLook around: `remit runs --fleet {keep}`, `remit up --fleet {keep}`, `remit log verify …`")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _money(value: dict[str, Any]) -> str:
    return "none" if value["amount"] is None else f"{value['amount']:.4f} {value['currency']}"


def _seconds(value: float | None) -> str:
    return "none" if value is None else f"{value:g} s"


def _percent(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1%}"
