"""The shops the fleet's tests play in."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.remit_fleets.desk import Authority

from remit_fleets.retail import Conversation, Shop, load_conversations
from remit_fleets.retail.synthetic import documents


@pytest.fixture
def shop() -> Iterator[Shop]:
    """Returns the invented shop."""
    shop = Shop.load(documents())
    yield shop
    shop.close()


@pytest.fixture(scope="session")
def tau() -> Path:
    """Returns the folder of the benchmark's shop."""
    folder = Path(os.environ.get("REMIT_SHARED_DATA", "")) / "tau_retail"
    if not os.environ.get("REMIT_SHARED_DATA") or not folder.is_dir():
        pytest.skip("REMIT_SHARED_DATA does not name a folder with the tau_retail data")
    return folder


@pytest.fixture(scope="session")
def tau_shop(tau: Path) -> Iterator[Shop]:
    """Returns the benchmark's shop as every task finds it."""
    shop = Shop.load(json.loads((tau / "db.json").read_text()))
    yield shop
    shop.close()


@pytest.fixture(scope="session")
def conversations(tau: Path) -> tuple[Conversation, ...]:
    """Returns the recorded conversations."""
    return load_conversations(tau.parent)


@pytest.fixture(scope="session")
def authority() -> Authority:
    """Returns the rules of the retail desk."""
    return Authority()
