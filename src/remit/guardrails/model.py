"""What a guardrail looks for and what it says about a value; never the secret or the personal data itself."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from remit.core import JsonValue

Kind = Literal["secret", "personal", "injection"]
Severity = Literal["low", "medium", "high"]


class Label(StrEnum):
    """What follows a value wherever it goes."""

    SECRET = "secret"  # noqa: S105  # a label, not a password
    PERSONAL = "personal"
    UNTRUSTED = "untrusted"


LABELS: dict[Kind, Label] = {"secret": Label.SECRET, "personal": Label.PERSONAL, "injection": Label.UNTRUSTED}


@dataclass(frozen=True, slots=True)
class Text:
    """One string in the three forms rules are written for."""

    raw: str
    lowered: str
    """As long as `raw`, so that a place in one is the same place in the other."""
    folded: str
    """Compatibility forms and capitals folded, invisible characters dropped: how a model may read it."""


def always(_: str) -> bool:
    """Returns true: the pattern alone is proof."""
    return True


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One thing to look for. Patterns are linear: nothing unbounded is tried again from inside what it matched."""

    name: str
    kind: Kind
    severity: Severity
    pattern: re.Pattern[str]
    excerpt: Callable[[str], str]
    """Makes of a hit what people may see of it."""
    hint: str
    """A pattern without look-around and possessive parts, in lower case, that matches wherever the rule may."""
    form: Literal["raw", "lowered", "folded"] = "raw"
    proof: Callable[[str], bool] = always
    """Says whether a match is a hit: check digits, randomness."""


@dataclass(frozen=True, slots=True)
class Concern:
    """Something found in a value, told without repeating it."""

    rule: str
    kind: Kind
    severity: Severity
    where: str
    """JSON path, `$.note` or `$.items[0].text`; a key that may itself be sensitive is written `*`."""
    excerpt: str

    def __str__(self) -> str:
        return f"{self.kind} {self.rule} at {self.where}: {self.excerpt}"


@dataclass(frozen=True, slots=True)
class Screening:
    """What was found in a value, which labels follow it, and the value to go on with."""

    value: JsonValue
    """The value itself, or, where secrets were removed, a copy without them."""
    concerns: tuple[Concern, ...] = ()
    labels: frozenset[str] = frozenset()
    blocked: Concern | None = None
    """Why the value must not go out, if so."""
