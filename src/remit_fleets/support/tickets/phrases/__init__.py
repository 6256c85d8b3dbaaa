"""The sentences tickets are made of, language by language."""

from collections.abc import Mapping

from remit_fleets.support.tickets.phrases.dutch import DUTCH
from remit_fleets.support.tickets.phrases.english import ENGLISH
from remit_fleets.support.tickets.phrases.french import FRENCH
from remit_fleets.support.tickets.phrases.german import GERMAN
from remit_fleets.support.tickets.phrases.model import REGISTERS, Lines, Phrases, Register
from remit_fleets.support.tickets.phrases.spanish import SPANISH
from remit_fleets.support.tickets.words import Language

PHRASES: Mapping[Language, Phrases] = {"en": ENGLISH, "de": GERMAN, "fr": FRENCH, "es": SPANISH, "nl": DUTCH}

__all__ = ["PHRASES", "REGISTERS", "Lines", "Phrases", "Register"]
