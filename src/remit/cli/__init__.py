"""The command line: thin commands over `app` and `operations`."""

import gc
import sys

# What is imported stays until the end: to look for garbage in it again and again takes a quarter of a command's start.
_collected = gc.isenabled()
gc.disable()
try:
    from remit.cli.commands import main
except ModuleNotFoundError as missing:
    if (missing.name or "").partition(".")[0] in ("", "remit"):  # a mistake of ours, which is told as one
        raise
    raise SystemExit(
        f"remit: The package {missing.name!r} is missing. "
        f"Install Remit into this Python again, with everything it needs: {sys.executable} -m pip install remit"
    ) from None
finally:
    if _collected:
        gc.freeze()
        gc.enable()

__all__ = ["main"]
