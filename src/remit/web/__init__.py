"""The console: pages and live updates. Filled later."""
