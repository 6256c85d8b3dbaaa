"""A SIMULATED model for the support fleet: fixed rules over the texts it is shown, and no language model at all.

It exists so that the fleet runs without a key and always the same way; what it achieves says nothing about the quality or
cost of a real model. It sees only what it is sent, and it is imperfect on purpose, at rates stated in `faults`: wrong
amounts, other people's orders, invented values, forbidden tools, the same call again and again, false claims in the
message to a customer, and obedience to orders that somebody hid in a ticket. The gateway has to stop what must not happen.
"""

from remit_fleets.support.simulated.faults import FAULT_RATE, GULLIBLE_RATE, STUBBORN_RATE, Fault, fault_of
from remit_fleets.support.simulated.model import answer

__all__ = ["FAULT_RATE", "GULLIBLE_RATE", "STUBBORN_RATE", "Fault", "answer", "fault_of"]
