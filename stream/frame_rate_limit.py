"""Leaves pictures out evenly, so that no more than so many a second remain."""

from typing import Final

from stream.rtp_clock import RTP_RATE

_SLACK: Final = 0.3
"""Share of a picture's time that it may come early: cameras' times jitter."""


class FrameRateLimit:
    """Decides by RTP time. Which ones it takes follows a schedule, so that the mean rate is met with any source's."""

    def __init__(self, rate: float | None) -> None:
        """Make a limit of `rate` pictures a second; None takes every one."""
        self._interval = RTP_RATE / rate if rate else 0.0
        self._due = float("-inf")

    def takes(self, timestamp: int) -> bool:
        """Return whether the picture of RTP time `timestamp` (1 / 90000 s, rising) is one of those that remain."""
        if timestamp < self._due - _SLACK * self._interval:
            return False
        self._due = (self._due if timestamp - self._due < self._interval else timestamp) + self._interval
        return True
