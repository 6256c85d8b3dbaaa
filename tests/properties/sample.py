"""How many examples a property is tried with.

    REMIT_PROPERTY_TIMES=20 pytest tests/properties

The usual few are for every day; so many times as many look for longer.
"""

import os

_TIMES = int(os.environ.get("REMIT_PROPERTY_TIMES", "1"))


def examples(usual: int) -> int:
    """Returns how many examples to try where `usual` are for every day."""
    return usual * _TIMES
