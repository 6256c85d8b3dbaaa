"""The console: what people see and do, as pages that keep themselves up to date.

Jinja takes long to import; `remit.app` loads this by its name, only where it serves.
"""

from remit.web.app import build_console

__all__ = ["build_console"]
