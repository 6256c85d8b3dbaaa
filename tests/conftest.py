"""What holds for every test: in CI nothing is skipped, and pictures that were taken are named."""

import os

import pytest

LOOKS = "test_console_looks.py"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says where the pictures of the console's pages lie, when they were taken."""
    reports = [each for kind in ("passed", "failed") for each in terminalreporter.stats.get(kind, [])]
    if any(LOOKS in report.nodeid for report in reports):
        terminalreporter.write_line("pictures of every page of the console: .artefacts/screenshots/")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails a CI run that left something out: a skip there hides a missing part of the machine."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or reporter is None or hasattr(session.config, "workerinput"):
        return
    if skipped := reporter.stats.get("skipped", []):
        reporter.write_line(f"CI skips nothing, and {len(skipped)} tests were skipped", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
