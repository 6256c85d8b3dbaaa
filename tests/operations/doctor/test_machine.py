"""The machine's troubles: an old Python, packages, ports, disks and clocks."""

import asyncio
import socket
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from journeys.command_line import REPOSITORY, environment
from operations.patients import COFFEE, amiss, looked_at, only, said, starter, worked
from remit.core import DAY, HOUR, SystemClock
from remit.operations.doctor import Health
from remit.testing import SettableClock, open_fleet


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    return starter(tmp_path / "office")


def test_a_python_that_is_too_old_is_named(fleet: Path) -> None:
    found = only(fleet, "python", python=(3, 10, 14))
    assert (found.health, found.what) == (Health.TROUBLE, "Python 3.10.14 is too old")
    assert "3.11" in found.why
    assert amiss(fleet, "python") == []


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """A Python with every package but the one for MCP, and with Typer of long ago."""
    venv, ours = tmp_path / "venv", Path(sysconfig.get_path("purelib"))
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    theirs = venv / ours.relative_to(sys.prefix)
    for entry in ours.iterdir():
        if not entry.name.startswith(("mcp", "typer-")):
            (theirs / entry.name).symlink_to(entry)
    (old := theirs / "typer-0.1.0.dist-info").mkdir()
    (old / "METADATA").write_text("Metadata-Version: 2.1\nName: typer\nVersion: 0.1.0\n", encoding="utf-8")
    (old / "RECORD").write_text(f"{old.name}/METADATA,,\n{old.name}/RECORD,,\n", encoding="utf-8")
    return venv / "bin" / "python"


@pytest.mark.slow
def test_packages_that_are_missing_or_too_old_are_named_and_installed(fleet: Path, python: Path) -> None:
    shop = wheels(fleet.parent / "wheels", "mcp==2.3.0", "typer==0.20.0")
    variables = environment(PIP_NO_INDEX="1", PIP_FIND_LINKS=str(shop), PIP_NO_DEPS="1")
    looking = [str(python), "-c", LOOKING, str(fleet)]
    told = subprocess.run(looking, env=variables, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.partition("|")[0] for line in told] == ["mcp is missing", "typer 0.1.0 is of a wrong version"]
    for line in told:
        subprocess.run(line.partition("|")[2], shell=True, env=variables, capture_output=True, check=True)  # noqa: S602
    assert subprocess.run(looking, env=variables, capture_output=True, text=True, check=True).stdout == ""


LOOKING = """
from remit.operations.doctor.machine import packages
for found in packages(None):
    print(f"{found.what}|{found.command}")
"""


def wheels(folder: Path, *packages: str) -> Path:
    """Makes empty packages that pip can install."""
    folder.mkdir()
    for package in packages:
        name, _, version = package.partition("==")
        told = f"{name}-{version}.dist-info"
        with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{told}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            wheel.writestr(f"{told}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{told}/RECORD", "")
    return folder


@pytest.mark.slow
def test_without_a_package_it_cannot_do_without_the_command_line_says_so(fleet: Path, python: Path) -> None:
    next(python.parents[1].glob("lib/python*/site-packages/cedarpy")).unlink()
    ended = subprocess.run(
        [python, "-m", "remit.cli", "doctor"], env=environment(), capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "The package 'cedarpy' is missing" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_disk_that_is_nearly_full_is_named(fleet: Path) -> None:
    whole = 10**18
    assert (only(fleet, "disk", little_room=whole)).health is Health.WARNING
    full = only(fleet, "disk", little_room=whole, no_room=whole)
    assert full.health is Health.TROUBLE
    assert "MB left" in full.what
    assert amiss(fleet, "disk", little_room=1) == []


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_a_network_disk_is_named(fleet: Path, kind: str) -> None:
    mounts = fleet.parent / "mounts"
    mounts.write_text(f"/dev/vda / ext4 rw 0 0\nserver:/home {fleet} {kind} rw 0 0\n", encoding="utf-8")
    assert f"network disk ({kind})" in (only(fleet, "network_disk", mounts=mounts)).what
    mounts.write_text(f"server:/x {fleet}-2 {kind} rw 0 0\n/dev/vda / ext4 rw 0 0\n", encoding="utf-8")
    assert amiss(fleet, "network_disk", mounts=mounts) == []


@pytest.mark.slow
def test_a_port_that_is_taken_is_named_and_another_will_do(fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("REMIT_HTTP__PORT", str(taken.getsockname()[1]))
        found = only(fleet, "port")
        assert found.health is Health.TROUBLE
        assert "REMIT_HTTP__PORT" in found.mend
        monkeypatch.setenv("REMIT_HTTP__PORT", "0")
        assert amiss(fleet, "port") == []


def test_an_address_of_another_machine_is_named(fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMIT_HTTP__HOST", "192.0.2.1")
    monkeypatch.setenv("REMIT_HTTP__PORT", "0")
    assert (only(fleet, "port")).mend.startswith("Set another in [http]")


@pytest.mark.slow
def test_the_port_of_its_own_remit_up_is_no_trouble(fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        number = str(free.getsockname()[1])
    monkeypatch.setenv("REMIT_HTTP__PORT", number)
    with up(fleet, number):
        assert [found.health for found in said(fleet, "port")] == [Health.OK]
        monkeypatch.setenv("REMIT_NAME", "another")
        assert said(fleet, "port")[0].mend.startswith("End the program that has it")


@contextmanager
def up(fleet: Path, number: str) -> Generator[None]:
    """Keeps the fleet at work."""
    command = [sys.executable, "-m", "remit.cli", "up", "--fleet", str(fleet)]
    process = subprocess.Popen(
        command, env=environment(REMIT_HTTP__PORT=number), cwd=REPOSITORY, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        while b"health" not in process.stdout.readline():
            assert process.poll() is None
        yield
    finally:
        process.kill()
        process.communicate()


def test_a_log_from_the_future_is_named(fleet: Path) -> None:
    asyncio.run(opened(fleet, SettableClock(SystemClock().now() + HOUR)))
    found = only(fleet, "clock")
    assert found.health is Health.TROUBLE
    assert "Set the clock" in found.mend
    assert amiss(fleet, "clock", clock=SettableClock(SystemClock().now() + DAY)) == []


async def opened(fleet: Path, clock: SettableClock) -> None:
    """Opens the fleet for a moment that is not now."""
    async with open_fleet(fleet, fleet, clock=clock):
        pass


def test_a_sound_fleet_has_no_trouble(fleet: Path) -> None:
    worked(fleet, "run", "supplies-desk", "--input", COFFEE)
    found = looked_at(fleet)
    assert not [each for each in found if each.health in (Health.TROUBLE, Health.SKIPPED)]
    assert [each.check for each in found if each.health is Health.WARNING] == ["people who log in"]
