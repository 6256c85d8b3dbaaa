"""Which agents, versions and tools are there, and are they alive?"""
