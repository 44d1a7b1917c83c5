"""The HTTP edge: preview page, WHEP, API, metrics."""
