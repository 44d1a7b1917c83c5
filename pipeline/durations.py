"""How long stages take: the last thousands of durations of each, and their percentiles."""

from collections import deque
from collections.abc import Mapping
from typing import Final

import numpy as np

_KEPT: Final = 20_000


class Durations:
    """Durations by stage."""

    def __init__(self) -> None:
        """Begin empty."""
        self._seconds: dict[str, deque[float]] = {}

    def add(self, seconds: Mapping[str, float]) -> None:
        """Take one frame's durations, in seconds by stage."""
        for stage, duration in seconds.items():
            self._seconds.setdefault(stage, deque(maxlen=_KEPT)).append(duration)

    def milliseconds(self) -> dict[str, dict[str, float]]:
        """Return {stage: {"p50", "p95", "p99"}} in milliseconds."""
        return {
            stage: {
                f"p{percentile}": round(1000 * float(np.percentile(np.fromiter(kept, np.float64), percentile)), 3)
                for percentile in (50, 95, 99)
            }
            for stage, kept in self._seconds.items()
        }
