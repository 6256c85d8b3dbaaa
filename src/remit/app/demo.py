"""What a fleet hands `remit demo`: a queue of work, what stands in for the outside world, and how to judge the end."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from remit.core import ModelRoute
from remit.gateway.providers import Provider
from remit.journal import Run


@dataclass(frozen=True, slots=True)
class DemoTask:
    """One piece of work of the queue."""

    agent: str
    title: str
    input: Mapping[str, Any]
    on_behalf_of: str
    key: str
    """Unique in the queue; recorded models know their task by it."""


@dataclass(frozen=True, slots=True)
class Demo:
    """A queue of work. `label` says on its face which parts are simulated or recorded."""

    label: str
    tasks: Sequence[DemoTask]
    wrong: Callable[[DemoTask, Run, bool], list[str]]
    """Given a task, its run and whether everything that was asked was approved: what is wrong with the end state."""
    servers: Mapping[str, object] = field(default_factory=dict[str, object])
    providers: Mapping[str, Provider] = field(default_factory=dict[str, Provider])
    models: Mapping[str, ModelRoute] = field(default_factory=dict[str, ModelRoute])
    """Model routes instead of those of remit.toml; empty keeps them."""
