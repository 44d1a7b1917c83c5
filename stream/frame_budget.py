"""A bound on frames per second, kept by leaving out frames at even distances."""

from typing import Final

_EARLY: Final = 0.25
"""Share of the distance by which a frame may come early, so that jitter costs no frame ..."""
_JITTER: Final = 0.01
"""... but no more than this many seconds."""


class FrameBudget:
    """Admits at most `rate` frames per second of media time."""

    def __init__(self, rate: float) -> None:
        """Begin with the first frame, whenever it comes."""
        self._distance = 1 / rate
        self._early = min(_EARLY * self._distance, _JITTER)
        self._due: float | None = None

    def admits(self, time: float) -> bool:
        """Return whether the frame at `time` seconds of media time is within the budget; times only grow."""
        if self._due is not None and time < self._due - self._early:
            return False
        begins_anew = self._due is None or time >= self._due + self._distance
        self._due = (time if self._due is None or begins_anew else self._due) + self._distance
        return True
