"""What the shop's customers write, what must be true in the end, and whether it is."""
