"""The events of the past, in an embedded SQLite database."""
