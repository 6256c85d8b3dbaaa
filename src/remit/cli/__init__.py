"""The command line: thin commands over `app` and `operations`."""

from remit.cli.commands import main

__all__ = ["main"]
