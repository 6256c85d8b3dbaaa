"""Commands start without looking for garbage in what is imported, and look for it as usual afterwards."""

import gc

import remit.cli


def test_what_is_imported_is_not_looked_through_and_the_rest_is() -> None:
    assert remit.cli.main
    assert gc.get_freeze_count() > 10_000
    assert gc.isenabled()
