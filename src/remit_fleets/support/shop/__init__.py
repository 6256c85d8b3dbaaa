"""The invented shop: a database that several processes share, and the MCP server through which agents reach it."""

from remit_fleets.support.shop.database import CALL_LOG, DATABASE, Effect, Mail, effects_of, grow, open_shop, put_in
from remit_fleets.support.shop.faults import FAULTS, Fault, clear_faults, faults_now, set_fault
from remit_fleets.support.shop.rules import REASONS, Due, Reason, due

__all__ = [
    "CALL_LOG",
    "DATABASE",
    "FAULTS",
    "REASONS",
    "Due",
    "Effect",
    "Fault",
    "Mail",
    "Reason",
    "clear_faults",
    "due",
    "effects_of",
    "faults_now",
    "grow",
    "open_shop",
    "put_in",
    "set_fault",
]
