"""The build database, its one writer, and what is published from it."""
