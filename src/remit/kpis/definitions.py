"""What each figure means, in writing: the same sentences for console, command line, API and documents."""

from dataclasses import dataclass
from typing import Literal

from remit.store import load_queries

Unit = Literal["tasks", "answers", "actions", "money", "time", "share", "score"]

_Q = load_queries("remit.kpis")


@dataclass(frozen=True, slots=True)
class Definition:
    """One figure: its name in `Figures`, what it says, what it is made of, and which statements count it."""

    name: str
    title: str
    unit: Unit
    text: str
    parts: tuple[str, ...] = ()
    """The names of figures it is made of."""
    queries: tuple[str, ...] = ("ended",)
    """Named statements of `queries.sql` that say what is counted of a task; days are sums over them."""


def statement(name: str) -> str:
    """Returns the SQL of a named statement that figures rest on."""
    return _Q[name].sql


DEFINITIONS = (
    Definition(
        "tasks",
        "Tasks",
        "tasks",
        "Tasks that ended in the period, and those taken on in it that are still open.",
        ("succeeded", "failed", "open"),
        ("ended", "open_tasks"),
    ),
    Definition(
        "open",
        "Open",
        "tasks",
        "Tasks taken on in the period that have not ended. They count in no other figure but the number of tasks.",
        queries=("open_tasks",),
    ),
    Definition(
        "succeeded",
        "Succeeded",
        "tasks",
        "Tasks that ended with an output for which the contract's `success` holds; without that condition, with any "
        "output the contract allows.",
    ),
    Definition(
        "failed",
        "Failed",
        "tasks",
        "Tasks that ended otherwise: the run failed, was cancelled, or its output was not what success means. One that "
        "is tried again is open until it ends again.",
    ),
    Definition("success_rate", "Success rate", "share", "Succeeded over all that ended.", ("succeeded", "failed")),
    Definition(
        "cost",
        "Cost",
        "money",
        "All charges of tasks that ended in the period, whenever they were booked: failed tasks, retries, hand-offs and "
        "forks included. People's time is not in it.",
        ("tool", "model"),
        ("ended", "charged"),
    ),
    Definition(
        "cpso",
        "Cost per successful outcome",
        "money",
        "What all tasks that ended did cost, failed ones, retries and forks included, with people's time if it has a "
        "price, over the successful ones.",
        ("tool", "model", "people", "succeeded"),
        ("ended", "charged", "questions"),
    ),
    Definition("tool", "Tools", "money", "Charges for tool calls.", queries=("ended", "charged")),
    Definition("model", "Models", "money", "Charges for answers of models.", queries=("ended", "charged")),
    Definition(
        "people",
        "People's time",
        "money",
        "Answers people gave, times `answer_minutes`, times `people_minute`. The minutes are an assumption, nobody "
        "measures them; without `people_minute` people's time is not counted.",
        ("answers",),
        ("ended", "questions"),
    ),
    Definition(
        "waste",
        "Waste",
        "money",
        "The part of the cost that went into tasks that ended without success.",
        ("failed",),
        ("ended", "charged"),
    ),
    Definition("waste_share", "Waste, share", "share", "Waste over cost.", ("waste", "cost"), ("ended", "charged")),
    Definition(
        "ttr",
        "Time to resolution",
        "time",
        "Median time from taken on to ended. It is read from buckets that are 1/32 wide, so it is at most 3.2 % off.",
    ),
    Definition(
        "ttr_p90",
        "Time to resolution, 90 %",
        "time",
        "The time to resolution that nine in ten tasks do not exceed; as exact as the median.",
    ),
    Definition(
        "waiting",
        "Waiting for people",
        "share",
        "The part of all time to resolution in which some question to people was open.",
        queries=("ended", "questions"),
    ),
    Definition(
        "hir",
        "Human intervention rate",
        "share",
        "Tasks in which people had to step in, over all that ended: somebody rejected or edited an action, or had to be "
        "asked about an unknown outcome, an answer, or a run that was stuck. A planned yes is no intervention.",
        queries=("ended", "questions"),
    ),
    Definition(
        "asked",
        "Asked",
        "share",
        "Tasks in which people were asked as the contract plans it (an action that needs a yes, a proposal), over all "
        "that ended.",
        queries=("ended", "questions"),
    ),
    Definition(
        "answers",
        "Answers",
        "answers",
        "How often people answered a question; who carries a proposal out has answered it.",
        queries=("ended", "questions"),
    ),
    Definition(
        "answer_time",
        "Answer time",
        "time",
        "Median time from a question to its last answer. Questions nobody answered are left out. As exact as the median "
        "time to resolution.",
        queries=("ended", "questions"),
    ),
    Definition(
        "satisfaction",
        "Satisfaction",
        "score",
        "Mean of the scores that those served gave, from 1 (worst) to 5 (best); of several scores of a task the last one "
        "counts. Of tasks without a score nobody knows.",
        ("rated",),
        ("ended", "said"),
    ),
    Definition("rated", "Rated", "share", "Tasks with a score, over all that ended.", queries=("ended", "said")),
    Definition(
        "appeals",
        "Appeals",
        "share",
        "Tasks in which somebody did not accept what was decided, over all that ended.",
        queries=("ended", "said"),
    ),
    Definition(
        "person_asked",
        "Asked for a person",
        "share",
        "Tasks in which those served asked for a person instead of an agent, over all that ended.",
        queries=("ended", "said"),
    ),
    Definition(
        "denied",
        "Denied actions",
        "actions",
        "Actions the gateway denied and put down as a step. Forks without effects, which only look, do not count.",
        queries=("ended", "denied"),
    ),
    Definition(
        "unpriced",
        "Without a price",
        "tasks",
        "Tasks in which some price is not known: their cost is not the whole truth.",
        queries=("ended", "charged"),
    ),
    Definition(
        "live",
        "Live",
        "tasks",
        "Tasks in which no model was recorded or simulated.",
        queries=("ended", "charged"),
    ),
    Definition(
        "recorded",
        "Recorded",
        "tasks",
        "Tasks in which a recorded model took part, and no simulated one.",
        queries=("ended", "charged"),
    ),
    Definition(
        "simulated",
        "Simulated",
        "tasks",
        "Tasks in which a simulated model took part.",
        queries=("ended", "charged"),
    ),
    Definition(
        "not_live",
        "Not live",
        "tasks",
        "Recorded and simulated tasks. As long as there is one, no saving and no quality may be claimed from the figures.",
        ("recorded", "simulated"),
        ("ended", "charged"),
    ),
)
"""Every figure, in the order people read them."""
