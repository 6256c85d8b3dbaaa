"""Attempts of runs: hosted and code agents, driven by an engine."""
