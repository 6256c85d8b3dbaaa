"""`remit doctor`: what is amiss with a fleet on this machine, and how to mend it. It changes nothing."""

import asyncio

import typer
from rich.markup import escape

from remit.app import inspect_fleet
from remit.cli.options import HERE, FleetOption, JsonOption
from remit.cli.output import DONE, FOUND_WRONG, counted, screen, show_json
from remit.endpoints import load_sources
from remit.operations.doctor import Diagnosis, Health, Patient, diagnose

_COLOURS = {Health.OK: "green", Health.WARNING: "yellow", Health.TROUBLE: "red", Health.SKIPPED: "dim"}


def doctor(fleet: FleetOption = HERE, as_json: JsonOption = False) -> None:
    """Look for common troubles and say how to mend each. Exit code 1 when something does not work."""
    patient = Patient(folder=fleet.resolve(), inspect=inspect_fleet, read_secrets=load_sources)
    found = asyncio.run(diagnose(patient))
    troubles = sum(each.health is Health.TROUBLE for each in found)
    if as_json:
        checks = [each.as_json() for each in found]
        show_json({"ok": not troubles, "fleet": str(patient.folder), "checks": checks})
    else:
        for each in found:
            _show(each)
        warnings = sum(each.health is Health.WARNING for each in found)
        checks = len({each.check for each in found})
        screen.print(
            f"{counted(checks, 'check')}: {counted(troubles, 'trouble')}, {counted(warnings, 'warning')}",
            soft_wrap=True,
        )
    raise typer.Exit(FOUND_WRONG if troubles else DONE)


def _show(found: Diagnosis) -> None:
    colour, plain = _COLOURS[found.health], found.health in (Health.OK, Health.SKIPPED)
    why = f" ({found.why})" if plain and found.why else ""
    screen.print(f"[{colour}]{found.health:<8}[/{colour}] {found.check}: {escape(found.what + why)}", soft_wrap=True)
    if plain:
        return
    for line in (found.why, found.mend):
        if line:
            screen.print(f"         {escape(line)}", soft_wrap=True)
    if found.command:
        screen.print(f"         [bold]$ {escape(found.command)}[/bold]", soft_wrap=True)
