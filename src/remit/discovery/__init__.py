"""Process mining of event logs into draft workflows. Filled later."""
