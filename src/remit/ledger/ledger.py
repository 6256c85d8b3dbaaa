"""The ledger: reserve the worst case, settle what it was, attribute every cent."""

import json
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from remit.core import remember
from remit.ledger.model import Budget, Charge
from remit.store import Database, Row, Statement, load_queries

_Q = load_queries("remit.ledger")
# Budgets this process knows to exist: one for each run in flight, agent and unit.
REMEMBERED = 65_536
LIST_LIMIT = 1_000


@dataclass(frozen=True, slots=True)
class Hold:
    """What was reserved for one step, and on which budgets."""

    amount: int
    budgets: tuple[str, ...]


class Ledger:
    """Reads budgets and charges; its changes are statements for the gateway's commit."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._opened: OrderedDict[str, None] = OrderedDict()

    def open(self, budgets: Sequence[Budget]) -> list[Statement]:
        """Makes sure the budgets exist; what this process has made sure of is not asked again."""
        return [
            Statement(_Q["open_budget"], {"id": b.id, "cap": b.cap}, want=None)
            for b in budgets
            if b.id not in self._opened
        ]

    def opened(self, budgets: Sequence[Budget]) -> None:
        """Remembers that a commit with `open` of these budgets stood."""
        for budget in budgets:
            remember(self._opened, budget.id, None, REMEMBERED)

    def reserve(self, run: str, step: int, amount: int, budgets: Sequence[Budget]) -> list[Statement]:
        """Holds `amount` on every budget within the cap given here, or refuses the whole commit.

        Put these last: every run shares the rows.
        """
        kept = {"run": run, "step": step, "amount": amount, "budgets": json.dumps([budget.id for budget in budgets])}
        return [
            Statement(_Q["keep_hold"], kept),
            *(
                Statement(
                    _Q["hold"], {"id": b.id, "cap": b.cap, "amount": amount}, refusal=f"the budget {b.id} is used up"
                )
                for b in sorted(budgets, key=lambda budget: budget.id)
            ),
        ]

    def settle(self, run: str, step: int, hold: Hold | None, charge: Charge) -> list[Statement]:
        """Releases the hold, books what was really spent on the same budgets, and keeps the charge."""
        values = {**{name: getattr(charge, name) for name in Charge.__slots__}, "priced": int(charge.priced)}
        booked = [Statement(_Q["charge"], values)]
        if hold is None:
            return booked
        return [
            *booked,
            Statement(_Q["drop_hold"], {"run": run, "step": step}, refusal="the hold was settled already"),
            *(
                Statement(_Q["settle"], {"id": budget, "held": hold.amount, "spent": charge.amount})
                for budget in sorted(hold.budgets)
            ),
        ]

    def release(self, run: str, step: int, hold: Hold) -> list[Statement]:
        """Gives a hold back unspent."""
        return [
            Statement(_Q["drop_hold"], {"run": run, "step": step}, refusal="the hold was settled already"),
            *(
                Statement(_Q["settle"], {"id": budget, "held": hold.amount, "spent": 0})
                for budget in sorted(hold.budgets)
            ),
        ]

    def hold_of(self, run: str, step: int) -> Hold | None:
        """Returns what a step still holds."""
        row = self._database.read_one(_Q["hold_of"], {"run": run, "step": step})
        return Hold(row["amount"], tuple(json.loads(row["budgets"]))) if row else None

    def budget(self, identifier: str) -> Budget | None:
        """Returns one budget."""
        row = self._database.read_one(_Q["budget"], {"id": identifier})
        return _budget(row) if row else None

    def budgets(self) -> list[Budget]:
        """Returns every budget."""
        return [_budget(row) for row in self._database.read(_Q["budgets"])]

    def holds(self) -> int:
        """Returns how many holds are open."""
        return len(self._database.read(_Q["holds"]))

    def charges(self, run: str = "") -> list[Charge]:
        """Returns the charges of one run, or all."""
        rows = self._database.read(_Q["charges"], {"run": run})
        return [_charge(row) for row in rows]

    def budgets_of_day(self, day: str, *, limit: int = LIST_LIMIT) -> list[Budget]:
        """Returns the budgets of agents and units for one UTC day, the most used first; those of runs are not looked at."""
        return [_budget(row) for row in self._database.read(_Q["budgets_of_day"], {"day": day, "limit": limit})]


def _budget(row: Row) -> Budget:
    return Budget(row["id"], row["cap"], row["held"], row["spent"])


def _charge(row: Row) -> Charge:
    values = {name: row[name] for name in Charge.__slots__}
    values["priced"] = bool(values["priced"])
    return Charge(**values)
