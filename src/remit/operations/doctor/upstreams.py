"""Tool servers and model routes that the processes at work cannot reach."""

from collections.abc import Iterator

from remit.core import SECOND, iso
from remit.gateway import upstream_kind
from remit.operations.doctor.model import Diagnosis, Health, Patient
from remit.store import load_queries

_Q = load_queries("remit.operations.doctor")


def upstreams(patient: Patient) -> Iterator[Diagnosis]:
    """Whoever is at work reaches every tool server and model that was asked."""
    silence = int(patient.known_settings().limits.executor_seconds * SECOND)
    for row in patient.store.read(_Q["outages"], {"seen": patient.clock.now() - silence}):
        what = f"The {upstream_kind(row['upstream'])} {row['upstream'].partition(':')[2]}"
        yield Diagnosis(
            health=Health.TROUBLE,
            what=f"{what} is out of reach since {iso(row['since'])} for {row['processes']} at work: {row['why']}",
            why="it is not asked any more, but for a probe now and then; runs that need it are parked",
            mend="Bring it back; whatever waits for it goes on by itself",
        )
