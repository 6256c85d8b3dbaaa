"""Cases, baseline, shadow, canary and drift. Filled later."""
