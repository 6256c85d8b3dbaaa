"""What an agent promises over a rolling window, `slo:` of a contract: a share of tasks, so that what may fail is a budget."""

import re
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema, model_validator

from remit.contracts.declared import Part

_SHARE = re.compile(r"(?P<percent>\d{1,3}(?:\.\d{1,4})?) ?%")
# Below a half, more of the work may fail than must not: that is no promise.
_LEAST = Decimal(50)


def _share_of(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        return value
    found = _SHARE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("Not a share of tasks. Write it in percent, at most four decimals, such as 99.5 %")
    percent = Decimal(found["percent"])
    if percent >= 100:
        raise ValueError(
            f"{value} leaves no error budget: one failure would miss it for good. Write less, such as 99.9 %"
        )
    if percent < _LEAST:
        raise ValueError(f"{value} is less than half of the tasks. Write {_LEAST} % or more")
    return percent / 100


def as_percent(share: Decimal) -> str:
    """Returns a share as contracts write it, such as `99.5 %`."""
    text = f"{share * 100:f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


ShareText = Annotated[
    Decimal,
    PlainValidator(_share_of),
    PlainSerializer(as_percent, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,3}(\.\d{1,4})? ?%$"}),
]
"""Written `99.5 %`, from a half to less than all."""


class Slo(Part):
    """A service level objective: how many tasks succeed, and how many end in time."""

    success: ShareText
    in_time: ShareText | None = None
    minutes: Annotated[int, Field(gt=0, le=43_200)] | None = None
    """From taken on to ended, waiting for people included."""
    days: Annotated[int, Field(ge=7, le=90)] = 28
    """UTC days of the window, today included."""

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.in_time is None) != (self.minutes is None):
            there, missing = ("minutes", "in_time: 95 %") if self.in_time is None else ("in_time", "minutes: 30")
            raise ValueError(f"{there} says nothing alone: how many tasks end within how long. Add {missing}")
        return self

    def __str__(self) -> str:
        """Returns it in words."""
        timely = f", {as_percent(self.in_time)} end within {self.minutes} min" if self.in_time is not None else ""
        return f"{as_percent(self.success)} of tasks succeed{timely}, over {self.days} days"

    def is_looser_than(self, before: Self) -> bool:
        """Whether it lets pass what `before` did not. Other days may: fewer forget sooner, more thin out what was bad."""
        late, late_before = self.in_time or Decimal(0), before.in_time or Decimal(0)
        longer = bool(self.minutes and before.minutes and self.minutes > before.minutes)
        return self.success < before.success or late < late_before or longer or self.days != before.days
