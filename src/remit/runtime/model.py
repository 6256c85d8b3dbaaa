"""How agent code hears of refusals, and how a parked run leaves it."""

from remit.core import RemitError
from remit.gateway import Denied


class ActionDeniedError(Exception):
    """The gateway did not permit an action; `str` is the sentence the agent reads."""

    def __init__(self, denied: Denied) -> None:
        super().__init__(denied.sentence())
        self.denied = denied


class ToolFailedError(Exception):
    """The tool was called and refused, in its own words."""


class RunFailedError(RemitError):
    """The run cannot go on; its reason is kept."""


class ParkedSignal(BaseException):
    """The run waits; the attempt ends here and holds nothing."""

    def __init__(self, reason: str, approval: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.approval = approval


class AstraySignal(BaseException):
    """The run does not repeat itself; like waiting, that is nothing for the agent's code to catch and go on from."""
