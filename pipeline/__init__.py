"""The method and its orchestration: the only place that composes streams, networks and settings."""
