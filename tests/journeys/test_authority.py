"""`remit authority diff`: what a new contract text lets an agent do."""

import shutil
from pathlib import Path

from tests.journeys.command_line import Command


def test_a_raised_limit_is_told_as_a_widening(remit: Command, refunds: Path) -> None:
    old = refunds / "agents" / "refund-desk.agent.md"
    new = shutil.copytree(refunds, refunds.with_name("next")) / "agents" / "refund-desk.agent.md"
    new.write_text(old.read_text(encoding="utf-8").replace('amount <= 50"', 'amount <= 80"'), encoding="utf-8")
    ended = remit("authority", "diff", old, new, "--json")
    assert ended.code == 1
    assert [change["field"] for change in ended.value if change["widens"]]
    assert "80" in str(ended.value)


def test_the_same_text_changes_nothing(remit: Command, refunds: Path) -> None:
    contract = refunds / "agents" / "refund-desk.agent.md"
    assert remit("authority", "diff", contract, contract).code == 0


def test_a_contract_that_is_not_there_is_named(remit: Command, refunds: Path) -> None:
    ended = remit("authority", "diff", refunds / "nowhere.agent.md", refunds / "nowhere.agent.md")
    assert ended.code == 2
    assert "nowhere.agent.md" in ended.err
