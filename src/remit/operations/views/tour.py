"""The view of a demo's tour: of everything Remit promises, the newest example this cell has, and whether it has happened."""

from collections.abc import Mapping
from typing import Any

from remit.audit import LogEntry
from remit.gateway import Check
from remit.guardrails import Label
from remit.journal import RunState
from remit.operations.actors import view
from remit.operations.permissions import Permission
from remit.operations.practice import KILL
from remit.operations.record import VERIFIED
from remit.operations.views.evidence import LogHead, LogViews
from remit.operations.views.model import Shown, Viewing, moment
from remit.operations.views.overview import OverviewViews, ProcessShown
from remit.operations.views.questions import ApprovalRow, QuestionViews
from remit.operations.views.switches import SwitchRow, SwitchViews
from remit.store import Row, load_queries

_Q = load_queries("remit.operations.views")
# Of what was refused or lost, so many of the newest are looked at; a page must not read the whole history.
MOST_LOOKED_AT = 30
# Of what people are asked, so many of the soonest to expire.
MOST_ASKED = 100
# Of a text that somebody wrote, as it stands beside what came of it.
LONGEST_SAID = 700
# The policy by which a write touches what is of its task and nothing else.
_SUBJECTS = "remit/subjects"
# What tells of an order in a text, the surest first. A model that is wrong by itself does the later ones, too.
_SIGNS = ("labelled", "ungranted", "outside")


class OwnAnswer(Shown):
    """An answer that whoever looks gave."""

    approval: str
    answer: str
    at: str


class AskingStation(Shown):
    """What a person is asked, the riskiest first."""

    happened: bool
    """Whether whoever looks has answered something."""
    next: ApprovalRow | None
    answered: OwnAnswer | None


class RefusalShown(Shown):
    """One action that was refused, or whose result was, with what led to it."""

    run: str
    step: int
    task: str
    agent: str
    what: str
    at: str
    reason: str
    decision: str
    log_index: int | None
    content: bool
    said: str
    """What the task was given in words; empty where it has none, or where your role does not see it."""
    asked: Any
    """The arguments the agent asked for."""
    words: str
    """What the gate found at the source."""
    after: bool
    """Whether it was done, and its result refused; else it was not done."""
    sign: str
    """What tells that a text may have tried it: `labelled` (a text of the task was recognised as words addressed to the
    model), `ungranted` (a tool that the contract does not grant), `outside` (something that is not the task's, and that
    its text names); empty where nothing does."""


class RefusalStation(Shown):
    """The newest of some refusals."""

    happened: bool
    latest: RefusalShown | None


class StopStation(Shown):
    """A switch pulled, and reset."""

    happened: bool
    """Whether one was pulled and let go again."""
    scope: str
    """What could be stopped now; empty while no agent has worked."""
    pulled: SwitchRow | None
    """The newest switch in force."""
    reset: SwitchRow | None
    """The newest that was let go again."""
    waiting: int
    """Runs that wait for a switch."""
    log_index: int | None


class TakenOver(Shown):
    """A run whose process died while it drove it."""

    run: str
    agent: str
    state: str
    lost: int
    """The number of the attempt that died."""
    tries: int
    at: str
    """When another process took it over."""


class KillStation(Shown):
    """A process killed, and its runs taken over."""

    happened: bool
    """Whether a run was taken over and has ended."""
    processes: tuple[ProcessShown, ...]
    killed: str
    """When somebody killed the worker from here; empty when nobody did."""
    log_index: int | None
    taken_over: tuple[TakenOver, ...]


class ProofStation(Shown):
    """The log, and one entry of it worth proving."""

    happened: bool
    """Whether the whole log was verified, and held."""
    head: LogHead
    entry: int | None
    verified: str
    verified_by: str
    log_index: int | None


class Tour(Shown):
    """Six things to see, with what there is of each right now."""

    asking: AskingStation
    injection: RefusalStation
    claim: RefusalStation
    stop: StopStation
    kill: KillStation
    proof: ProofStation

    @property
    def seen(self) -> int:
        """How many of them have happened."""
        stations = (self.asking, self.injection, self.claim, self.stop, self.kill, self.proof)
        return sum(station.happened for station in stations)


class TourViews(Viewing):
    """Looks for the newest example of everything."""

    @view(Permission.FLEET_RUNS_READ)
    def get(self) -> Tour:
        """Returns what there is to see."""
        with self._source.database.snapshot():  # what was just refused has its entry in the log
            return self._shown()

    def _shown(self) -> Tour:
        injection, claim = self._injection(), self._claim()
        return Tour(
            asking=self._asking(),
            injection=RefusalStation(happened=injection is not None and bool(injection.sign), latest=injection),
            claim=RefusalStation(happened=claim is not None, latest=claim),
            stop=self._stop(),
            kill=self._kill(),
            proof=self._proof(injection or claim),
        )

    def _asking(self) -> AskingStation:
        riskiest = QuestionViews(self._source).riskiest(among=MOST_ASKED)
        rows = self._read("votes_of", person=self.actor.id, limit=1)
        answered = [OwnAnswer(approval=row["approval"], answer=row["answer"], at=moment(row["at"])) for row in rows]
        return AskingStation(
            happened=bool(answered),
            next=riskiest,
            answered=answered[0] if answered else None,
        )

    # --- refusals

    def _injection(self) -> RefusalShown | None:
        """Returns the newest refusal with the surest sign that a text tried it; else the newest one by policy.

        What was read and what was refused are both on the record; that the one led to the other is for people to judge.
        """
        refused = [row for check in (Check.INPUT, Check.AUTHORITY, Check.GUARDRAILS) for row in self._denied(check)]
        refused.sort(key=lambda row: row["ended_at"], reverse=True)
        signed = [(sign, row) for row in refused if (sign := self._sign(row))]
        surest = min(signed, key=lambda each: _SIGNS.index(each[0]), default=("", None))[1]
        found = surest or next((row for row in refused if row["refused_at"] == Check.AUTHORITY), None)
        return self._refusal(found) if found else None

    def _sign(self, row: Row) -> str:
        """Returns what tells that a text may have tried what was refused."""
        if row["labelled"]:
            return "labelled"
        contract = self._source.fleet.contracts.get(row["agent"])
        if contract is not None and contract.tool_use(row["name"]) is None:
            return "ungranted"
        if row["refused_at"] != Check.AUTHORITY:
            return ""
        entry = self._source.log.entry_by_ref(row["decision"])
        rungs: Any = entry.fields.get("rungs", ()) if entry else ()
        is_outside = any(_SUBJECTS in rung["policies"] for rung in rungs)
        return "outside" if is_outside and self._names(row) else ""

    def _names(self, row: Row) -> bool:
        """Whether a text of the task names what the agent asked for; a value without a digit is any word."""
        kept: Any = self._source.content(row["judged"] or row["asked"])
        given: Any = self._source.content(self._parts.journal.task(row["task"]).input)
        asked: Mapping[str, Any] = {} if kept is None or isinstance(kept, str) else kept.get("arguments") or {}
        said = "\n".join(_texts(given))
        return any(value in said for value in _texts(asked) if any(map(str.isdigit, value)))

    def _claim(self) -> RefusalShown | None:
        """Returns the newest claim that a gate did not find true: before it was acted on, or after."""
        before = next((row for row in self._denied(Check.GUARDRAILS) if self._told(row)["words"]), None)
        after = next((row for row in self._read("steps_failed", limit=MOST_LOOKED_AT) if _failed_gate(row)), None)
        found = max(filter(None, (before, after)), key=lambda row: row["ended_at"], default=None)
        return self._refusal(found) if found else None

    def _denied(self, check: Check) -> list[Row]:
        label = Label.UNTRUSTED.value
        return self._read("steps_denied", check=int(check), label=label, limit=MOST_LOOKED_AT)

    def _told(self, row: Row) -> Mapping[str, Any]:
        """Returns a refusal as the agent heard it."""
        result: Any = self._source.content(row["result"])
        if isinstance(result, str):  # it was erased
            return {"reason": result, "words": ""}
        if row["refused_at"]:
            return result["denied"]
        return {"reason": "the result failed its gate", "words": result["value"]["error"]}

    def _refusal(self, row: Row) -> RefusalShown:
        content = self._source.shows_content(row["agent"], row["version"])
        told = self._told(row)
        kept: Any = self._source.content(row["judged"] or row["asked"]) if content else None
        asked: Mapping[str, Any] = {} if kept is None or isinstance(kept, str) else kept
        entry = self._source.log.entry_by_ref(row["decision"])
        return RefusalShown(
            run=row["run"],
            step=row["step"],
            task=row["task"],
            agent=f"{row['agent']}@{row['version']}",
            # The name of what no tool is called may be anybody's words: a step has its digest only.
            what=asked.get("name", row["name"]),
            at=moment(row["ended_at"]),
            reason=told["reason"],
            decision=row["decision"],
            log_index=entry.index if entry else None,
            content=content,
            said=self._said(row["task"]) if content else "",
            asked=asked.get("arguments"),
            words=told["words"] if content else "",
            after=not row["refused_at"],
            sign=self._sign(row),
        )

    def _said(self, task: str) -> str:
        """Returns the longest text a task was given: of a ticket, that is what its sender wrote."""
        given: Any = self._source.content(self._parts.journal.task(task).input)
        values: list[Any] = [given] if isinstance(given, str) else list(given.values())
        said = " ".join(max((value for value in values if isinstance(value, str)), key=len, default="").split())
        return said if len(said) <= LONGEST_SAID else f"{said[:LONGEST_SAID]}…"

    # --- stopping, killing, proving

    def _stop(self) -> StopStation:
        switches = SwitchViews(self._source).listing()
        pulled = max((row for row in switches if row.stopped), key=lambda row: row.at, default=None)
        reset = max((row for row in switches if not row.stopped), key=lambda row: row.at, default=None)
        shown = pulled or reset
        entry = self._newest("switch", shown.scope) if shown else None
        return StopStation(
            happened=reset is not None,
            scope=self._longest_at_work(),
            pulled=pulled,
            reset=reset,
            waiting=self._read("runs_stopped")[0]["count"],
            log_index=entry.index if entry else None,
        )

    def _longest_at_work(self) -> str:
        """Returns the scope of the agent whose first run is the oldest.

        Whoever has the most to do changes while somebody looks at the button; this one stays as long as it is live.
        """
        rows = self._read("agent_longest_at_work")
        return f"agent:{rows[0]['agent']}" if rows else ""

    def _kill(self) -> KillStation:
        taken = tuple(_taken_over(row) for row in self._read("attempts_lost", limit=MOST_LOOKED_AT))
        entry = self._newest("practice", KILL)
        return KillStation(
            happened=any(one.state in (RunState.DONE, RunState.FAILED) for one in taken),
            processes=tuple(one for one in OverviewViews(self._source).processes() if one.at_work),
            killed=moment(entry.at) if entry else "",
            log_index=entry.index if entry else None,
            taken_over=taken,
        )

    def _proof(self, worth: RefusalShown | None) -> ProofStation:
        head = LogViews(self._source).head()
        chosen = worth.log_index if worth else None
        if chosen is None or chosen >= head.signed:
            chosen = head.signed - 1 if head.signed else None
        entry = self._newest("log.verified", VERIFIED)
        return ProofStation(
            happened=entry is not None,
            head=head,
            entry=chosen,
            verified=moment(entry.at) if entry else "",
            verified_by=str(entry.fields["by"]) if entry else "",
            log_index=entry.index if entry else None,
        )

    # --- reading

    def _newest(self, kind: str, ref: str) -> LogEntry | None:
        """Returns the newest entry of a kind that refers to something."""
        rows = self._read("log_of_ref", kind=kind, ref=ref, before=self._source.log.size(), limit=1)
        return LogEntry.read(rows[0]["body"], rows[0]["ref"]) if rows else None

    def _read(self, name: str, **parameters: Any) -> list[Row]:
        return self._source.database.read(_Q[name], parameters)


def _texts(value: str | Mapping[str, Any]) -> list[str]:
    """Returns the texts of some input or of arguments."""
    values: list[Any] = [value] if isinstance(value, str) else list(value.values())
    return [each for each in values if isinstance(each, str)]


def _failed_gate(row: Row) -> bool:
    return LogEntry.read(row["body"], row["decision"]).fields.get("gate") == "does not hold"


def _taken_over(row: Row) -> TakenOver:
    return TakenOver(
        run=row["run"],
        agent=f"{row['agent']}@{row['version']}",
        state=row["state"],
        lost=row["number"],
        tries=row["tries"],
        at=moment(row["ended_at"]),
    )
