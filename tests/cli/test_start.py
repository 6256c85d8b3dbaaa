"""Commands start without looking for garbage in what is imported, and look for it as usual afterwards."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("before", "after"),
    [("", "gc.get_freeze_count() > 10_000 and gc.isenabled()"), ("gc.disable()", "not gc.isenabled()")],
    ids=["as usual", "where somebody has seen to it"],
)
def test_what_is_imported_is_not_looked_through_and_the_rest_is(before: str, after: str) -> None:
    code = f"import gc\n{before}\nimport remit.cli\nassert {after}"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
