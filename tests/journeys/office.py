"""A small live demo: the starter's office orders by events, with a truth about what must have been ordered."""

import shutil
from pathlib import Path

from remit.cli.shipped import shipped_fleet

EDITS = {
    "agents/supplies-desk.agent.md": (
        ("input: {$ref", "triggers:\n  - {on: event, name: request.made}\ninput: {$ref"),
    ),
    "tools/store.yaml": (("    rate: 30 per minute\n", ""),),
    "office_store.py": (
        ("quantity integer)", "quantity integer, task text)"),
        ("values (?, ?, ?)", "values (?, ?, ?, ?)"),
        ("(call.key, item, quantity)", "(call.key, item, quantity, call.task)"),
    ),
    "remit.toml": (("[models.simulated]", 'demo = "live_demo:work"\n\n[models.simulated]'),),
}

DEMO = """
import json
import sqlite3

from remit.app import Arrival, Signal

# What is asked for, the item and quantity that are right, and who decides.
REQUESTS = (
    ("2 coffee", "coffee", 2, "agent"),
    ("2 chair", "chair", 2, "asked"),
    ("1 standing desk", "standing desk", 1, "led"),
    ("4 paper", "paper", 4, "agent"),
)


class Office:
    label = "an invented office"
    source = "office"
    on_behalf_of = "the office"
    guide = "you@example.com"
    faults = ("locked",)

    def __init__(self, terms):
        self._terms = terms
        self._path = terms.folder / ".remit" / "store.db"
        self.has_truth = terms.file is None
        self.broken = []

    def arrivals(self):
        if self._terms.file is not None:
            for number, line in enumerate(self._terms.file.read_text().splitlines()):
                yield Arrival(f"own-{number}", "request.made", json.loads(line), "yours")
            return
        number = 0
        while self._terms.tasks is None or number < self._terms.tasks:
            text = REQUESTS[(number + self._terms.seed) % len(REQUESTS)][0]
            yield Arrival(f"r-{number:04}", "request.made", {"request": f"Please order {text}."}, text)
            number += 1

    def put_in(self, arrivals):
        pass

    def signals(self, arrival):
        return (Signal("satisfaction", 5),) if arrival.key.endswith("0") else ()

    def _orders(self, where, value):
        database = sqlite3.connect(self._path)
        try:
            return database.execute(f"select item, quantity from orders where {where} = ?", (value,)).fetchall()
        finally:
            database.close()

    def wrong(self, arrival, task, answers):
        _, item, quantity, by = next(one for one in REQUESTS if one[0] in arrival.data["request"])
        said_no = any(each.answer == "reject" for each in answers)
        edited = [each.arguments["quantity"] for each in answers if each.answer == "edit"]
        expected = [] if said_no else [(item, edited[0] if edited else quantity)]
        found = self._orders("task", task)
        problems = [] if found == expected else [f"ordered {found}, expected {expected}"]
        return problems if (by == "agent") == (not answers) else [*problems, f"{len(answers)} questions, {by}"]

    def happened(self, key):
        found = self._orders("key", key)
        return {"item": found[0][0]} if found else None

    def edited(self, tool, arguments):
        return {**arguments, "quantity": 1}

    def break_outside(self, fault, seconds):
        self.broken.append(fault)

    def close(self):
        pass


def work(terms):
    return Office(terms)
"""


def make_office(folder: Path) -> Path:
    """Writes the fleet into `folder` and returns it."""
    shutil.copytree(shipped_fleet("starter"), folder, ignore=shutil.ignore_patterns("__pycache__", ".remit"))
    for name, edits in EDITS.items():
        path = folder / name
        text = path.read_text(encoding="utf-8")
        for old, new in edits:
            assert old in text, (name, old)
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
    (folder / "live_demo.py").write_text(DEMO, encoding="utf-8")
    return folder
