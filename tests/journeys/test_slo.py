"""What an agent promises: written into its contract, counted, told, and in the way of a promotion once it is broken."""

from pathlib import Path

from journeys.command_line import Command

FAILS = '{"order_id": "R-1", "message": "Please refund 41.00 of my order R-1."}'
PLATFORM = "  - {id: pia@shop.example, name: Pia Platform, roles: [platform]}\n"


def test_a_promise_is_kept_track_of_and_its_breach_freezes_the_next_version(remit: Command, refunds: Path) -> None:
    fleet = ("--fleet", refunds)
    assert "No agent promises anything" in remit("slo", *fleet).out
    assert remit("slo", *fleet, "--json").value == []
    unpromised = remit("slo", "refund-desk", *fleet)
    assert (unpromised.code, "The agent has no slo 'refund-desk'" in unpromised.err) == (2, True)

    contract = refunds / "agents" / "refund-desk.agent.md"
    text = contract.read_text(encoding="utf-8").replace("version: 1.0.0", "version: 1.1.0")
    contract.write_text(text.replace("evaluation:", "slo: {success: 100 %}\nevaluation:"), encoding="utf-8")
    assert "100 % leaves no error budget" in remit("check", refunds).out
    promised = text.replace("evaluation:", "slo: {success: 90 %, minutes: 30, in_time: 95 %}\nevaluation:")
    contract.write_text(promised, encoding="utf-8")
    assert remit("check", refunds).code == 0

    remit("run", "refund-desk", *fleet, "--input", FAILS)
    told = " ".join(remit("slo", *fleet).out.split())
    assert "refund-desk tasks that succeed: 90 % too few to say 28 1 1 0.1 1000%" in told
    for _ in range(5):
        remit("run", "refund-desk", *fleet, "--input", FAILS)
    told = " ".join(remit("slo", "refund-desk", *fleet).out.split())
    assert "tasks that succeed: 90 % exhausted 28 6 6 0.6 1000%" in told
    assert "refund-desk@1.1.0 promises: 90 % of tasks succeed, 95 % end within 30 min, over 28 days" in told
    assert "tasks that succeed 3 d 6 6 10.0" in told
    assert "6 of 6 tasks used recorded or simulated models: no quality may be claimed from this." in told
    value = remit("slo", "refund-desk", *fleet, "--json").value
    assert (value["state"], [one["name"] for one in value["objectives"]]) == ("exhausted", ["success", "in_time"])
    assert "error budget of refund-desk is used up" in " ".join(remit("doctor", *fleet).out.split())

    with (refunds / "people.yaml").open("a", encoding="utf-8") as people:
        people.write(PLATFORM)
    contract.write_text(promised.replace("version: 1.1.0", "version: 1.2.0"), encoding="utf-8")
    promote = ("promote", "refund-desk", "1.2.0", *fleet, "--as", "pia@shop.example")
    refused = remit(*promote)
    assert (refused.code, "no version of it is approved without a reason" in refused.err) == (1, True)
    assert "6 of 6 tasks of 28 days did not succeed; at 90 %, 0.6 may" in refused.err
    approved = remit(*promote, "--because", "it mends what fails")
    assert (approved.code, "approved" in approved.out) == (0, True)
