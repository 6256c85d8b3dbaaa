"""Every case that conditions can tell apart: fields are compared with constants only, so finitely many values decide.

For each field the constants it is compared with, something on each side of them, and its absence; the cases are their
product. What holds in none of them never holds.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import chain, combinations, pairwise, product
from math import prod
from typing import Any

from remit.contracts.conditions import (
    All,
    AnyOf,
    Compare,
    Condition,
    Contains,
    Not,
    OneOf,
    Scalar,
    Truth,
    holds,
)
from remit.contracts.field_types import FieldType

# Conditions of people have a few fields and thresholds; beyond this the answer is "cannot tell".
MOST_CELLS = 50_000
OTHER = "(any other text)"

Atom = Truth | Compare | OneOf | Contains
Types = Mapping[str, FieldType]
Cell = Mapping[str, Any]


def can_hold(condition: Condition, types: Types) -> bool:
    """Whether some value satisfies `condition`; also true where there are too many cases to tell."""
    found = cells([condition], types)
    return found is None or any(holds(condition, cell) for cell in found)


def cells(conditions: Iterable[Condition], types: Types) -> Iterator[Cell] | None:
    """Returns the cases `conditions` can tell apart, as nested values; None when there are too many."""
    atoms: dict[tuple[str, ...], list[Atom]] = {}
    for condition in conditions:
        for atom in _atoms(condition):
            atoms.setdefault(atom.field.path, []).append(atom)
    choices = [[None, *_values(found, types.get(".".join(path)))] for path, found in atoms.items()]
    if prod(map(len, choices)) > MOST_CELLS:
        return None
    return (_nested(atoms, chosen) for chosen in product(*choices))


def _atoms(condition: Condition) -> Iterator[Atom]:
    match condition:
        case Not(operand):
            yield from _atoms(operand)
        case All(operands) | AnyOf(operands):
            for operand in operands:
                yield from _atoms(operand)
        case _:
            yield condition


def _values(atoms: list[Atom], field: FieldType | None) -> list[Any]:
    literals = list(dict.fromkeys(chain.from_iterable(map(_literals, atoms))))
    if any(isinstance(atom, Contains) for atom in atoms):
        return [list(chosen) for size in range(len(literals) + 1) for chosen in combinations(literals, size)]
    if field is not None and field.kind == "enum":
        return list(field.values)
    if any(isinstance(atom, Truth) for atom in atoms) or any(isinstance(literal, bool) for literal in literals):
        return [True, False]
    texts = [literal for literal in literals if isinstance(literal, str)]
    if not texts:
        return _around([literal for literal in literals if isinstance(literal, int | Decimal)], field)
    return [*texts, *(_moments_around(_moments(texts)) or [OTHER])]


def _literals(atom: Atom) -> tuple[Scalar, ...]:
    match atom:
        case Compare(_, _, literal) | Contains(_, literal):
            return (literal,)
        case OneOf(_, literals):
            return literals
        case Truth():
            return ()


def _around(literals: list[int | Decimal], field: FieldType | None) -> list[int | Decimal]:
    if field is not None and field.kind == "integer":
        return sorted({int(literal) + step for literal in literals for step in (-1, 0, 1)})
    known = sorted({Decimal(literal) for literal in literals})
    between = [(low + high) / 2 for low, high in pairwise(known)]
    return [*(min(known) - 1, max(known) + 1), *known, *between] if known else []


def _moments(texts: list[str]) -> list[datetime]:
    """Returns the texts as moments, where all of them are."""
    try:
        moments = [datetime.fromisoformat(text) for text in texts]
    except ValueError:
        return []
    return sorted({moment if moment.tzinfo else moment.replace(tzinfo=UTC) for moment in moments})


def _moments_around(known: list[datetime]) -> list[str]:
    if not known:
        return []
    day = timedelta(days=1)
    between = [low + (high - low) / 2 for low, high in pairwise(known)]
    return [moment.isoformat() for moment in (known[0] - day, known[-1] + day, *known, *between)]


def _nested(paths: Iterable[tuple[str, ...]], chosen: tuple[Any, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for path, value in zip(paths, chosen, strict=True):
        inside = values
        for name in path[:-1]:
            inside = inside.setdefault(name, {})
        inside[path[-1]] = value
    return values
