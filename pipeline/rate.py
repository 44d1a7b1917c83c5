"""Frames per second over the last seconds."""

from collections import deque
from typing import Final

_SPAN: Final = 3.0


class Rate:
    """Counts events and says how many come per second."""

    def __init__(self) -> None:
        """Begin at zero."""
        self._times: deque[float] = deque()

    def tick(self, now: float) -> None:
        """Count one event at `now`, monotonic seconds."""
        self._times.append(now)
        self._forget(now)

    def per_second(self, now: float) -> float:
        """Return events per second over the last three seconds."""
        self._forget(now)
        if len(self._times) < 2:
            return 0.0
        return (len(self._times) - 1) / max(now - self._times[0], 1e-6)

    def _forget(self, now: float) -> None:
        while self._times and now - self._times[0] > _SPAN:
            self._times.popleft()
