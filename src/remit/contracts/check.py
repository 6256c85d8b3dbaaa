"""Every mistake in a fleet that was read: what `remit check` says besides what could not be read at all."""

from remit.contracts.alignment import check_alignment
from remit.contracts.check_contract import check_contract
from remit.contracts.check_people import check_people
from remit.contracts.check_tools import check_server
from remit.contracts.fleet import in_order
from remit.contracts.model import Finding, Fleet


def check_fleet(fleet: Fleet) -> list[Finding]:
    """Returns every finding by file and line; it is sound when none of them is an error."""
    return in_order(
        [
            *(finding for contract in fleet.contracts.values() for finding in check_contract(contract, fleet)),
            *(finding for server in fleet.servers.values() for finding in check_server(server, fleet)),
            *check_people(fleet),
            *check_alignment(fleet),
        ]
    )
