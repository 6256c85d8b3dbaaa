"""`remit demo`: an example fleet at work, before the console or in the terminal."""

from remit.cli.demo.command import demo

__all__ = ["demo"]
