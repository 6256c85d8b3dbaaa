"""Every check, in the order in which one trouble explains the next."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from remit.core import RemitError
from remit.operations.doctor.budgets import error_budgets
from remit.operations.doctor.fleet import (
    fleet_code,
    fleet_files,
    fleet_folder,
    model_keys,
    people_who_answer,
    people_who_log_in,
    settings_file,
    tool_servers,
    variables,
    webhook_secrets,
)
from remit.operations.doctor.machine import clock, disk, network_disk, packages, port, python
from remit.operations.doctor.model import Diagnosis, Health, OutOfPlaceSignal, Patient, SkippedSignal
from remit.operations.doctor.server import (
    database_clock,
    database_rights,
    database_server,
    database_tls,
    log_lag,
)
from remit.operations.doctor.store import (
    database_content,
    database_file,
    database_lock,
    database_tables,
    journal_size,
    log_head,
    log_key,
)
from remit.operations.doctor.upstreams import upstreams
from remit.operations.doctor.versions import kept_releases, versions
from remit.operations.doctor.work import lost_runs, questions, ready_runs, stops
from remit.operations.doctor.workers import (
    backlog,
    loaded_releases,
    stale_locks,
    stranded_holds,
    undecided_steps,
    workers,
)
from remit.operations.tool_locks import check_locks
from remit.store import driver_fault

Checking = Callable[[Patient], Iterator[Diagnosis]]

CHECKS: Sequence[Checking] = (
    python,
    packages,
    settings_file,
    variables,
    fleet_folder,
    fleet_files,
    fleet_code,
    people_who_answer,
    people_who_log_in,
    model_keys,
    webhook_secrets,
    tool_servers,
    port,
    disk,
    network_disk,
    database_server,
    database_tls,
    database_file,
    database_lock,
    database_content,
    database_tables,
    database_rights,
    journal_size,
    log_key,
    log_head,
    log_lag,
    clock,
    database_clock,
    versions,
    kept_releases,
    workers,
    ready_runs,
    lost_runs,
    backlog,
    loaded_releases,
    undecided_steps,
    stranded_holds,
    stale_locks,
    upstreams,
    error_budgets,
    questions,
    stops,
)
"""Each says what is amiss, or nothing; its docstring is what holds then."""


async def diagnose(patient: Patient, checks: Sequence[Checking] = CHECKS) -> list[Diagnosis]:
    """Makes every check; one that falls over says so, and the others are made all the same.

    Asks the fleet's MCP servers what they offer, so it may take as long as they do.
    """
    if patient.is_fleet:
        patient = replace(patient, servers=tuple(await check_locks(patient.folder)))
    try:
        return [diagnosis for check in checks for diagnosis in _made(check, patient)]
    finally:
        patient.close()


def _made(check: Checking, patient: Patient) -> list[Diagnosis]:
    name = check.__name__.replace("_", " ")
    found: list[Diagnosis] = []
    try:
        found = [replace(diagnosis, check=name) for diagnosis in check(patient)]
    except OutOfPlaceSignal:
        return []
    except SkippedSignal as skipped:
        return [Diagnosis(check=name, health=Health.SKIPPED, what="Not looked at", why=str(skipped))]
    except RemitError as fault:
        return [_trouble(name, fault)]
    except (OSError, sqlite3.Error) as fault:
        return [_trouble(name, RemitError("The machine does not let us look", why=str(fault)))]
    except Exception as fault:  # noqa: BLE001  whoever looks for troubles is not brought down by one
        if told := driver_fault(fault):
            return [_trouble(name, told)]
        why = f"{type(fault).__name__}: {fault}"
        return [_trouble(name, RemitError("This check fell over", why=why, hint="That is a mistake of Remit's"))]
    return found or [Diagnosis(check=name, health=Health.OK, what=(check.__doc__ or name).rstrip("."))]


def _trouble(name: str, fault: RemitError) -> Diagnosis:
    what = f"{fault.what} {fault.which!r}" if fault.which else fault.what
    return Diagnosis(check=name, health=Health.TROUBLE, what=what, why=fault.why, mend=fault.hint)
