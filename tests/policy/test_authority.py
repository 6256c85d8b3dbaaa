"""The authority table says what the contract says, with its lines."""

from policy.refund_fleet import LOOK, REFUND, TOOLS, contract
from remit.contracts import Level
from remit.policy import authority

DECLARED = {tool.name: tool for tool in TOOLS}


def test_every_rule_is_a_row_with_who_answers_and_its_place() -> None:
    rows = authority(contract(), DECLARED, [REFUND.name])
    assert [row.level for row in rows] == [
        Level.AUTONOMOUS,
        Level.HUMAN_IN_THE_LOOP,
        Level.HUMAN_IN_THE_LOOP,
        Level.HUMAN_LED,
    ]
    assert [(row.by, row.count) for row in rows] == [
        (("finance-lead",), 1),
        (("finance-lead",), 1),
        (("treasurer",), 2),
        (("treasurer",), 1),
    ]
    assert rows[0].because == "small refunds"
    assert [row.source for row in rows[:2]] == ["agents/refund-agent.agent.md:14", "agents/refund-agent.agent.md:15"]


def test_a_tool_without_rules_has_the_proposed_level() -> None:
    (row,) = authority(contract(), DECLARED, [LOOK.name])
    assert (row.level, row.when, row.because) == (Level.AUTONOMOUS, "", "proposed for a low read")
    assert authority(contract(), {}, [LOOK.name]) == []
