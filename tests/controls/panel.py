"""Controls of a store of their own."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from remit.controls import Controls
from remit.testing import SettableClock
from store.opened import Store, open_store


@dataclass(frozen=True)
class Panel:
    """Controls and what commits for them."""

    store: Store
    controls: Controls
    clock: SettableClock

    def pull(self, scope: str, because: str = "it misbehaves") -> None:
        """Pulls a switch and waits for the receipt."""
        self.store.commit(self.controls.switch(scope, stopped=True, because=because, by="mail"))

    def reset(self, scope: str) -> None:
        """Resets a switch."""
        self.store.commit(self.controls.switch(scope, stopped=False, because="mended", by="mail"))

    def take(self, holder: str, *resources: str, seconds: float = 5) -> str:
        """Takes locks and returns the refusal, or nothing."""
        return self.store.refusal(*self.controls.lock(resources, holder, seconds))


@contextmanager
def open_panel(folder: Path) -> Generator[Panel]:
    """Opens the controls of the store in `folder`; several may be open on one file."""
    with open_store(folder) as store:
        clock = SettableClock()
        yield Panel(store, Controls(store.database, clock), clock)
