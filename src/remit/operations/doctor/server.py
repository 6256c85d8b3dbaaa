"""PostgreSQL: whether it is reached, how fast, how full, how safely, and with what rights."""

import statistics
import time
from collections.abc import Iterator

from remit.core import MINUTE, SECOND, RemitError, iso
from remit.operations.doctor.model import Diagnosis, Health, Patient
from remit.store import KNOWS_TRANSACTION_TIMEOUT, load_queries, open_database

_Q = load_queries("remit.operations.doctor")

# The oldest whose statements we use.
OLDEST_VERSION = 140_000
# A decision takes two round trips; at this each takes a tenth of a second.
SLOW_SECONDS = 0.05
LOOKS = 5
# Of the connections there are; when the last one is taken, nobody can look why.
MOST_USED = 0.8
# Budgets, deadlines and heartbeats go by each machine's clock.
MOST_APART = 2 * SECOND
# A sequencer that works has moved an entry within milliseconds.
LONGEST_WAIT = MINUTE
MOST_WAITING = 10_000


def database_server(patient: Patient) -> Iterator[Diagnosis]:
    """The database's server answers, soon, has room, and keeps what it is given."""
    if fault := _why_not(patient):
        yield Diagnosis(health=Health.TROUBLE, what=fault.what, why=fault.why, mend=fault.hint)
        return
    if patient.database.dialect == "postgresql" and patient.unreachable:
        yield Diagnosis(
            health=Health.TROUBLE,
            what=f"{patient.database.place} cannot be reached",
            why=patient.unreachable,
            mend="Start it, let this machine in (pg_hba.conf, firewall), or set another REMIT_DATABASE_URL",
        )
        return
    server = patient.server
    facts = server.read(_Q["server_facts"])[0]
    yield from _new_enough(facts["version"], facts["shown"])
    if facts["is_replica"]:
        yield Diagnosis(
            health=Health.TROUBLE,
            what=f"{server.place} is a replica",
            why="it can be read and not written",
            mend="Name the primary in REMIT_DATABASE_URL, or have it chosen with ?target_session_attrs=read-write",
        )
    yield from _durable(facts["fsync"], facts["full_pages"])
    if facts["used"] > MOST_USED * facts["allowed"]:
        yield Diagnosis(
            health=Health.WARNING,
            what=f"{facts['used']} of {facts['allowed']} connections are taken, {facts['own']} by this cell",
            why="with none left no process can start",
            mend="Lower `readers` in [database] of remit.toml, raise max_connections, or look who has the others",
        )
    if (seconds := _latency(patient)) > SLOW_SECONDS:
        yield Diagnosis(
            health=Health.WARNING,
            what=f"An answer of the database takes {seconds * 1000:.0f} ms",
            why="each decision waits for it twice",
            mend="Run workers beside the database; look for what keeps it busy (pg_stat_activity)",
        )


def _why_not(patient: Patient) -> RemitError | None:
    """Returns why the settings name no database at all."""
    settings = patient.known_settings()
    try:
        open_database(settings.database_url, folder=patient.folder, limits=settings.database, read_only=True).close()
    except RemitError as fault:
        return fault
    return None


def _new_enough(version: int, shown: str) -> Iterator[Diagnosis]:
    if version < OLDEST_VERSION:
        yield Diagnosis(
            health=Health.TROUBLE,
            what=f"PostgreSQL {shown} is too old",
            why="Remit needs 14 or newer",
            mend="Upgrade the server",
        )
    elif version < KNOWS_TRANSACTION_TIMEOUT:
        yield Diagnosis(
            health=Health.WARNING,
            what=f"PostgreSQL {shown} does not end the transaction of a process that was frozen in the middle of one",
            why="until its connection ends, a stop and whoever wants the same rows wait for it",
            mend="Upgrade the server to 17 or newer, or end such a connection with pg_terminate_backend",
        )


def _durable(fsync: str, full_pages: str) -> Iterator[Diagnosis]:
    if "off" in (fsync, full_pages):
        yield Diagnosis(
            health=Health.TROUBLE,
            what="The server does not keep what it has confirmed",
            why=f"fsync is {fsync}, full_page_writes is {full_pages}: a crash loses decisions whose effects have happened",
            mend="Set both to on",
        )


def _latency(patient: Patient) -> float:
    taken: list[float] = []
    for _ in range(LOOKS):
        begun = time.monotonic()
        patient.server.read(_Q["hello"])
        taken.append(time.monotonic() - begun)
    return statistics.median(taken)


def database_tls(patient: Patient) -> Iterator[Diagnosis]:
    """Nobody on the way to the database can read along."""
    facts = patient.server.read(_Q["server_facts"])[0]
    if not facts["tls"] and not facts["is_here"]:
        yield Diagnosis(
            health=Health.TROUBLE,
            what=f"The connection to {patient.server.place} has no TLS",
            why="whoever is on the way reads, and alters, what is decided",
            mend="Add ?sslmode=verify-full&sslrootcert=/PATH/TO/CA to REMIT_DATABASE_URL",
        )


def database_rights(patient: Patient) -> Iterator[Diagnosis]:
    """Remit has the rights it needs in the database, and none to change the log."""
    server, _ = patient.server, patient.store
    rights = server.read(_Q["server_rights"])[0]
    if not rights["works"]:
        yield Diagnosis(
            health=Health.TROUBLE,
            what=f"{rights['name']} may not write the tables Remit works with",
            mend="Make the roles as the tables' owner, and make it a member of those that decide and that move the log",
            command="remit database roles --apply",
        )
    elif rights["super"] or rights["changes_log"]:
        yield Diagnosis(
            health=Health.WARNING,
            what=f"{rights['name']} may change the log behind Remit",
            why="a process that was taken over could; the tree would tell, and the entries would be gone",
            mend="Make the roles, and a login for processes at work that is a member of them; docs/operating.md has the lines",
            command="remit database roles --apply",
        )


def database_clock(patient: Patient) -> Iterator[Diagnosis]:
    """This machine's clock agrees with the database's."""
    before = patient.clock.now()
    theirs = patient.server.read(_Q["server_time"])[0]["now"]
    after = patient.clock.now()
    apart = max(before - theirs, theirs - after, 0)
    if apart > MOST_APART:
        yield Diagnosis(
            health=Health.TROUBLE,
            what=f"This machine says {iso(after)}, the database's {iso(theirs)}",
            why="heartbeats of processes on other machines would look old, or too young",
            mend="Set both clocks by a time server",
        )


def log_lag(patient: Patient) -> Iterator[Diagnosis]:
    """What was decided has its place in the log."""
    server, _ = patient.server, patient.store
    waiting = server.read(_Q["waiting_entries"])[0]
    age = patient.clock.now() - waiting["oldest"] if waiting["oldest"] is not None else 0
    if waiting["count"] > MOST_WAITING or age > LONGEST_WAIT:
        yield Diagnosis(
            health=Health.TROUBLE,
            what=f"{waiting['count']} entries wait for their place in the log, the first for {age // SECOND} s",
            why="no process moves them: none is at work, the log does not verify, its kept checkpoint cannot be read, or rights are missing",
            mend="Start `remit worker` or `remit up`; what its log says of the sequencer says why",
        )
