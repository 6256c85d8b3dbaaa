"""Who acts: an attempt of an agent's run with its secret, or a person."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """What a caller shows: the run it works on, the attempt it is, and that attempt's secret."""

    run: str
    attempt: int
    secret: str

    def __repr__(self) -> str:
        return f"Credentials(run={self.run!r}, attempt={self.attempt})"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, once established."""

    agent: str
    version: str
    run: str
    attempt: int
    on_behalf_of: str
    chain: tuple[str, ...]
    """Persons and agents that handed the work on, the first is the person it is done for."""
