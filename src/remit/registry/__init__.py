"""Which agents, versions and tools are there, and are they alive?"""

from remit.registry.model import Lifecycle, ReleaseState, Version
from remit.registry.registry import Registry

__all__ = ["Lifecycle", "Registry", "ReleaseState", "Version"]
