"""A fleet of one agent that adds two numbers, its only tool behind an MCP server."""

import json
from pathlib import Path

CONTRACT = """\
---
agent: adder
version: 1.0.0
purpose: Add two numbers.
owner: olga.owner@shop.example
experts: [emil.expert@shop.example]
unit: back-office
class: internal
triggers: [{on: task}]
input: {$ref: schemas/numbers.json}
output: {type: object, properties: {sum: {type: integer}}, required: [sum]}
success: sum > 0
tools:
  - use: calculator__add
approvers: [care-lead]
limits: {steps: 5, minutes: 2}
evaluation: {cases: cases/adder.yaml}
---
You add.

## Steps
1. `calculator__add` — add them.
"""
NUMBERS = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
    "additionalProperties": False,
}
PEOPLE = """\
people:
  - {id: olga.owner@shop.example, name: Olga Owner, roles: [care-lead]}
  - {id: emil.expert@shop.example, name: Emil Expert, roles: []}
"""


def write_adder(folder: Path, tools: str, contract: str = CONTRACT) -> Path:
    """Writes the fleet with the tools file `tools/calculator.yaml`."""
    for name, text in {
        "remit.toml": 'releases = "on-load"\n',
        "agents/adder.agent.md": contract,
        "schemas/numbers.json": json.dumps(NUMBERS),
        "tools/calculator.yaml": tools,
        "people.yaml": PEOPLE,
        "cases/adder.yaml": "cases: []\n",
    }.items():
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder
