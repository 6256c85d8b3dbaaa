"""Cost per successful outcome, time to resolution and the share of runs people had to touch."""
