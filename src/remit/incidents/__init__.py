"""What went wrong and what was done about it. Filled later."""
