"""Commands about figures: kpis, costs."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from remit.app import Cell
from remit.cli.options import HERE, FleetOption, JsonOption, with_cell
from remit.cli.output import screen, show_json, show_rows
from remit.kpis import DEFINITIONS, PERIODS
from remit.operations import BaselineShown, DefinitionShown, FigureSheet, SpentRow, Views, written

PeriodOption = Annotated[str, typer.Option(help=f"Whole UTC days until now: {', '.join(PERIODS)}.")]


def kpis(
    agent: Annotated[str, typer.Option(help="Only this agent.")] = "",
    unit: Annotated[str, typer.Option(help="Only this business unit.")] = "",
    period: PeriodOption = "all",
    definitions: Annotated[bool, typer.Option("--definitions", help="Say what each figure means instead.")] = False,
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Show what outcomes cost, how long they take and how often people had to step in; simulated work is marked."""
    if definitions:
        _show_definitions(with_cell(fleet, _definitions), as_json=as_json)
        return

    async def work(_: Cell, views: Views) -> FigureSheet:
        return views.figures.figures(agent=agent, unit=unit, period=period)

    sheet = with_cell(fleet, work)
    if as_json:
        values = {figure.name: figure.value for figure in sheet.figures}
        about = {"currency": sheet.currency, "period": sheet.period, "since": sheet.since, "until": sheet.until}
        beside = {"baseline": sheet.baseline.model_dump() if sheet.baseline else None}
        show_json(values | {"claimable": sheet.claimable} | about | beside)
        return
    _show_sheet(sheet)
    if sheet.baseline:
        _show_baseline(sheet.baseline)


def costs(
    agent: Annotated[str, typer.Option(help="Only this agent.")] = "",
    period: PeriodOption = "all",
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Show what was spent, by agent, unit, kind and source; an amount without a known price says so."""

    async def work(_: Cell, views: Views) -> list[SpentRow]:
        return views.figures.spending(agent=agent, period=period)

    rows = [spent_row(row) for row in with_cell(fleet, work)]
    show_rows(rows, as_json=as_json, empty="Nothing was spent in that time.")


def spent_row(row: SpentRow) -> dict[str, Any]:
    """Returns a row of spending as tables and `--json` have it."""
    return row.model_dump(exclude={"value"})


def readable(figures: Mapping[str, Any]) -> dict[str, str]:
    """Returns key figures as people read them."""
    return {one.name: written(one.unit, figures[one.name], figures["currency"]) for one in DEFINITIONS}


async def _definitions(_: Cell, views: Views) -> list[DefinitionShown]:
    return views.figures.definitions()


def _show_sheet(sheet: FigureSheet) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("figure")
    table.add_column(sheet.period, justify="right")
    table.add_column("before", justify="right")
    table.add_column("change", justify="right")
    table.add_column("marks")
    for figure in sheet.figures:
        before, change = (figure.change.before, figure.change.text) if figure.change else ("", "")
        marks = ", ".join(figure.marks)
        table.add_row(*map(escape, (figure.title, figure.text, before, change, marks)))
    screen.print(table)
    if sheet.note:
        screen.print(f"[yellow]{escape(sheet.note)}[/yellow]")


def _show_baseline(baseline: BaselineShown) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(f"beside people ({baseline.name})")
    for name in ("agent", "people", "difference"):
        table.add_column(name, justify="right")
    for row in baseline.rows:
        table.add_row(*map(escape, (row.title, row.text, row.people, row.change)))
    screen.print()
    screen.print(table)
    if baseline.note:
        screen.print(f"[yellow]{escape(baseline.note)}[/yellow]")
    period = f" ({baseline.period})" if baseline.period else ""
    screen.print(f"[dim]People's figures: {escape(baseline.source.strip())}{escape(period)}[/dim]")


def _show_definitions(definitions: list[DefinitionShown], *, as_json: bool) -> None:
    if as_json:
        show_json([one.model_dump(mode="json") for one in definitions])
        return
    for one in definitions:
        screen.print(f"[bold]{escape(one.title)}[/bold]  {one.name}, {one.unit}")
        parts = f" Made of: {', '.join(one.parts)}." if one.parts else ""
        screen.print(f"  {escape(one.text + parts)}")
