"""Immutable settings: what livesal does, from defaults, YAML, the environment and the command line."""
