"""What of Remit is installed: its version, and whether the packages it needs are there."""

import re
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from operator import eq, ge, gt, le, lt, ne
from pathlib import Path
from typing import Any

REMIT = "remit"
_CHECKOUT = Path(__file__).parents[3] / "pyproject.toml"
_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*\(?(?P<bounds>[^;()]*)\)?\s*(?:;\s*(?P<marker>.*))?"
)
_BOUND = re.compile(r"(?P<operator>==|!=|>=|<=|>|<)\s*(?P<version>[0-9][0-9.]*)")
_OPERATORS = {"==": eq, "!=": ne, ">=": ge, "<=": le, ">": gt, "<": lt}
_PLATFORM = re.compile(r"""sys_platform (?P<operator>==|!=) ['"](?P<name>\w+)['"]""")


@dataclass(frozen=True, slots=True)
class NeededPackage:
    """A package Remit needs, and which versions of it will do."""

    name: str
    bounds: str

    @property
    def text(self) -> str:
        """As pip takes it."""
        return f"{self.name}{self.bounds}"

    def takes(self, installed: str) -> bool:
        """Whether an installed version will do."""
        found = _numbers(installed)
        pairs = [(bound["operator"], _numbers(bound["version"])) for bound in _BOUND.finditer(self.bounds)]
        return all(_OPERATORS[operator](*_alike(found, wanted)) for operator, wanted in pairs)


def remit_version() -> str:
    """Returns the version of the Remit that runs: of the installed one, else of the checkout it runs from."""
    try:
        return version(REMIT)
    except PackageNotFoundError:
        return str(_checkout().get("version", "unknown"))


def needed_packages() -> list[NeededPackage]:
    """Returns what Remit needs on this platform, without what its extras bring."""
    try:
        lines = requires(REMIT) or []
    except PackageNotFoundError:
        lines = _checkout().get("dependencies", [])
    return list(_needed(lines))


def package_version(name: str) -> str:
    """Returns the installed version of a package, or nothing."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _needed(lines: Iterable[str]) -> Iterable[NeededPackage]:
    for line in lines:
        found = _REQUIREMENT.fullmatch(line.strip())
        if found and _is_ours(found["marker"] or ""):
            yield NeededPackage(found["name"], found["bounds"].replace(" ", ""))


def _is_ours(marker: str) -> bool:
    """Whether a requirement holds here; one with a condition we do not know is left to pip."""
    if not marker:
        return True
    platform = _PLATFORM.fullmatch(marker.strip())
    return bool(platform) and _OPERATORS[platform["operator"]](sys.platform, platform["name"])


def _checkout() -> dict[str, Any]:
    try:
        return tomllib.loads(_CHECKOUT.read_text(encoding="utf-8"))["project"]
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return {}


def _numbers(text: str) -> tuple[int, ...]:
    """Returns the numbers a version begins with: 1.10.0rc1 is 1, 10, 0."""
    leading = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(int(number) for number in leading[0].split(".")) if leading else ()


def _alike(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    longest = max(len(one), len(other))
    return one + (0,) * (longest - len(one)), other + (0,) * (longest - len(other))
