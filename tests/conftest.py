"""What holds for every test: in CI nothing is skipped."""

import os

import pytest


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails a CI run that left something out: a skip there hides a missing part of the machine."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or reporter is None or hasattr(session.config, "workerinput"):
        return
    if skipped := reporter.stats.get("skipped", []):
        reporter.write_line(f"CI skips nothing, and {len(skipped)} tests were skipped", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
