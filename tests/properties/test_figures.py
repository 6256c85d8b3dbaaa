"""Whatever happened, in whatever portions it was rolled up: figures are those of counting every task anew."""

import tempfile
from collections.abc import Callable, Iterable
from itertools import combinations
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.properties.sample import examples

from kpis.history import PEOPLE, STATES, UNITS, Asked, History, Work, open_history
from kpis.reference import reference
from remit.approvals import ApprovalKind, ApprovalState
from remit.core import DAY, HOUR
from remit.journal import FeedbackKind
from remit.kpis import Spending
from remit.ledger import Charge, ChargeKind, Source

ANSWER_PRICE = 1_600_000  # 0.80 EUR a minute, two minutes an answer
SCOPES: tuple[dict[str, str], ...] = ({}, {"agent": "ada"}, {"agent": "cy"}, {"unit": "care"}, {"unit": "sales"})
KINDS: tuple[ApprovalKind, ...] = ("action", "action", "proposal", "unknown", "answer", "stuck")
CHARGED: tuple[ChargeKind, ...] = ("tool", "model", "person")
SOURCES: tuple[Source, ...] = ("live", "live", "live", "recorded", "simulated")
# So few that a lot happens to each.
MOST_WORKS = 5


class Play:
    """Things that happen to a history, each drawn from a number."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.open: list[tuple[Work, Asked]] = []

    def wait(self, random: Random) -> None:
        self.history.clock.advance(random.choice([1, random.randrange(100), random.randrange(9 * HOUR), 2 * DAY]))

    def take_on(self, random: Random) -> None:
        if len(self.history.works) < MOST_WORKS:
            self.history.take_on(*random.choice(list(UNITS)))

    def charge(self, random: Random) -> None:
        kind, source = random.choice(CHARGED), random.choice(SOURCES)
        amount, agent, priced = random.randrange(5_000_000), random.choice(["", "bob"]), random.random() < 0.8
        self.history.charge(self.work(random), kind, amount, priced=priced, source=source, agent=agent)

    def deny(self, random: Random) -> None:
        self.history.deny(self.work(random), copied=random.random() < 0.3)

    def ask(self, random: Random) -> None:
        work = self.work(random)
        self.open.append((work, self.history.ask(work, random.choice(KINDS), people=random.choice([1, 1, 2]))))

    def answer(self, random: Random) -> None:
        if not self.open:
            return
        work, asked = self.open.pop(random.randrange(len(self.open)))
        match random.choice(["close", "carry out", "answer", "answer", "answer"]):
            case "close":
                self.history.close(work, asked)
            case "carry out" if asked.kind == "proposal" and not asked.answers:
                self.history.carry_out(work, asked)
            case _:
                answer = random.choice(["approve", "approve", "reject"])
                self.history.answer(work, asked, answer, random.choice(PEOPLE))  # type: ignore[arg-type]
        if asked.state is ApprovalState.PENDING:
            self.open.append((work, asked))

    def say(self, random: Random) -> None:
        kind = random.choice(list(FeedbackKind))
        score = random.randrange(1, 6) if kind is FeedbackKind.SATISFACTION else None
        self.history.say(self.work(random), kind, score)

    def end(self, random: Random) -> None:
        self.history.end(self.work(random), random.choice(["success", "success", "failure", "cancelled"]))

    def fork(self, random: Random) -> None:
        self.history.fork(self.work(random), effects=random.random() < 0.7)

    def roll_up(self, random: Random) -> None:
        self.history.roll_up(random.randrange(1, 40))

    def roll_up_twice_at_once(self, random: Random) -> None:
        """The second of two processes that have seen the same is refused."""
        commits = [self.history.kpis.roll_up(limit=random.randrange(1, 20)) for _ in range(2)]
        refused = [self.history.refused(commit) for commit in commits if commit]
        assert refused in ([], [False, True])

    def look(self, random: Random) -> None:
        self.check_figures(random.choice(SCOPES), 0, None)
        moments = self.moments()
        if len(moments) > 1:
            self.check_figures(random.choice(SCOPES), *sorted(random.sample(moments, 2)))

    def cancel_a_run(self, random: Random) -> None:
        self.history.cancel_run(self.work(random))

    def look_at_states(self, random: Random) -> None:
        """What is kept of each day is what counting everything says."""
        kpis = self.history.kpis
        kept = {"runs": kpis.runs_by_state(), "tasks": kpis.tasks_by_state(), "approvals": kpis.approvals_by_state()}
        for what, told in kept.items():
            rows = self.history.store.database.read(STATES[what])
            assert told == {row["state"]: row["count"] for row in rows}

    def look_at_days(self, random: Random) -> None:
        self.check_days(random.choice(SCOPES), random.randrange(1, 6))

    def work(self, random: Random) -> Work:
        """Returns some task."""
        return random.choice(self.history.works or [self.history.take_on("ada")])

    def moments(self) -> list[int]:
        """Returns the moments around which periods may count a task or not."""
        ends = [work.ended_at for work in self.history.works if work.ended_at is not None]
        return sorted({moment for end in ends for moment in (end // DAY * DAY, end, end + 1)})

    def check_figures(self, scope: dict[str, str], since: int, until: int | None) -> None:
        """Figures are those of the plain way, and the median is at most a bucket off."""
        figures = self.history.kpis.figures(**scope, since=since, until=until)
        last = 2**62 if until is None else until
        wanted = reference(self.history, **scope, since=since, until=last, answer_price=ANSWER_PRICE)
        times = wanted.pop("resolution")
        assert {name: getattr(figures, name) for name in wanted} == wanted
        if times and figures.ttr is not None:
            assert abs(figures.ttr - median(times)) <= median(times) / 32 + 1

    def check_days(self, scope: dict[str, str], days: int) -> None:
        """A trend has every day, and each is what its figures say."""
        now = self.history.clock.now()
        told = self.history.kpis.days(**scope, since=now - (days - 1) * DAY, until=now)
        assert [day.day for day in told] == list(range(now // DAY - days + 1, now // DAY + 1))
        for day in told:
            first, last = day.day * DAY, (day.day + 1) * DAY
            wanted = reference(self.history, **scope, since=first, until=last, answer_price=ANSWER_PRICE)
            for name in ("succeeded", "failed", "cost", "hir", "ttr", "not_live"):
                assert getattr(day, name) == wanted[name], name

    def check_spending(self, agent: str) -> None:
        """Every cent has its home."""
        charges = [c for work in self.history.works for c in work.charges if agent in ("", c.agent)]
        homes: dict[tuple[str, str, str, str], list[Charge]] = {}
        for charge in charges:
            homes.setdefault((charge.agent, charge.unit, charge.kind, charge.source), []).append(charge)
        assert self.history.kpis.spending(agent=agent) == [
            Spending(*home, len(some), sum(not c.priced for c in some), 3 * len(some), 2 * len(some), total(some))
            for home, some in sorted(homes.items())
        ]

    def check_spenders(self) -> None:
        """Units and agents were charged what all charges add up to."""
        charges = [charge for work in self.history.works for charge in work.charges]
        assert sum(spent.amount for spent in self.history.kpis.spending_of_units()) == total(charges)
        agents = {charge.agent for charge in charges}
        each = {agent: total(charge for charge in charges if charge.agent == agent) for agent in agents}
        assert self.history.kpis.spenders(limit=9) == sorted(each.items(), key=lambda one: (-one[1], one[0]))


def total(charges: Iterable[Charge]) -> int:
    """Returns what charges add up to."""
    return sum(charge.amount for charge in charges)


ACTS = (
    *(Play.wait, Play.take_on, Play.charge, Play.charge, Play.deny, Play.ask, Play.ask, Play.answer, Play.answer),
    *(
        Play.end,
        Play.end,
        Play.say,
        Play.say,
        Play.fork,
        Play.roll_up,
        Play.roll_up_twice_at_once,
        Play.look,
        Play.look_at_days,
        Play.cancel_a_run,
        Play.look_at_states,
        Play.look_at_states,
    ),
)


@given(acts=st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 2**16)), min_size=30, max_size=120))
@settings(
    max_examples=examples(25),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
def test_figures_are_those_of_counting_every_task_anew(
    another_database: Callable[[], None], acts: list[tuple[Any, int]]
) -> None:
    another_database()
    with tempfile.TemporaryDirectory() as folder, open_history(Path(folder), people_minute="0.80 EUR") as history:
        play = Play(history)
        for act, number in acts:
            act(play, Random(number))
        for agent in ("", "ada", "bob"):
            play.check_spending(agent)
        play.check_spenders()
        play.look_at_states(Random(0))
        history.roll_up_all()
        play.check_spending("")
        play.check_spenders()
        for since, until in combinations(play.moments()[:9], 2):
            play.check_figures({}, since, until)
            play.check_figures({"unit": "care"}, since, until)
