"""Clips of events: coded video held ready, cut out and kept as files."""
