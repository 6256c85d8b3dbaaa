"""Generates the fleet of `fleet.py`: a contract for each domain, and the cases its tasks are about."""

import shutil
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template

TEMPLATE = Path(__file__).parent / "fleets" / "domains"
sys.path.insert(0, str(TEMPLATE))

from fleet_desk import PLACE, SCHEMA, open_desk  # noqa: E402  the fleet's own code is found in its folder

SHELVES = 20
# What a tool is called for until something goes wrong once, in one case of a hundred.
FAULTS = ("refuses", "breaks off", "call lost", "answer lost", "away")
SMALL, LARGE = 2_000, 12_000


@dataclass(frozen=True, slots=True)
class Case:
    """One task's case: what is owed, and what will go wrong."""

    id: str
    agent: str
    cents: int
    shelf: str
    fault: str = ""

    @property
    def waits(self) -> bool:
        """Whether so much is owed that a person is asked."""
        return self.cents == LARGE


def cases(tasks: int, domains: int) -> Iterator[Case]:
    """Returns the cases: one in twenty waits for an approval, one in a hundred meets a fault."""
    for number in range(tasks):
        domain = number % domains
        cents = LARGE if number % 20 == 7 else SMALL + number % 900
        fault = FAULTS[number // 100 % len(FAULTS)] if number % 100 == 13 else ""
        yield Case(f"C-{number:06d}", agent_name(domain), cents, f"S-{domain:05d}-{number // domains % SHELVES}", fault)


def agent_name(domain: int) -> str:
    """Returns the name of a domain's agent."""
    return f"desk-{domain:05d}"


def unit_name(domain: int) -> str:
    """Returns the business unit of a domain: it has a budget that all its runs share."""
    return f"unit-{domain:05d}"


def make_fleet(folder: Path, *, domains: int, tasks: int, database_url: str = "") -> list[Case]:
    """Writes the fleet into `folder`, with the desk's own file; returns its cases."""
    shutil.copytree(TEMPLATE, folder, ignore=shutil.ignore_patterns("__pycache__", "*.template"))
    if database_url:
        settings = (folder / "remit.toml").read_text(encoding="utf-8")
        settings = settings.replace("sqlite:///.remit/remit.db", database_url)
        (folder / "remit.toml").write_text(settings, encoding="utf-8")
    contract = Template((TEMPLATE / "contract.md.template").read_text(encoding="utf-8"))
    (folder / "agents").mkdir()
    for domain in range(domains):
        name = agent_name(domain)
        text = contract.substitute(
            {"agent": name, "domain": domain, "unit": unit_name(domain), "class": f"class-{domain % 4}", "limit": 50}
        )
        (folder / "agents" / f"{name}.agent.md").write_text(text, encoding="utf-8")
    made = list(cases(tasks, domains))
    fill_desk(folder, made)
    return made


def fill_desk(folder: Path, made: list[Case]) -> None:
    """Puts cases and shelves into a new file of the desk."""
    (folder / PLACE).parent.mkdir(mode=0o700, exist_ok=True)
    desk = open_desk(folder / PLACE)
    desk.executescript(SCHEMA)
    desk.execute("begin")
    rows = [(case.id, case.agent, case.cents, case.shelf, case.fault) for case in made]
    desk.executemany("insert into cases (id, agent, cents, shelf, fault) values (?, ?, ?, ?, ?)", rows)
    desk.executemany("insert or ignore into shelves (id) values (?)", [(case.shelf,) for case in made])
    desk.execute("commit")
    desk.close()


def read_desk(folder: Path) -> sqlite3.Connection:
    """Opens the desk to look into it."""
    return open_desk(folder / PLACE)
