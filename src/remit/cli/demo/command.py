"""`remit demo`: a copy of an example fleet, its queue or its live demo, and the exit code."""

import asyncio
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from uvicorn.loops.auto import auto_loop_factory

from remit.app import Demo, DemoTerms, LiveDemo, build
from remit.cli.demo import queue
from remit.cli.demo.arrival_times import read_arrival_times
from remit.cli.demo.live import Live
from remit.cli.demo.models import chosen_route, put_route
from remit.cli.demo.report import LiveReport
from remit.cli.demo.summary import show_report, show_wrong
from remit.cli.demo.terms import Answers, LiveTerms
from remit.cli.options import JsonOption
from remit.cli.output import DONE, FOUND_WRONG, errors, screen, show_json, show_warning
from remit.cli.shipped import shipped_fleet
from remit.core import InputError, ModelRoute, load_settings
from remit.guardrails import load_function

DEFAULT_RATE = 20.0
HEADLESS_TASKS = 100
# So many open tasks keep a worker busy; work that arrives in its own time does not wait for that.
MOST_OPEN, MOST_OPEN_AT_A_RATE = 64, 10_000
MOST_OF_A_QUEUE = 1_000
# Beside the worker's own file.
WARNINGS_FILE = "console.log"

PatienceOption = Annotated[
    float, typer.Option(min=0, help="Seconds until a simulated colleague answers what nobody has.")
]


def demo(  # noqa: PLR0913  a command's options are its arguments
    fleet: Annotated[str, typer.Argument(help="An example fleet by name, or a folder with one.")] = "support",
    headless: Annotated[bool, typer.Option(help="No console, nobody is asked: people answer by a rule.")] = False,
    people: Annotated[Answers, typer.Option(help="How people answer when headless.")] = Answers.SEEDED,
    seed: Annotated[int, typer.Option(help="Of the invented work and the seeded answers.")] = 1,
    tasks: Annotated[int | None, typer.Option(min=1, help="At most so many; headless 100 without it.")] = None,
    rate: Annotated[float | None, typer.Option(min=0, max=100_000, help="Arrivals a minute; 0: at once.")] = None,
    arrivals: Annotated[
        Path | None, typer.Option(help="When each arrives: seconds since the start, one number a line.")
    ] = None,
    open_: Annotated[
        int | None, typer.Option("--open", min=1, max=10_000, help="At most so many open at once; 64 at no rate.")
    ] = None,
    patience: PatienceOption = 60.0,
    chaos: Annotated[bool, typer.Option("--chaos", help="Kill the worker, break the outside world.")] = False,
    tickets: Annotated[Path | None, typer.Option(help="Your own work instead of invented work.")] = None,
    model: Annotated[str, typer.Option(help="A real model: openai:NAME or anthropic:NAME.")] = "",
    base_url: Annotated[str, typer.Option(help="Where that model answers, if not at its maker's.")] = "",
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Of the console; 0: a free one.")] = None,
    trace: Annotated[Path | None, typer.Option(help="Write into this file what was decided.")] = None,
    keep: Annotated[Path | None, typer.Option(help="Work in this folder and leave it there to look at.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Watch an example fleet do real work: what it decided and why, what it asked people, what it cost, and the proof."""
    if arrivals and rate is not None:
        raise InputError("Work arrives at a rate or at moments of a file", which="--rate, --arrivals", hint="Name one")
    moments = read_arrival_times(arrivals) if arrivals else ()
    terms = LiveTerms(
        headless=headless,
        stays=not headless and sys.stdin.isatty(),
        people=people,
        seed=seed,
        tasks=tasks or len(moments) or (HEADLESS_TASKS if headless and not tickets else None),
        file=tickets.resolve() if tickets else None,
        rate=(0.0 if headless else DEFAULT_RATE) if rate is None else rate,
        moments=moments,
        most_open=open_ or (MOST_OPEN_AT_A_RATE if rate or arrivals else MOST_OPEN),
        patience=patience,
        chaos=chaos,
        port=port,
        trace=trace,
        keep=keep,
        as_json=as_json,
    )
    raise typer.Exit(_play(fleet, chosen_route(model, base_url), terms))


def _play(fleet: str, route: ModelRoute | None, terms: LiveTerms) -> int:
    started, is_folder = time.monotonic(), Path(fleet).is_dir()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        folder = (terms.keep or Path(temporary) / "fleet").resolve()
        _copy(Path(fleet) if is_folder else shipped_fleet(fleet), folder, with_code=is_folder)
        if route is not None:
            route = put_route(folder, route)
        work = _work_of(folder, terms)
        if isinstance(work, Demo):
            return _play_queue(folder, work, terms)
        return _play_live(folder, work, terms, started)


def _copy(source: Path, folder: Path, *, with_code: bool) -> None:
    """Copies a fleet; the code of an installed one is imported from where it is installed, a folder's own comes along."""
    if folder.exists():
        raise InputError("The folder is there already", which=str(folder), hint="Name a new one with --keep")
    left_out = ("__pycache__", ".remit") if with_code else ("__pycache__", "*.py")
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns(*left_out))
    folder.chmod(
        0o700
    )  # the copy has taken over the rights of the source; what customers write is for nobody else here


def _work_of(folder: Path, terms: LiveTerms) -> Demo | LiveDemo:
    settings = load_settings(folder)
    if not settings.demo:
        raise InputError("This fleet has no queue to show", which=settings.name, hint="Set `demo` in its remit.toml")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))  # where a fleet in a folder of its own has its queue
    asked = DemoTerms(folder=folder, seed=terms.seed, tasks=terms.tasks, file=terms.file)
    work = load_function(settings.demo)(asked)
    if not isinstance(work, Demo | LiveDemo):
        why = f"it hands out {type(work).__name__}"
        raise InputError("This fleet's demo is none", which=settings.demo, why=why, hint="Hand out Demo or LiveDemo")
    return work


def _play_queue(folder: Path, work: Demo, terms: LiveTerms) -> int:
    """A queue in the terminal: people answer at the prompt, or by rule."""
    given = {"--chaos": terms.chaos, "--tickets": terms.file, "--trace": terms.trace, "--port": terms.port}
    if wrong := [name for name, value in given.items() if value]:
        raise InputError("This fleet's demo is a queue in the terminal", which=", ".join(wrong), hint="Leave it out")
    headless = terms.headless
    if not headless and not sys.stdin.isatty():
        headless = True
        if not terms.as_json:
            screen.print("[dim]no terminal to ask people at: they answer by a seeded rule[/dim]")
    most, people = terms.tasks or MOST_OF_A_QUEUE, terms.people if headless else None
    report = queue.play(folder, work, people, terms.seed, most, quiet=terms.as_json)
    if terms.as_json:
        show_json(report)
    else:
        queue.show(report, terms.keep)
    return DONE if report["log"]["ok"] and report["done"] == report["tasks"] else FOUND_WRONG


def _play_live(folder: Path, work: LiveDemo, terms: LiveTerms, started: float) -> int:
    """A live demo: its console, its worker, and the report when it is over."""
    if terms.trace:
        terms.trace.touch(mode=0o600)  # what cannot be written is told before anything starts
    try:
        with (
            _warnings_in(folder / ".remit" / WARNINGS_FILE),
            asyncio.Runner(loop_factory=auto_loop_factory()) as runner,
        ):
            report, is_over = runner.run(_live(folder, work, terms, started))
    finally:
        work.close()
    show_wrong(report)
    if terms.as_json:
        show_json(report.value)
    else:
        show_report(report, terms.keep)
    # Whoever ends a demo before the console leaves work unfinished, and nothing is wrong with that.
    fine = (is_over or not terms.headless) and not report.wrong and report.value["log"]["verified"]
    return DONE if fine else FOUND_WRONG


@contextmanager
def _warnings_in(path: Path) -> Generator[None]:
    """Has warnings of this process written into a file, as the worker's are: faults on purpose bring many."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    told, kept = logging.getLogger("remit"), logging.FileHandler(path, delay=True)
    told.addHandler(kept)
    told.propagate = False
    try:
        yield
    finally:
        told.propagate = True
        told.removeHandler(kept)
        kept.close()


async def _live(folder: Path, work: LiveDemo, terms: LiveTerms, started: float) -> tuple[LiveReport, bool]:
    cell = build(folder, engine="remote")
    try:
        await cell.operations.load()
        for changed in cell.operations.changed:
            show_warning(changed)
        said = errors if terms.as_json else screen
        models = ", ".join(_model_in_words(name, route) for name, route in cell.settings.models.items())
        said.print(f"[bold]{escape(cell.settings.name)}[/bold]: {escape(work.label)}; {escape(models)}")
        live = Live(cell, work, terms)
        is_over = await live.run()
        return live.report(started), is_over
    finally:
        await cell.close()


def _model_in_words(name: str, route: ModelRoute) -> str:
    if route.kind == "simulated":
        return "the model is SIMULATED: fixed rules answer, no model is asked"
    return f"the model is {route.kind}:{route.model or name}"
