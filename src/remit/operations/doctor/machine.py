"""The machine: Python, packages, disk, port, clock."""

import errno
import http.client
import json
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from remit.core import MINUTE, iso
from remit.operations.doctor.model import Diagnosis, Health, Patient
from remit.operations.packages import needed_packages, package_version
from remit.store import load_queries

_Q = load_queries("remit.operations.doctor")

OLDEST_PYTHON = (3, 11)
# SQLite's journal is shared memory, which these do not share between machines; their locks are not to be trusted.
NETWORK = frozenset({"afs", "ceph", "cifs", "fuse.sshfs", "glusterfs", "lustre", "nfs", "nfs4", "smb3", "smbfs"})
# Machines that ask for the time differ by less.
MOST_AHEAD = MINUTE
_ANSWER_SECONDS = 2.0
_LONGEST_ANSWER = 10_000


def python(patient: Patient) -> Iterator[Diagnosis]:
    """Python is new enough."""
    if patient.python < OLDEST_PYTHON:
        yield Diagnosis(
            health=Health.TROUBLE,
            what=f"Python {'.'.join(map(str, patient.python))} is too old",
            why=f"Remit needs {'.'.join(map(str, OLDEST_PYTHON))} or newer",
            mend="Install a newer Python, and Remit into it",
        )


def packages(_: Patient) -> Iterator[Diagnosis]:
    """Every package Remit needs is there, in a version that will do."""
    for package in needed_packages():
        installed = package_version(package.name)
        if installed and package.takes(installed):
            continue
        yield Diagnosis(
            health=Health.TROUBLE,
            what=f"{package.name} {installed} is of a wrong version" if installed else f"{package.name} is missing",
            why=f"Remit needs {package.text}",
            mend="Install it into the Python that runs Remit",
            command=f"'{sys.executable}' -m pip install '{package.text}'",
        )


def disk(patient: Patient) -> Iterator[Diagnosis]:
    """There is room on the disk."""
    is_file = patient.database.dialect == "sqlite"  # else logs and the kept checkpoint still lie here
    place = _existing(patient.sqlite.path.parent if is_file else patient.folder / ".remit")
    free = shutil.disk_usage(place).free
    if free < patient.little_room:
        yield Diagnosis(
            health=Health.TROUBLE if free < patient.no_room else Health.WARNING,
            what=f"The disk of {place} has {free / 1_000_000:.0f} MB left",
            why="with none, nothing can be decided any more: what cannot be recorded is not done",
            mend="Free some, or keep the database elsewhere: `database_url` in remit.toml",
        )


def network_disk(patient: Patient) -> Iterator[Diagnosis]:
    """The database lies on a disk of this machine."""
    kind = _kind_of_disk(patient.sqlite.path, patient.mounts)
    if kind in NETWORK:
        yield Diagnosis(
            health=Health.TROUBLE,
            what=f"The database lies on a network disk ({kind})",
            why="SQLite's locks and shared memory do not hold there, and what was decided could be lost",
            mend="Keep it on a disk of this machine: `database_url` in remit.toml, four slashes count from the root",
        )


def port(patient: Patient) -> Iterator[Diagnosis]:
    """The port of `remit up` is free, or this fleet's own."""
    settings = patient.known_settings()
    host, number = settings.http.host, settings.http.port
    fault = _why_not(host, number)
    if fault is None or ((is_taken := fault.errno == errno.EADDRINUSE) and _who_answers(host, number) == settings.name):
        return
    yield Diagnosis(
        health=Health.TROUBLE,
        what=f"`remit up` cannot listen at {host}:{number}",
        why=fault.strerror or str(fault),
        mend=("End the program that has it, or set" if is_taken else "Set")
        + " another in [http] of remit.toml, or for once with REMIT_HTTP__PORT and REMIT_HTTP__HOST",
    )


def clock(patient: Patient) -> Iterator[Diagnosis]:
    """The clock stands after everything in the log."""
    row = patient.store.read_one(_Q["newest_entry"])
    now = patient.clock.now()
    if row and row["at"] is not None and row["at"] > now + MOST_AHEAD:
        yield Diagnosis(
            health=Health.TROUBLE,
            what=f"The clock says {iso(now)}, and the log has an entry of {iso(row['at'])}",
            why="one of the two is wrong: timers, budgets of a day and deadlines go by the clock",
            mend="Set the clock by a time server; if it is right now, it was wrong then, and deadlines may be far off",
        )


def _existing(path: Path) -> Path:
    """Returns the folder, or the nearest one above it that is there."""
    return next(place for place in (path, *path.parents) if place.exists())


def _kind_of_disk(path: Path, mounts: Path) -> str:
    """Returns the type of the file system of `path`, or nothing where the machine does not tell."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    place = _existing(path.parent).resolve()
    found = ("", "")
    for line in lines:
        _, at, kind, *_ = [*line.split(" "), "", ""]
        at = at.replace("\\040", " ")
        if place.is_relative_to(at or "-") and len(at) >= len(found[0]):  # the last of several at one place counts
            found = (at, kind)
    return found[1]


def _why_not(host: str, number: int) -> OSError | None:
    """Returns why nobody can listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, number), family=family).close()
    except OSError as fault:
        return fault
    return None


def _who_answers(host: str, number: int) -> str:
    """Returns the name of the fleet whose `remit up` answers there, or nothing."""
    asking = http.client.HTTPConnection(host, number, timeout=_ANSWER_SECONDS)
    try:
        asking.request("GET", "/healthz")
        told = json.loads(asking.getresponse().read(_LONGEST_ANSWER))
        return str(told["cell"])
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return ""
    finally:
        asking.close()
