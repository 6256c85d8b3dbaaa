"""The errors of Remit. Each says what is wrong, which thing, why, and what to do next.

RemitError
├── InputError       somebody handed us something we cannot take
├── NotFoundError    a name or id nobody here knows
├── ConflictError    the state of things forbids it now
│   └── BusyError    only because the store is busy; try again
│       └── CrowdedError        because too much work waits; come back after a while
│           └── OwnCrowdError   of whoever asks, and not of the cell
├── RefusedError     not permitted, whoever asks again
└── IntegrityError   stored evidence does not hold together
"""


class RemitError(Exception):
    """A fault told to a person: `what` happened, to `which` thing, `why`, and a `hint` what to do next."""

    def __init__(self, what: str, *, which: str = "", why: str = "", hint: str = "") -> None:
        self.what = what
        self.which = which
        self.why = why
        self.hint = hint
        super().__init__(self.text())

    def text(self) -> str:
        """Returns the whole message on one line."""
        parts = [f"{self.what} {self.which!r}" if self.which else self.what]
        if self.why:
            parts.append(self.why)
        if self.hint:
            parts.append(self.hint)
        return " ".join(part if part.endswith(("?", "!")) else part.rstrip(".") + "." for part in parts)

    def as_json(self) -> dict[str, str]:
        """Returns the same as an object for `--json` and APIs."""
        return {
            "error": type(self).__name__,
            "what": self.what,
            "which": self.which,
            "why": self.why,
            "hint": self.hint,
        }


class InputError(RemitError):
    """Somebody handed us something we cannot take."""


class NotFoundError(RemitError):
    """A name or id nobody here knows."""


class ConflictError(RemitError):
    """The state of things forbids it now."""


class BusyError(ConflictError):
    """The store is busy with somebody else; nothing happened, and the same may be tried again."""


class CrowdedError(BusyError):
    """Too much work waits; nothing happened, and the same may be asked again after a while."""

    def __init__(self, what: str, *, which: str = "", why: str = "", hint: str = "", retry_after: int = 1) -> None:
        super().__init__(what, which=which, why=why, hint=hint)
        self.retry_after = retry_after
        """Seconds until it is likely to be taken."""


class OwnCrowdError(CrowdedError):
    """Too much work of the same agent or unit waits; others are not concerned."""


class RefusedError(RemitError):
    """Not permitted, whoever asks again."""


class IntegrityError(RemitError):
    """Stored evidence does not hold together."""
