"""The only composition root: `build(settings) -> Cell`."""
