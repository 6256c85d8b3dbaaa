"""The fleets that are installed beside Remit: what `remit demo` plays and `remit init` copies."""

from importlib.util import find_spec
from pathlib import Path

from remit.core import InputError


def shipped_fleet(name: str) -> Path:
    """Returns the folder of an installed example fleet; Remit does not import it."""
    spec = find_spec("remit_fleets")
    places = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    fleets = {path.parent.name: path.parent for place in places for path in place.glob("*/remit.toml")}
    if name not in fleets:
        there = ", ".join(sorted(fleets)) or "none"
        raise InputError("No such example fleet", which=name, hint=f"There are: {there}")
    return fleets[name]
