"""How Python is set in a process that lives long and drives much: the defaults are for short scripts."""

import gc

# New objects until the collector looks at them, and how many such looks until it looks at the older ones. A step makes
# some hundred that nothing refers to any more before it ends; each look at all of a fleet takes a tenth of a second.
YOUNG, MIDDLE, OLD = 20_000, 20, 100


def set_interpreter() -> None:
    """Sets the collector; call it once everything is loaded: what is there by then is looked through no more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
