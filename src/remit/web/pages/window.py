"""Which steps of a long run a page shows: some at a time, so that it stays small."""

from dataclasses import dataclass

from starlette.requests import Request

# A run has at most a thousand; a page of so many steps is still fetched at once on a phone.
MOST_STEPS = 100


@dataclass(frozen=True, slots=True)
class Window:
    """The steps from `first` to `last` of `count`, and where the ones before and after begin."""

    first: int
    last: int
    count: int

    @property
    def before(self) -> int | None:
        """The first step of the window before; None at the beginning."""
        return max(1, self.first - MOST_STEPS) if self.first > 1 else None

    @property
    def after(self) -> int | None:
        """The first step of the next window; None at the end."""
        return self.last + 1 if self.last < self.count else None

    def __contains__(self, step: int) -> bool:
        return self.first <= step <= self.last


def window_of(request: Request, count: int) -> Window:
    """Returns what the address asks for: the steps from `from` on, or those around an opened `step`; else the first."""
    asked = request.query_params.get("from") or request.query_params.get("step") or "1"
    step = min(max(int(asked), 1), max(count, 1)) if asked.isdecimal() and len(asked) < 9 else 1
    first = step if "from" in request.query_params else (step - 1) // MOST_STEPS * MOST_STEPS + 1
    return Window(first, min(first + MOST_STEPS - 1, count), count)
