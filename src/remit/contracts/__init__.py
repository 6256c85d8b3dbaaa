"""What was promised: parse, check, compare. Pure, no I/O beyond reading files."""
