"""What people do and see: verbs, views and fleet loading, with three faces (REST, console, `--json`)."""
