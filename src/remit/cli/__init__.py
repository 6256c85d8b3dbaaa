"""The command line: thin commands over `app` and `operations`."""

import sys

try:
    from remit.cli.commands import main
except ModuleNotFoundError as missing:
    if (missing.name or "").partition(".")[0] in ("", "remit"):  # a mistake of ours, which is told as one
        raise
    raise SystemExit(
        f"remit: The package {missing.name!r} is missing. "
        f"Install Remit into this Python again, with everything it needs: {sys.executable} -m pip install remit"
    ) from None

__all__ = ["main"]
