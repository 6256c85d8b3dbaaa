"""`remit version`: which Remit this is."""

import platform

import typer

from remit.cli.options import JsonOption
from remit.cli.output import screen, show_json
from remit.operations import remit_version


def version(as_json: JsonOption = False) -> None:
    """Say which Remit this is, on which Python."""
    told = {"remit": remit_version(), "python": platform.python_version(), "platform": platform.platform()}
    if as_json:
        show_json(told)
    else:
        screen.print(f"remit {told['remit']} on Python {told['python']}, {told['platform']}", soft_wrap=True)


def tell(asked: bool) -> None:
    """Answers `remit --version`."""
    if asked:
        screen.print(f"remit {remit_version()}")
        raise typer.Exit
