"""A small sound fleet on disk; tests spoil one thing and look what is said."""

from pathlib import Path

from remit.contracts import Contract, Fleet, check_fleet, read_fleet

REFUND_DESK = """\
---
agent: refund-desk
version: 1.4.0
purpose: Resolve refund requests for delivered orders.
owner: ina@acme.example
experts: [ute@acme.example]
unit: customer-care
class: user-facing
triggers:
  - on: event
    name: ticket.created
    when: category == 'refund'
  - {on: handoff, from: triage}
input: {$ref: schemas/ticket.json}
output: {$ref: schemas/resolution.json}
success: resolved and decision != 'explain'
subjects: {order: order_id}
tools:
  - use: shop__get_order
  - use: shop__issue_refund
    autonomy:
      - {when: "amount <= 50", level: autonomous, because: small and reversible}
      - {when: "amount <= 500 and facts.owner", level: human-in-the-loop, by: care-lead}
      - {level: human-led}
    gate: {before: refund_matches_order}
approvers: [care-lead]
never: [shop__delete_customer]
limits: {steps: 30, cost_per_run: 0.40 EUR, cost_per_day: 200 EUR}
escalate:
  - {when: "confidence < 0.7", to: care-lead}
evaluation: {cases: cases/refund-desk.yaml}
---
# Refund desk
You resolve refund requests.

## Steps
1. `shop__get_order` — find the order.
2. model — decide and say why.
3. `shop__issue_refund` if `decision == 'refund'` with `amount = steps.2.amount`,
   `reason = input.category` — at most once per order.

## Edge cases
| id | when | then | case |
|---|---|---|---|
| e1 | order already refunded | explain | cases/refund-desk.yaml#already-refunded |
"""

TRIAGE = """\
---
agent: triage
version: 0.1.0
purpose: Find out what a message is about.
owner: ina@acme.example
experts: [ute@acme.example]
unit: customer-care
class: user-facing
triggers:
  - {on: event, name: ticket.created, when: "category == 'other'"}
input: {$ref: schemas/ticket.json}
output: {$ref: schemas/ticket.json}
handoffs: [refund-desk]
---
Read the message.
"""

SHOP = """\
server: shop
python: shop.server:connect
owner: ina@acme.example
gates: {refund_matches_order: "shop.gates:matches"}
tools:
  get_order:
    description: Finds an order.
    input: {type: object, properties: {order_id: {type: string}}, required: [order_id]}
    output: {type: object, properties: {status: {enum: [pending, delivered]}, customer_id: {type: string}}}
    effect: read
    risk: low
    binds: {customer: customer_id}
  issue_refund:
    description: Pays money back.
    input:
      type: object
      properties: {order_id: {type: string}, amount: {type: number}, reason: {type: string}}
      required: [order_id, amount, reason]
    risk: high
    rate: 60 per minute
    price: 0.001 EUR
    amount: {field: amount, currency: EUR}
    facts: {code: "shop.facts:refund", gives: {owner: {type: boolean}}}
    subjects: {order: order_id}
    locks: [order_id]
  delete_customer:
    description: Deletes a customer.
    input: {type: object, properties: {customer_id: {type: string}}}
    risk: critical
"""

FILES = {
    "agents/refund-desk.agent.md": REFUND_DESK,
    "agents/triage.agent.md": TRIAGE,
    "tools/shop.yaml": SHOP,
    "people.yaml": """\
people:
  - {id: ina@acme.example, name: Ina, roles: [care-lead]}
  - {id: ute@acme.example, name: Ute, roles: [treasurer]}
""",
    "policies/org.cedar": "forbid (principal, action, resource);\n",
    "schemas/ticket.json": """\
{"$id": "https://acme.example/ticket.json", "type": "object", "required": ["category", "order_id"],
 "properties": {"category": {"enum": ["refund", "other"]}, "order_id": {"type": "string"},
                "customer": {"$ref": "parts/customer.json"}}}
""",
    "schemas/parts/customer.json": """\
{"type": "object", "properties": {"name": {"$ref": "#/$defs/name"}, "born": {"type": "string", "format": "date"}},
 "$defs": {"name": {"type": "string", "x-subject": "customer"}}}
""",
    "schemas/resolution.json": """\
{"type": "object", "required": ["resolved"],
 "properties": {"resolved": {"type": "boolean"}, "decision": {"enum": ["refund", "explain"]},
                "amount": {"type": "number"}}}
""",
    "cases/refund-desk.yaml": "cases:\n  - name: already-refunded\n    inputs: {}\n",
}


class Folder:
    """A fleet's folder that tests write to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, content: str | bytes) -> "Folder":
        """Puts a file there."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return self

    def edit(self, name: str, *pairs: tuple[str, str]) -> "Folder":
        """Replaces texts in a file; each must be there."""
        text = (self.path / name).read_text(encoding="utf-8")
        for old, new in pairs:
            assert old in text, old
            text = text.replace(old, new, 1)
        return self.write(name, text)

    def fleet(self) -> Fleet:
        """Reads it, which must go well."""
        fleet, findings = read_fleet(self.path)
        assert findings == []
        return fleet

    def contract(self, name: str = "refund-desk") -> Contract:
        """Reads one contract, which must go well."""
        return self.fleet().contracts[name]

    def findings(self) -> list[str]:
        """Returns everything that is wrong, as people read it."""
        fleet, findings = read_fleet(self.path)
        return [str(finding) for finding in (*findings, *check_fleet(fleet))]
