"""How long one decision takes as the fleet grows, beside engines that look at every policy.

A fleet has one agent for five policies: with 50,000 there are 10,000 agents, in 100 domains with a tool each. Remit
asks the slice of the agent (its own policies and the built-in ones, with schema); cedarpy is asked with everybody's
policies in one set, likewise parsed once; casbin goes through its rules (simpler ones: three equalities and one number)
until one allows. All three answer the same question, rung `autonomous`, about random agents. Figures are microseconds.
Agents asked are those whose bundles are kept (1,000); what compiling a dropped one costs is apart.
"""

import argparse
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import casbin

from _report import Goal, Measured, main
from remit.contracts import Contract, Fleet, FrontMatter, Server, Tool
from remit.core import MICRO, digest_of
from remit.policy import Bundle, Policy, Question, Rung
from remit.policy.cedar import Est, Handles, parse_schema
from remit.policy.grants import compile_contract
from remit.policy.judge import request_of

POLICIES_EACH = 5
SIZES = (5, 1_000, 50_000)
HOT = 1_000
ROUND = range(40)
DOMAINS = 100
INPUT = {
    "type": "object",
    "required": ["order_id", "amount", "currency"],
    "properties": {
        "order_id": {"type": "string"},
        "amount": {"type": "number"},
        "currency": {"enum": ["EUR", "USD"]},
        "partial": {"type": "boolean"},
    },
}
TOOLS = tuple(
    Tool(name=f"payments__refund{n}", server="payments", description="Pays.", input=INPUT, groups=("money_movement",))
    for n in range(DOMAINS)
)
QUESTION = Question(
    kind="tool",
    name=TOOLS[0].name,
    arguments={"order_id": "o-1", "amount": Decimal("12.5"), "currency": "EUR", "partial": False},
    facts={},
    digest="sha256:" + "0" * 64,
    now=1_790_000_000 * MICRO,
    on_behalf_of="ann@acme.example",
    hops=1,
    intent="refund",
    subject="inside",
    confidence=Decimal("0.9"),
    amount=12_500_000,
    spent_today=0,
)
MODEL = """[request_definition]
r = sub, act, amount, currency
[policy_definition]
p = sub, act, most, currency
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.sub == p.sub && r.act == p.act && r.currency == p.currency && r.amount <= number(p.most)
"""


Asked = tuple[Bundle, Question]


@dataclass(frozen=True, slots=True)
class Times:
    """Microseconds of many calls."""

    p50: float
    p99: float


def agent_name(number: int) -> str:
    """Returns the name of one agent."""
    return f"agent-{number}"


def contract(number: int) -> Contract:
    """Returns a contract of five policies: three for its two rules, models, memory."""
    rules = [
        {"when": "amount <= 50 and currency == 'EUR'", "level": "autonomous"},
        {"when": "amount <= 500 and not partial", "level": "human-in-the-loop", "by": ("care-lead",)},
    ]
    terms = {
        "agent": agent_name(number),
        "version": "1.0.0",
        "purpose": "Refunds.",
        "owner": "owner@acme.example",
        "experts": ("expert@acme.example",),
        "unit": f"unit-{number % 100}",
        "class": "user-facing",
        "input": {"type": "object"},
        "output": {"type": "object"},
        "tools": [{"use": TOOLS[number % DOMAINS].name, "autonomy": rules}],
    }
    front = FrontMatter.model_validate(terms)
    return Contract(terms=front, instructions="", digest=digest_of(terms), path=f"agents/{front.agent}.agent.md")


def question(agent: Contract) -> Question:
    """Returns the question one agent asks."""
    return replace(QUESTION, name=agent.terms.tools[0].use)


def fleet(agents: int) -> Fleet:
    """Returns a fleet of that many agents."""
    server = Server(name="payments", python="shop:connect", tools=TOOLS)
    return Fleet(
        folder="bench",
        contracts={each.name: each for each in map(contract, range(agents))},
        servers={"payments": server},
    )


def timed(call: Callable[[int], object], rounds: int) -> Times:
    """Calls with 0, 1, 2 … and returns how long each took: of three parts the quietest, for machines are shared."""
    if rounds < 3 * 20:
        return once(call, range(rounds))
    part = rounds // 3
    return min((once(call, range(n * part, (n + 1) * part)) for n in range(3)), key=lambda times: times.p50)


def once(call: Callable[[int], object], numbers: range) -> Times:
    """Calls with each number and returns how long that took."""
    taken: list[int] = []
    for number in numbers:
        before = time.perf_counter_ns()
        call(number)
        taken.append(time.perf_counter_ns() - before)
    taken.sort()
    return Times(taken[len(taken) // 2] / 1_000, taken[int(len(taken) * 0.99)] / 1_000)


def measure(arguments: argparse.Namespace) -> Measured:
    """Measures every engine at every size."""
    random.seed(7)
    figures: dict[str, Any] = {}
    largest = fleet(max(SIZES) // POLICIES_EACH)
    asked: list[Asked] = []
    for size in SIZES:
        agents = size // POLICIES_EACH
        part = replace(largest, contracts={name: largest.contracts[name] for name in map(agent_name, range(agents))})
        asked = remit_figures(figures, size, part, 2_000 if arguments.quick else 10_000)
        cedar_figures(figures, size, part, asked[0])
        casbin_figures(figures, size, agents)
    ladder_figures(figures, asked, 2_000 if arguments.quick else 10_000)
    smallest, biggest = figures[f"remit_{SIZES[0]}_p50"], figures[f"remit_{SIZES[-1]}_p50"]
    goals = [
        Goal("one rung, 50,000 policies, p50 µs", biggest, 150),
        Goal("flat: p50 at 50,000 / p50 at 5", biggest / smallest, 1.5),
        Goal("Python around Cedar, µs a rung", figures["python_around_cedar_p50"], 30),
        Goal("known answer / one rung, 50,000", figures["known_answer_p50"] / biggest, 0.5),
        Goal("cedarpy, one set / Remit, 50,000", figures["cedarpy_50000_p50"] / biggest, 10, at_least=True),
    ]
    return figures, goals


def remit_figures(figures: dict[str, Any], size: int, whole: Fleet, rounds: int) -> list[Asked]:
    """Measures `judge` on slices, looking the bundle up each time; returns what was asked of whom."""
    policy = Policy(answers_kept=0)
    contracts = list(whole.contracts.values())
    policy.bundle(whole, contracts[0])
    hot = random.sample(contracts, min(len(contracts), HOT))
    figures["remit_compile_p50"] = timed(lambda n: policy.bundle(whole, hot[n]), len(hot)).p50
    drawn = [(each, question(each)) for each in random.choices(hot, k=rounds)]
    assert all(policy.judge(policy.bundle(whole, each), what).rung is Rung.AUTONOMOUS for each, what in drawn)
    record(
        figures, f"remit_{size}", timed(lambda n: policy.judge(policy.bundle(whole, drawn[n][0]), drawn[n][1]), rounds)
    )
    return [(policy.bundle(whole, each), question(each)) for each in hot]


def record(figures: dict[str, Any], name: str, times: Times) -> None:
    """Keeps median and 99th percentile."""
    figures[f"{name}_p50"], figures[f"{name}_p99"] = times.p50, times.p99


def ladder_figures(figures: dict[str, Any], asked: list[Asked], rounds: int) -> None:
    """Measures whole ladders on a mix of amounts, what Python adds to Cedar on one rung, and an answer that is known."""
    policy, knowing = Policy(answers_kept=0), Policy()
    amounts = random.choices([12.5, 300, 900], [75, 20, 5], k=rounds)
    mix = [
        (bundle, replace(what, arguments={**what.arguments, "amount": amount}))
        for amount, (bundle, what) in zip(amounts, random.choices(asked, k=rounds), strict=True)
    ]
    before = time.perf_counter()
    rungs = [len(policy.judge(bundle, what).answers) for bundle, what in mix]
    figures["ladder_decisions_per_second"] = rounds / (time.perf_counter() - before)
    figures["ladder_mean_rungs"] = sum(rungs) / rounds
    record(figures, "ladder", timed(lambda n: policy.judge(*mix[n]), rounds))
    bundle, what = asked[0]
    request, handles = request_of(bundle, what)
    # By turns, so that both meet the same noise.
    pairs = [
        (once(lambda _: handles.ask([request]), ROUND), once(lambda _: policy.judge(bundle, what), ROUND))
        for _ in ROUND
    ]
    figures["cedar_alone_p50"] = min(cedar.p50 for cedar, _ in pairs)
    figures["known_answer_p50"] = once(lambda _: knowing.judge(bundle, what), ROUND).p50
    figures["python_around_cedar_p50"] = min(both.p50 for _, both in pairs) - figures["cedar_alone_p50"]


def cedar_figures(figures: dict[str, Any], size: int, whole: Fleet, asked: Asked) -> None:
    """Measures cedarpy with everybody's policies in one set, parsed once; asked for agents of one domain."""
    bundle, what = asked
    parts = json.loads(bundle.source())
    policies = {name: est for name, est in parts["policies"].items() if name.startswith("remit/")}
    others = [each for each in parts["entities"] if each["uid"]["type"] != "Fleet::Agent"]
    own = next(each for each in parts["entities"] if each["uid"]["id"] == bundle.agent)
    everybody: list[Est] = []
    tools = whole.tools
    for name, terms in whole.contracts.items():
        policies |= compile_contract(whole, tools, terms).policies
        everybody.append({**own, "uid": {"type": "Fleet::Agent", "id": name}, "parents": []})
    handles = Handles.parse(parse_schema(parts["schema"]), policies, [*everybody, *others])
    request, _ = request_of(bundle, what)
    domain = [name for name, terms in whole.contracts.items() if question(terms).name == what.name]
    requests = [{**request, "principal": {"type": "Fleet::Agent", "id": name}} for name in domain]
    assert handles.ask([requests[-1]])[0].allowed
    rounds = max(20, min(2_000, 1_000_000 // size))
    record(figures, f"cedarpy_{size}", timed(lambda n: handles.ask([requests[n % len(requests)]]), rounds))


def casbin_figures(figures: dict[str, Any], size: int, agents: int) -> None:
    """Measures casbin with as many rules."""
    model = casbin.Model()
    model.load_model_from_text(MODEL)
    enforcer = casbin.Enforcer(model)
    each = size // agents
    rules = [[agent_name(n), f"tool-{i}", "50", "EUR"] for n in range(agents) for i in range(each)]
    enforcer.add_function("number", float)
    enforcer.add_policies(rules)
    names = [agent_name(random.randrange(agents)) for _ in range(max(3, min(1_000, 20_000 // size)))]
    assert enforcer.enforce(names[0], "tool-0", 12.5, "EUR")
    times = timed(lambda n: bool(enforcer.enforce(names[n], "tool-0", 12.5, "EUR")), len(names))
    record(figures, f"casbin_{size}", times)


if __name__ == "__main__":
    main(__doc__ or "", measure)
