"""A small fleet with everything policies can speak of, and the questions asked about it."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from remit.contracts import Amount, Contract, Facts, Fleet, FrontMatter, OrgPolicy, Person, Risk, Server, Tool
from remit.core import DAY, digest_of
from remit.policy import ApprovalGiven, Bundle, Policy, Question, Vote

NOW = 20_000 * DAY
DIGEST = "sha256:action"
LEE = Person(id="lee@acme.example", roles=("finance-lead",))
TIM = Person(id="tim@acme.example", roles=("treasurer",))
TOM = Person(id="tom@acme.example", roles=("treasurer",))
BOTH = Person(id="both@acme.example", roles=("finance-lead", "treasurer"))
PEOPLE = {person.id: person for person in (LEE, TIM, TOM, BOTH)}
REQUESTER = "ann@acme.example"
OWNER = "owner@acme.example"

REFUND_INPUT: dict[str, Any] = {
    "type": "object",
    "required": ["order_id", "amount", "currency"],
    "properties": {
        "order_id": {"type": "string"},
        "amount": {"type": "number"},
        "currency": {"enum": ["EUR", "USD"]},
        "partial": {"type": "boolean"},
        "items": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "due": {"type": ["string", "null"], "format": "date"},
        "address": {
            "type": "object",
            "required": ["country"],
            "properties": {"country": {"enum": ["DE", "FR"]}, "floor": {"type": "integer"}},
        },
        "note": {"type": "string", "x-policy-hidden": True},
        "anything": {"type": "object"},
    },
}
REFUND = Tool(
    name="payments__refund",
    server="payments",
    description="Sends money back.",
    input=REFUND_INPUT,
    risk=Risk.HIGH,
    groups=("money_movement",),
    amount=Amount(field="amount", currency="currency"),
    facts=Facts(
        code="shop:facts",
        gives={"recipients": {"type": "integer"}, "kind": {"enum": ["new", "old"]}, "score": {"type": "number"}},
    ),
)
LOOK = Tool(
    name="payments__look-up",
    server="payments",
    description="Finds an order.",
    input={"type": "object", "required": ["order_id"], "properties": {"order_id": {"type": "string"}}},
    effect="read",
    risk=Risk.LOW,
)
ERASE = Tool(
    name="payments__erase", server="payments", description="Erases a customer.", input={"type": "object"}, risk=Risk.LOW
)
TOOLS = (REFUND, LOOK, ERASE)
AUTONOMY: list[dict[str, Any]] = [
    {"when": "amount <= 50 and currency == 'EUR'", "level": "autonomous", "because": "small refunds"},
    {"when": "amount <= 500 and not partial", "level": "human-in-the-loop", "by": ["finance-lead"]},
    {"when": "amount <= 5000", "level": "human-in-the-loop", "by": ["treasurer"], "count": 2},
    {"level": "human-led", "by": ["treasurer"]},
]
ORG = """
// What the platform team forbids.
@id("org/money-ceiling") @because("above 1,000.00 a person decides; an unknown amount counts as above")
forbid (principal is Fleet::Agent, action in Fleet::Action::"money_movement", resource)
when { context.session.autonomy == Fleet::Autonomy::"autonomous" }
unless {
  context.facts has amount_minor && context.facts.amount_minor <= 100000 &&
  context.facts has spent_today_minor && context.facts.spent_today_minor <= 500000
};

@id("org/separation-of-duties") @because("not the agent's owner, and approved in the last hour")
forbid (principal is Fleet::Agent, action, resource)
when { context.session.autonomy == Fleet::Autonomy::"approved" }
unless {
  context.session has approval && !context.session.approval.by.contains(principal.owner) &&
  context.system.now.durationSince(context.session.approval.at) <= duration("1h")
};
"""
MODELS = {"cloud-model": True, "edge-model": False}


def contract(**changes: Any) -> Contract:
    """Returns the refund agent's contract; `changes` replace parts of its front matter."""
    terms = {
        "agent": "refund-agent",
        "version": "3.0.0",
        "purpose": "Refunds.",
        "owner": OWNER,
        "experts": ("expert@acme.example",),
        "unit": "care",
        "class": "user-facing",
        "input": {"type": "object"},
        "output": {"type": "object"},
        "tools": [{"use": REFUND.name, "autonomy": AUTONOMY}, {"use": LOOK.name}],
        "approvers": ("finance-lead",),
        "models": {"max_tokens": 8000, "privacy": "internal"},
        "handoffs": ("fraud-agent",),
        **changes,
    }
    front = FrontMatter.model_validate(terms)
    lines = {"tools[0].use": 13, "tools[0].autonomy[0].when": 14, "tools[0].autonomy[1].when": 15, "models": 20}
    path = f"agents/{front.agent}.agent.md"
    return Contract(terms=front, instructions="", digest=digest_of(str(terms)), path=path, lines=lines)


def fleet(org: str = ORG, *contracts: Contract, tools: tuple[Tool, ...] = TOOLS) -> Fleet:
    """Returns a fleet of the contracts (the refund agent's, when none is given) and the fraud agent's."""
    named = contracts or (contract(),)
    others = (contract(agent="fraud-agent", tools=[], handoffs=()),)
    return Fleet(
        folder="acme",
        contracts={each.name: each for each in (*others, *named)},
        servers={"payments": Server(name="payments", python="shop:connect", tools=tools)},
        people=PEOPLE,
        policies=(OrgPolicy(path="policies/org.cedar", text=org),) if org else (),
    )


def bundle(org: str = ORG, **changes: Any) -> Bundle:
    """Returns the refund agent's bundle."""
    own = contract(**changes)
    return Policy(MODELS).bundle(fleet(org, own), own)


def refund(amount: float | Decimal | None = 49.99, **changes: Any) -> Question:
    """Returns a question about a refund; `changes` replace fields of the question."""
    arguments: Mapping[str, Any] = {"order_id": "o-1", "amount": amount, "currency": "EUR", "partial": False}
    question = Question(
        kind="tool",
        name=REFUND.name,
        arguments=arguments,
        facts={},
        digest=DIGEST,
        now=NOW,
        on_behalf_of=REQUESTER,
        hops=0,
        intent="refund",
        subject="inside",
        confidence=None,
        spent_today=0,
        amount=None if amount is None else int(amount * 1_000_000),
    )
    return replace(question, **changes)


def approved(*people: Person, digest: str = DIGEST, at: int = NOW) -> ApprovalGiven:
    """Returns the approval of `people`."""
    return ApprovalGiven(tuple(Vote(person.id, person.roles) for person in people), digest, at)
