"""What was decided, provably: the tamper-evident log, its checkpoints and its verifier."""
