"""Who is at work, and what is left lying: runs nobody takes, steps without outcome, money and locks nobody frees."""

from collections import Counter
from collections.abc import Iterator

from remit.core import MINUTE, SECOND, format_micros, iso, short_id
from remit.journal import Executor, Executors
from remit.operations.doctor.model import Diagnosis, Health, Patient
from remit.store import load_queries

_Q = load_queries("remit.operations.doctor")

# A process at work takes a run within a tenth of a second; behind a backlog it takes longer.
LONG_READY = MINUTE
BACKLOG = 10_000
# A worker that has a run's release takes it within a tenth of a second, one that was left within three heartbeats.
PATIENCE = 5 * SECOND
# No call of ours takes so long.
LONG_DECIDED = 15 * MINUTE
# How long a lock stays taken past its time before somebody should look: whoever wants it may take it by then.
LONG_LOCKED = 10 * MINUTE
# A heartbeat is of the moment it was written at; clocks that ask for the time differ by less.
MOST_AHEAD = 2 * SECOND
SHOWN = 3


def workers(patient: Patient) -> Iterator[Diagnosis]:
    """Who is at work is told, and their clocks agree with ours."""
    executors, now = _executors(patient), patient.clock.now()
    at_work = set(executors.at_work())
    working = [each for each in executors.listing() if each.id in at_work]
    for each in working:
        if each.seen_at > now + MOST_AHEAD:
            yield Diagnosis(
                health=Health.TROUBLE,
                what=f"The clock of {_place(each)} is {(each.seen_at - now) // SECOND} s ahead of this one",
                why="who is alive is told by heartbeats, and budgets of a day by the clock",
                mend="Set both by a time server",
            )
    told = "; ".join(
        f"{_place(each)} drives {each.attempts}, heard of {_ago(now - each.seen_at)} ago" for each in working
    )
    if working:
        yield Diagnosis(health=Health.OK, what=f"{len(working)} at work: {told}")
    else:
        yield Diagnosis(health=Health.OK, what="Nobody is at work")


def backlog(patient: Patient) -> Iterator[Diagnosis]:
    """Whoever is at work keeps up with what can go on."""
    if not _executors(patient).at_work():
        return  # which another check tells
    now = patient.clock.now()
    ready = patient.store.read(_Q["ready_since"], {"now": now})[0]
    waits = now - ready["first"] if ready["first"] is not None else 0
    if waits > LONG_READY or ready["count"] > BACKLOG:
        yield Diagnosis(
            health=Health.WARNING,
            what=f"{ready['count']} runs could go on, the first since {iso(now - waits)}",
            why="there is more work than workers, or those at work are stuck or not of the runs' releases",
            mend="Start more of them; `remit runs` names the runs, the workers' logs say what keeps them",
            command="remit worker",
        )


def loaded_releases(patient: Patient) -> Iterator[Diagnosis]:
    """Whatever can go on, somebody at work has loaded its release."""
    executors, before = _executors(patient), patient.clock.now() - PATIENCE
    at_work, loaded = executors.at_work(), executors.loaded()
    if not at_work or any(each not in loaded for each in at_work):
        return  # nobody is at work, which another check tells; or somebody has not said, who may have it
    known = frozenset[str]().union(*(loaded[each] for each in at_work))
    rows = patient.store.read(_Q["releases_ready"], {"before": before})
    missed = Counter({(f"{row['agent']}@{row['version']}", row["release"]): row["count"] for row in rows})
    missed.update((f"{left.run.agent}@{left.run.version}", left.run.release) for left in executors.left_runs("", ()))
    for (version, release), count in sorted(missed.items()):
        if release not in known:
            yield Diagnosis(
                health=Health.TROUBLE,
                what=f"{count} {'run' if count == 1 else 'runs'} of {version} could go on, and nobody at work has loaded its release",
                why=f"it is {release}; whoever has not loaded it leaves its runs to others",
                mend="Start one more: it loads every version that may act. What keeps one from being loaded, its log says",
                command="remit worker",
            )


def undecided_steps(patient: Patient) -> Iterator[Diagnosis]:
    """Whatever was decided has an outcome."""
    before = patient.clock.now() - LONG_DECIDED
    rows = patient.store.read(_Q["undecided_steps"], {"before": before, "limit": SHOWN})
    for row in rows:
        yield Diagnosis(
            health=Health.WARNING,
            what=f"Step {row['step']} of {short_id(row['run'])}, {row['name']}, was decided at {iso(row['at'])} and has no outcome",
            why="its process died with it; whoever drives the run next finds out, or asks people",
            mend="Have its run driven",
            command="remit runs --drive",
        )


def stranded_holds(patient: Patient) -> Iterator[Diagnosis]:
    """No money is held for what can spend it no more."""
    for row in patient.store.read(_Q["stranded_holds"], {"limit": SHOWN}):
        currency = patient.known_settings().currency
        yield Diagnosis(
            health=Health.WARNING,
            what=f"{format_micros(row['amount'], currency)} are held for step {row['step']} of {short_id(row['run'])}, which is over",
            why="budgets look fuller than they are",
            mend="That is a mistake of Remit's: tell its makers, with `remit show` of the run",
            command=f"remit show {row['run']}",
        )


def stale_locks(patient: Patient) -> Iterator[Diagnosis]:
    """No lock is held past its time."""
    before = patient.clock.now() - LONG_LOCKED
    rows = patient.store.read(_Q["stale_locks"], {"before": before, "limit": SHOWN})
    if rows:
        names = ", ".join(f"{row['resource']} by {row['holder']}" for row in rows)
        yield Diagnosis(
            health=Health.WARNING,
            what=f"{len(rows)} locks or more are held past their time: {names}",
            why="whoever wants one may take it by now, so nothing waits for them",
            mend="Have the runs driven that hold them; they free them when they are over",
            command="remit runs --drive",
        )


def _executors(patient: Patient) -> Executors:
    return Executors(patient.store, patient.clock, seconds=patient.known_settings().limits.executor_seconds)


def _place(executor: Executor) -> str:
    return f"{executor.host.partition('+')[0]}/{executor.pid}"


def _ago(micros: int) -> str:
    return f"{max(micros, 0) / SECOND:.0f} s"
