"""The supplies desk: what `remit init` copies, a fleet to begin with."""
