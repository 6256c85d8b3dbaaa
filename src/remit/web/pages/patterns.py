"""/-/patterns: every component in every state, for whoever builds pages and whoever checks how they look."""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from remit.core import RefusedError
from remit.operations import Page, SwitchRow, moment
from remit.web.console import Console, Sheet
from remit.web.sparkline import sparkline
from remit.web.states import LEVELS, STATES

SAID = """A paragraph with **weight**, `code`, a [link](https://remit.example) and <b>no HTML</b>.

- one
- two

| a | b |
|---|---|
| 1 | 2 |
"""


def routes(console: Console) -> list[Route]:
    """Returns the routes of the patterns."""

    def show(request: Request) -> Sheet:
        now = console.clock.now()
        fault = RefusedError("Nobody may do this", which="agent:example", why="it takes another role", hint="Ask them")
        receipt = {"scope": "agent:example", "stopped": True, "because": "odd", "by": "me", "micros": 1_840,
            "running": 2, "log_index": 12}  # fmt: skip
        begun = {"rollback": "run_2", "undoes": "run_1", "steps": 2, "left": 1, "because": "wrong", "by": "me"}
        context: dict[str, Any] = {
            "states": list(STATES),
            "levels": list(LEVELS),
            "times": [moment(now - span * 1_000_000) for span in (0, 42, 3_000, 90_000, 900_000, -300)],
            "fault": fault,
            "page": Page[SwitchRow](rows=(), next="42"),
            "said_in_markdown": SAID,
            "receipts": [receipt, {**receipt, "stopped": False, "log_index": None}, begun],
            "line": sparkline([3, 5, 4, None, 8, 6, 9], label="Seven days"),
            "chosen": request.query_params.get("state", ""),
        }
        return Sheet("patterns.html", sorted(STATES), context)

    return console.routes("/-/patterns", show)
