"""Example fleets: contracts, policies and tools that use only the public names of Remit."""
