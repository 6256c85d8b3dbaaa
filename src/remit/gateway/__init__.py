"""The enforcement point: decide, then do it once."""
