"""What people see: plain values for tables, pages and `--json`; nothing here changes anything."""

from collections.abc import Mapping
from typing import Any

from remit.approvals import Approval
from remit.audit import Log, LogEntry
from remit.contracts import Fleet, Level
from remit.core import NotFoundError, format_micros, iso
from remit.gateway import Check, Parts
from remit.journal import Run, RunState, StepRow, StepState, Task
from remit.policy import Note, authority

# Hex digits that tell two contents of one question apart.
FINGERPRINT = 12
# The last moment of the year 9999; what is later means never.
LATEST = 253_402_300_799_000_000


class Views:
    """Reads across the services."""

    def __init__(self, *, parts: Parts, log: Log, fleet: Fleet) -> None:
        self._parts = parts
        self._log = log
        self._fleet = fleet

    def agents(self) -> list[dict[str, Any]]:
        """Returns every version with where it stands."""
        return [
            {
                "agent": v.agent,
                "version": v.version,
                "unit": v.unit,
                "owner": v.owner,
                "lifecycle": v.lifecycle.value,
                "release": v.state.value,
                "approved_by": v.approved_by or "",
                "seen": iso(v.seen_at) if v.seen_at else "",
                "digest": v.release,
            }
            for v in self._parts.registry.versions()
        ]

    def authority(self, agent: str) -> list[dict[str, Any]]:
        """Returns an agent's authority table: tool or hand-off, condition, level, who answers."""
        contract = self._fleet.contracts.get(agent)
        if contract is None:
            known = ", ".join(sorted(self._fleet.contracts))
            raise NotFoundError("No such agent", which=agent, why=f"the fleet has: {known}")
        tools = [
            {
                "tool": row.tool,
                "when": row.when or "always",
                "level": row.level.value,
                "by": "" if row.level is Level.AUTONOMOUS else ", ".join(row.by),
                "count": row.count,
                "because": row.because,
                "source": row.source,
            }
            for row in authority(contract, self._fleet.tools)
        ]
        place = f"{contract.path}:{contract.lines.get('handoffs', 0)}"
        return [*tools, *(_handoff_row(taker, place) for taker in contract.terms.handoffs)]

    def runs(self, *, state: str = "", limit: int = 100) -> list[dict[str, Any]]:
        """Returns the newest runs."""
        return [self._run(run) for run in self._parts.journal.runs(state=state, limit=limit)]

    def run(self, identifier: str) -> dict[str, Any]:
        """Returns one run as a trajectory: every step with its decision and reason."""
        run = self._parts.journal.run(identifier)
        rows = self._parts.journal.steps(run.id)
        words = {row.decision: self._words(row) for row in rows if row.state is StepState.DENIED}
        denied = [entry for entry in self._log.entries(run.id) if entry.fields.get("verdict") == "deny"]
        refused = [_refusal(entry, words.get(entry.ref, "")) for entry in denied]
        steps = [self._step(row) for row in rows]
        return {**self._run(run), **self._course(run), "steps": steps, "refusals": refused}

    def _course(self, run: Run) -> dict[str, Any]:
        """Returns where a run comes from, whom it handed work to, and what it waits for."""
        children = self._parts.journal.children(run.id)
        return {
            "reason": run.reason,
            "parent": run.parent_run or "",
            "hops": run.hops,
            "forked_at": run.forked_at,
            "effects": run.effects,
            "waits_for": run.waits_for,
            "goes_on": iso(run.ready_at) if run.ready_at and run.ready_at < LATEST else "",
            "children": [
                {"run": each.id, "agent": each.agent, "state": each.state.value, "forked_at": each.forked_at}
                for each in children
            ],
        }

    def _words(self, row: StepRow) -> str:
        """Returns what a gate or a person said about a refusal; the log has only the digest of it."""
        try:
            return str(self._parts.journal.content(row.result)["denied"]["words"])
        except NotFoundError:
            return "erased"

    def _run(self, run: Run) -> dict[str, Any]:
        task = self._parts.journal.task(run.task)
        cost = sum(charge.amount for charge in self._parts.ledger.charges(run.id))
        return {
            "run": run.id,
            "task": run.task,
            "agent": f"{run.agent}@{run.version}",
            "state": run.state.value,
            "outcome": _outcome(run, task),
            "on_behalf_of": task.on_behalf_of,
            "attempts": run.attempt,
            "cost": self._money(cost),
            "created": iso(run.created_at),
            "ended": iso(run.ended_at) if run.ended_at else "",
        }

    def _step(self, step: StepRow) -> dict[str, Any]:
        return {
            "step": step.step,
            "kind": step.kind,
            "name": step.name,
            "state": step.state.value,
            "decision": step.decision,
            "approval": step.approval,
            "error": step.is_error,
            "refused_at": Check(step.refused_at).name.lower() if step.refused_at else "",
            "cost": self._money(step.cost),
        }

    def approvals(self, *, state: str = "pending") -> list[dict[str, Any]]:
        """Returns questions to people, newest first."""
        return [self.approval(approval) for approval in self._parts.approvals.listing(state=state)]

    def approval(self, approval: Approval) -> dict[str, Any]:
        """Returns one question with what is proposed."""
        try:
            proposed = self._parts.journal.content(approval.proposed)
        except NotFoundError:
            proposed = "erased"
        return {
            "approval": approval.id,
            "kind": approval.kind,
            "state": approval.state.value,
            "agent": f"{approval.agent}@{approval.version}",
            "run": approval.run,
            "what": approval.name,
            "proposed": proposed.get("arguments", proposed) if isinstance(proposed, Mapping) else proposed,  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            "fingerprint": approval.digest.partition(":")[2][:FINGERPRINT],
            "because": approval.because,
            "roles": ", ".join(approval.roles),
            "on_behalf_of": approval.on_behalf_of,
            "asked": iso(approval.asked_at),
        }

    def explain(self, decision: str) -> dict[str, Any]:
        """Returns why a decision came out as it did: the record, and each rule that counted, in words and with its place."""
        entry = self._find_decision(decision)
        run = self._parts.journal.find_run(str(entry.fields.get("run", "")))
        release = self._parts.releases.get(run.release) if run else None
        told = {**entry.fields, "at": iso(entry.at), "log_index": entry.index}
        rungs: Any = entry.fields.get("rungs", [])
        told["rungs"] = [
            {**rung, "policies": [_told(release.bundle.notes.get(p) if release else None, p) for p in rung["policies"]]}
            for rung in rungs
        ]
        return {**told, "considered": self._considered(str(entry.fields.get("question", "")))}

    def _considered(self, question: str) -> Any:
        """Returns what policy was told besides the arguments, as far as it is still here."""
        try:
            return self._parts.journal.content(question) if question else {}
        except NotFoundError:
            return "erased"

    def _find_decision(self, decision: str) -> LogEntry:
        entry = self._log.entry_by_ref(decision)
        if entry is None or entry.kind != "decision":
            raise NotFoundError(
                "No such decision", which=decision, hint="`remit show RUN` lists the decisions of a run"
            )
        return entry

    def costs(self) -> list[dict[str, Any]]:
        """Returns what was spent, by agent, unit, kind and source."""
        return [
            {
                "agent": row["agent"],
                "unit": row["unit"],
                "kind": row["kind"],
                "source": row["source"],
                "calls": row["calls"],
                "input_tokens": row["input_tokens"],
                "output_tokens": row["output_tokens"],
                "amount": self._money(row["amount"]),
                "priced": bool(row["priced"]),
            }
            for row in self._parts.ledger.spending()
        ]

    def switches(self) -> list[dict[str, Any]]:
        """Returns every switch ever used."""
        return [
            {"scope": s.scope, "stopped": s.stopped, "because": s.because, "by": s.by, "at": iso(s.at)}
            for s in self._parts.controls.switches()
        ]

    def _money(self, micros: int) -> str:
        return format_micros(micros, self._parts.settings.currency)


def _outcome(run: Run, task: Task) -> str:
    """Returns the task's outcome at the run that carries it; a taker, a look ahead and a cancelled run have none."""
    carries = not run.is_child and run.effects and run.state is not RunState.CANCELLED
    return task.outcome if carries else ""


def _handoff_row(taker: str, place: str) -> dict[str, Any]:
    return {
        "tool": f"handoff {taker}",
        "when": "always",
        "level": Level.AUTONOMOUS.value,
        "by": "",
        "count": 1,
        "because": "work it hands over, not authority: the taker acts under its own contract",
        "source": place,
    }


def _refusal(entry: LogEntry, words: str) -> dict[str, Any]:
    step = Check(int(str(entry.fields["refused_at"]))).name.lower()
    action: Any = entry.fields["action"]
    return {
        "decision": entry.ref,
        "name": action["name"],
        "step": action["step"],
        "refused_at": step,
        "reason": f"{entry.fields['reason']}: {words}" if words else entry.fields["reason"],
    }


def _told(note: Note | None, policy: str) -> dict[str, str]:
    if note is None:
        return {"policy": policy}
    return {"policy": policy, "effect": note.effect, "because": note.because, "source": note.source}
