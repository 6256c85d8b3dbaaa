"""Nothing of the machine these tests run on is taken for a trouble of the fleet."""

import os

import pytest


@pytest.fixture(autouse=True)
def quiet_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes our own variables away, and any port that is free."""
    for name in [name for name in os.environ if name.startswith("REMIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("REMIT_HTTP__PORT", "0")
