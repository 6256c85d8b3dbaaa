"""What the tests of the support fleet's tickets share: one world and its tickets."""

import pytest

from remit_fleets.support.tickets import Ticket, Tickets
from remit_fleets.support.world import World, make_world


@pytest.fixture(scope="session")
def support_world() -> World:
    """Returns a world of three thousand customers."""
    return make_world(7, 3_000)


@pytest.fixture(scope="session")
def support_tickets(support_world: World) -> tuple[Ticket, ...]:
    """Returns what each of them writes."""
    return tuple(Tickets(support_world))
