"""Texts with a grammar of their own, as types of fields: money, conditions, cron lines, time zones, one or many names."""

import re
from calendar import monthrange
from decimal import Decimal
from typing import Annotated, Any, cast
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, PlainValidator, WithJsonSchema

from remit.contracts.conditions import parse_condition
from remit.core import DAY, HOUR, MINUTE, InputError, Money

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LEAP_YEAR = 2024
# The five fields in their order: name, lowest, highest, names that may stand for numbers.
_CRON_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _DAYS),
)
_UNITS = {"min": MINUTE, "h": HOUR, "d": DAY}
_DURATION = re.compile(r"(?P<count>\d{1,6}(?:\.\d{1,6})?) ?(?P<unit>min|h|d)")
_CRON_ITEM = re.compile(r"(?:(?P<any>\*)|(?P<low>\w+)(?:-(?P<high>\w+))?)(?:/(?P<step>\d{1,2}))?")


def _money(value: Any) -> Money:
    if isinstance(value, Money):
        return value
    if not isinstance(value, str):
        raise ValueError("Not an amount of money. Write it as '0.40 EUR'")
    try:
        money = Money.parse(value)
    except InputError as error:
        raise ValueError(error.text()) from error
    if money.micros < 0:
        raise ValueError("An amount of money here is not negative")
    return money


def _duration(value: Any) -> int:
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None or not (time := round(Decimal(found["count"]) * _UNITS[found["unit"]])):
        raise ValueError("Not a length of time. Write it as '45min', '54.5h' or '2d'")
    return time


def _condition(text: str) -> str:
    if text:
        try:
            parse_condition(text)
        except InputError as error:
            raise ValueError(error.text()) from error
    return text


def _cron(text: str) -> str:
    if text and (problem := cron_problem(text)):
        raise ValueError(problem)
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError) as error:  # ZoneInfoNotFoundError is a KeyError on some systems only
        raise ValueError(f"{name!r} is no time zone; write one such as Europe/Berlin") from error
    except KeyError as error:
        raise ValueError(f"{name!r} is no time zone; write one such as Europe/Berlin") from error
    return name


def _one_or_many(value: Any) -> Any:
    if isinstance(value, str):
        return (value,)
    return tuple(cast("list[Any]", value)) if isinstance(value, list) else value


MoneyText = Annotated[
    Money,
    PlainValidator(_money),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d{1,6})? [A-Z]{3}$"}),
]
"""Written `0.40 EUR`."""

DurationText = Annotated[int, PlainValidator(_duration)]
"""Written `45min`, `54.5h` or `2d`; microseconds."""

ConditionText = Annotated[str, AfterValidator(_condition)]
"""A text `parse_condition` takes; empty means always."""

CronText = Annotated[str, AfterValidator(_cron)]
"""Five fields: minute, hour, day of month, month, day of week."""

ZoneText = Annotated[str, AfterValidator(_zone)]
"""A name of the IANA time zone database."""

Names = Annotated[tuple[str, ...], BeforeValidator(_one_or_many)]
"""One name, or a list of names."""


def cron_problem(text: str) -> str:
    """Returns what is wrong with a cron line, and `""` when it will fire."""
    fields = text.lower().split()
    if len(fields) != len(_CRON_FIELDS):
        return f"A schedule has five fields (minute, hour, day of month, month, day of week), this one {len(fields)}"
    chosen: list[frozenset[int]] = []
    for field, (name, lowest, highest, names) in zip(fields, _CRON_FIELDS, strict=True):
        values = _chosen(field, lowest, highest, names)
        if not values:
            return f"{field!r} is no {name} of a schedule: {lowest}-{highest}, lists, ranges and steps such as */15"
        chosen.append(values)
    _, _, days, months, _ = chosen
    if fields[4] == "*" and not any(min(days) <= monthrange(_LEAP_YEAR, month)[1] for month in months):
        return "This schedule never fires: no such day in these months"
    return ""


def _chosen(field: str, lowest: int, highest: int, names: tuple[str, ...]) -> frozenset[int]:
    """Returns the numbers a cron field stands for; none when it is not one."""
    chosen: set[int] = set()
    for item in field.split(","):
        match = _CRON_ITEM.fullmatch(item)
        if match is None:
            return frozenset()
        step = int(match["step"] or 1)
        low = lowest if match["any"] else _number(match["low"], names, lowest)
        open_ended = match["any"] or (match["step"] and not match["high"])
        high = highest if open_ended else _number(match["high"] or match["low"], names, lowest)
        if low is None or high is None or not lowest <= low <= high <= highest or step < 1:
            return frozenset()
        chosen.update(range(low, high + 1, step))
    return frozenset(chosen)


def _number(text: str, names: tuple[str, ...], lowest: int) -> int | None:
    if text in names:
        return names.index(text) + lowest
    return int(text) if text.isdecimal() and len(text) < 3 else None
