"""What agents know together: typed, scoped, versioned. Filled later."""
