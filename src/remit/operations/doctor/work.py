"""The work: what waits for a process, what waits for people, what is stopped."""

from collections.abc import Iterator

from remit.approvals import Approval, Approvals, own_role, why_not
from remit.contracts import Person
from remit.core import HOUR, SECOND, iso, short_id
from remit.journal import Executors, Journal
from remit.operations.doctor.model import Diagnosis, Health, Patient
from remit.registry import Registry
from remit.store import load_queries

_Q = load_queries("remit.operations.doctor")

# A process at work takes a run on within a tenth of a second.
PATIENCE = 5 * SECOND
# So long before it expires somebody should know that a question is open.
SOON = HOUR
SHOWN = 3
MOST_QUESTIONS = 10


def ready_runs(patient: Patient) -> Iterator[Diagnosis]:
    """No run waits for a process to drive it."""
    if _executors(patient).at_work():
        return
    journal, before = Journal(patient.store, patient.clock), patient.clock.now() - PATIENCE
    runs = [journal.run(identifier) for identifier in journal.ready_runs()]
    waiting = [run for run in runs if run.is_ready(before)]
    if waiting:
        yield Diagnosis(
            health=Health.TROUBLE,
            what=f"{_counted(len(waiting), 'run')} could go on, and no process drives {_them(len(waiting))}",
            why=f"the first since {iso(waiting[0].ready_at or 0)}; `remit up` is not running here",
            mend="Start `remit up`, which stays at work, or drive them once",
            command="remit runs --drive",
        )


def lost_runs(patient: Patient) -> Iterator[Diagnosis]:
    """No run was left by a process that died."""
    executors = _executors(patient)
    if executors.at_work():
        return  # which takes them over within seconds
    left = executors.left_runs("", ())
    if left:
        names = ", ".join(short_id(each.run.id) for each in left[:SHOWN])
        yield Diagnosis(
            health=Health.TROUBLE,
            what=f"{_counted(len(left), 'run')} broke off with the process that drove {_them(len(left))}",
            why=f"{names} {'is' if len(left) == 1 else 'are'} still marked as running",
            mend="Start `remit up`, which takes them over, or drive them once",
            command="remit runs --drive",
        )


def questions(patient: Patient) -> Iterator[Diagnosis]:
    """Whatever people are asked, somebody may answer, and has the time to."""
    now = patient.clock.now()
    pending = Approvals(patient.store, patient.clock).listing(state="pending")
    registry, people = Registry(patient.store, patient.clock), list(patient.fleet.people.values())
    found: list[Diagnosis] = []
    for asked in reversed(pending):
        version = registry.find(asked.agent, asked.version)
        able = [person.id for person in people if _may_answer(asked, person, version.owner if version else "", now)]
        if asked.expires_at > now:
            found += _question(asked, able, now)
    yield from found[:MOST_QUESTIONS]
    if len(found) > MOST_QUESTIONS:
        yield Diagnosis(
            health=Health.WARNING,
            what=f"{_counted(len(found) - MOST_QUESTIONS, 'question')} more need somebody",
            mend="`remit approvals` lists them",
        )


def _may_answer(asked: Approval, person: Person, owner: str, now: int) -> bool:
    return not why_not(asked, person.id, (*person.roles, own_role(person.id)), owner, now)


def _question(asked: Approval, able: list[str], now: int) -> Iterator[Diagnosis]:
    what = f"{short_id(asked.id)}, {asked.name} of {asked.agent}@{asked.version}"
    if not able:
        yield Diagnosis(
            health=Health.TROUBLE,
            what=f"Nobody may answer {what}",
            why=f"it takes {', '.join(asked.roles)}, and neither {asked.on_behalf_of} nor the agent's owner may",
            mend="Give the role to somebody else in people.yaml, or cancel the run",
            command=f'remit cancel {asked.run} --because "nobody may answer what it asks"',
        )
    elif asked.kind == "stuck":
        yield Diagnosis(
            health=Health.WARNING,
            what=f"The run {short_id(asked.run)} cannot go on by itself: {asked.because}",
            why=f"it waits for one of {', '.join(able)}",
            mend=f"See `remit show {asked.run}`, then answer {asked.id} in `remit approvals`",
            command=f'remit approvals approve {asked.id} --as {able[0]} --because "try it again"',
        )
    elif asked.expires_at < now + SOON:
        yield Diagnosis(
            health=Health.WARNING,
            what=f"{what}, expires at {iso(asked.expires_at)}",
            why=f"it is open since {iso(asked.asked_at)}; one of {', '.join(able)} may answer",
            mend="`remit approvals` shows what is asked; unanswered, it counts as a no",
        )


def stops(patient: Patient) -> Iterator[Diagnosis]:
    """Nothing is stopped."""
    for row in patient.store.read(_Q["stops"]):
        yield Diagnosis(
            health=Health.WARNING,
            what=f"{row['scope']} is stopped",
            why=f"{row['because']} ({row['by']}, {iso(row['at'])})",
            mend=f"When it may go on: `remit resume {row['scope']} --because …`",
        )


def _executors(patient: Patient) -> Executors:
    limits = patient.known_settings().limits
    return Executors(patient.store, patient.clock, seconds=limits.executor_seconds)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _them(number: int) -> str:
    return "it" if number == 1 else "them"
