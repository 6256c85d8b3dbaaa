"""How long one decision takes as the fleet grows, beside engines that look at every policy.

A fleet has one agent for five policies: with 50,000 there are 10,000 agents. Remit asks the slice of the agent (its own
policies and the built-in ones, with schema); cedarpy is asked with everybody's policies in one set, likewise parsed
once; casbin goes through its rules until one allows. All three answer the same question, rung `autonomous`, about random agents.
Figures are microseconds. Agents asked are those whose bundles are kept (1,000); what a dropped one costs is apart.
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
from remit.policy.cedar import Handles
from remit.policy.grants import compile_contract
from remit.policy.judge import request_of

POLICIES_EACH = 5
SIZES = (5, 1_000, 50_000)
HOT = 1_000
TOOL = Tool(
    name="payments__refund",
    server="payments",
    description="Sends money back.",
    input={
        "type": "object",
        "required": ["order_id", "amount", "currency"],
        "properties": {
            "order_id": {"type": "string"},
            "amount": {"type": "number"},
            "currency": {"enum": ["EUR", "USD"]},
            "partial": {"type": "boolean"},
        },
    },
    groups=("money_movement",),
)
QUESTION = Question(
    kind="tool",
    name=TOOL.name,
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
        "tools": [{"use": TOOL.name, "autonomy": rules}],
    }
    front = FrontMatter.model_validate(terms)
    return Contract(terms=front, instructions="", digest=digest_of(terms), path=f"agents/{front.agent}.agent.md")


def fleet(agents: int) -> Fleet:
    """Returns a fleet of that many agents."""
    server = Server(name="payments", python="shop:connect", tools=(TOOL,))
    return Fleet(
        folder="bench",
        contracts={each.name: each for each in map(contract, range(agents))},
        servers={"payments": server},
    )


def timed(call: Callable[[int], object], rounds: int) -> Times:
    """Calls with 0, 1, 2 … and returns how long each took."""
    taken: list[int] = []
    for number in range(rounds):
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
    bundles: list[Bundle] = []
    for size in SIZES:
        agents = size // POLICIES_EACH
        part = replace(largest, contracts={name: largest.contracts[name] for name in map(agent_name, range(agents))})
        bundles = remit_figures(figures, size, part, 2_000 if arguments.quick else 10_000)
        cedar_figures(figures, size, part, bundles[0])
        casbin_figures(figures, size, agents)
    ladder_figures(figures, bundles, 2_000 if arguments.quick else 10_000)
    smallest, biggest = figures[f"remit_{SIZES[0]}_p50"], figures[f"remit_{SIZES[-1]}_p50"]
    goals = [
        Goal("one rung, 50,000 policies, p50 µs", biggest, 150),
        Goal("flat: p50 at 50,000 / p50 at 5", biggest / smallest, 1.5),
        Goal("Python around Cedar, µs a rung", figures["remit_around_cedar"], 30),
        Goal("cedarpy, one set / Remit, 50,000", figures["cedarpy_50000_p50"] / biggest, 10, at_least=True),
    ]
    return figures, goals


def remit_figures(figures: dict[str, Any], size: int, whole: Fleet, rounds: int) -> list[Bundle]:
    """Measures `judge` on slices, looking the bundle up each time."""
    policy = Policy()
    contracts = list(whole.contracts.values())
    policy.bundle(whole, contracts[0])
    hot = random.sample(contracts, min(len(contracts), HOT))
    bundles: list[Bundle] = []
    figures[f"remit_{size}_bundle_p50"] = timed(lambda n: bundles.append(policy.bundle(whole, hot[n])), len(hot)).p50
    assert all(policy.judge(bundle, QUESTION).rung is Rung.AUTONOMOUS for bundle in bundles)
    asked = random.choices(hot, k=rounds)
    record(figures, f"remit_{size}", timed(lambda n: policy.judge(policy.bundle(whole, asked[n]), QUESTION), rounds))
    return bundles


def record(figures: dict[str, Any], name: str, times: Times) -> None:
    """Keeps median and 99th percentile."""
    figures[f"{name}_p50"], figures[f"{name}_p99"] = times.p50, times.p99


def ladder_figures(figures: dict[str, Any], bundles: list[Bundle], rounds: int) -> None:
    """Measures whole ladders on a mix of amounts, and what Python adds to Cedar on one rung."""
    policy = Policy()
    drawn = random.choices([12.5, 300, 900], [75, 20, 5], k=rounds)
    mix = [replace(QUESTION, arguments={**QUESTION.arguments, "amount": amount}) for amount in drawn]
    rungs = [len(policy.judge(bundles[n % len(bundles)], each).answers) for n, each in enumerate(mix)]
    figures["ladder_mean_rungs"] = sum(rungs) / rounds
    before = time.perf_counter()
    record(figures, "ladder", timed(lambda n: policy.judge(bundles[n % len(bundles)], mix[n]), rounds))
    figures["ladder_decisions_per_second"] = rounds / (time.perf_counter() - before)
    request, handles = request_of(bundles[0], QUESTION)
    cedar = timed(lambda _: handles.ask([request]), rounds).p50
    figures["remit_cedar_alone_p50"] = cedar
    figures["remit_around_cedar"] = timed(lambda _: policy.judge(bundles[0], QUESTION), rounds).p50 - cedar


def cedar_figures(figures: dict[str, Any], size: int, whole: Fleet, bundle: Bundle) -> None:
    """Measures cedarpy with everybody's policies in one set, parsed once, with the same schema."""
    parts = json.loads(bundle.source())
    shared = {name: est for name, est in parts["policies"].items() if name.startswith("remit/")}
    agents = [{**each, "parents": []} for each in parts["entities"] if each["uid"]["type"] == "Fleet::Agent"]
    others = [each for each in parts["entities"] if each not in agents and each["uid"]["type"] != "Fleet::Agent"]
    everybody: list[dict[str, Any]] = []
    for name, own in whole.contracts.items():
        shared |= compile_contract(whole, whole.tools, own).policies
        everybody.append({**agents[0], "uid": {**agents[0]["uid"], "id": name}})
    handles = Handles.parse(parts["schema"], shared, [*everybody, *others])
    request, _ = request_of(bundle, QUESTION)
    requests = [{**request, "principal": each["uid"]} for each in everybody]
    assert handles.ask([requests[-1]])[0].allowed
    rounds = max(50, min(2_000, 2_000_000 // size))
    record(figures, f"cedarpy_{size}", timed(lambda n: handles.ask([requests[n * 7 % len(requests)]]), rounds))


def casbin_figures(figures: dict[str, Any], size: int, agents: int) -> None:
    """Measures casbin with as many rules."""
    model = casbin.Model()
    model.load_model_from_text(MODEL)
    enforcer = casbin.Enforcer(model)
    each = size // agents
    rules = [[agent_name(n), f"{TOOL.name}{i or ''}", "50", "EUR"] for n in range(agents) for i in range(each)]
    enforcer.add_function("number", float)
    enforcer.add_policies(rules)
    names = [agent_name(random.randrange(agents)) for _ in range(max(3, min(1_000, 20_000 // size)))]
    assert enforcer.enforce(names[0], TOOL.name, 12.5, "EUR")
    record(figures, f"casbin_{size}", timed(lambda n: enforcer.enforce(names[n], TOOL.name, 12.5, "EUR"), len(names)))


if __name__ == "__main__":
    main(__doc__ or "", measure)
