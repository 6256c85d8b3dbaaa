"""The refund desk: the smallest useful fleet, and the one the documentation walks through."""
