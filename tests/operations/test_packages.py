"""Which Remit this is, and whether what it needs is there in a version that will do."""

import re
import tomllib
from pathlib import Path

import pytest

from remit.operations import NeededPackage, needed_packages, package_version, remit_version

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_version_is_the_one_of_the_project() -> None:
    assert remit_version() == PROJECT["version"]


def test_every_dependency_of_the_project_is_needed_and_here_it_is_there() -> None:
    needed = needed_packages()
    assert [package.name for package in needed] == [re.split(r"[=<>[]", line)[0] for line in PROJECT["dependencies"]]
    assert not [package.text for package in needed if not package.takes(package_version(package.name))]


@pytest.mark.parametrize(
    ("bounds", "installed", "will_do"),
    [
        (">=1", "1.10.0", True),
        (">=2.12", "2.9.4", False),
        (">=2.12", "2.12", True),
        (">=2.12", "2.12.0rc1", True),
        ("==3.4.0", "3.4", True),
        ("==3.4.0", "3.4.1", False),
        (">=1,<2", "2.0", False),
        (">=1,!=1.5", "1.5.0", False),
        ("", "0", True),
    ],
)
def test_a_version_is_held_against_its_bounds(bounds: str, installed: str, will_do: bool) -> None:
    assert NeededPackage("it", bounds).takes(installed) is will_do
