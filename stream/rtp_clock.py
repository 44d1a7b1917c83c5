"""From media time to RTP time: one steady timeline for viewers, whatever the source's clock does."""

from typing import Final

RTP_RATE: Final = 90_000
"""Ticks per second of video's RTP clock."""

_DRIFT: Final = 0.5


class RtpClock:
    """Stamps of a picture sequence, strictly rising.

    Pictures keep the distances of their media times, so that playback is smooth. Where media time and the monotonic
    clock come apart by more than half a second (a loop, a reconnect, a pause, a source faster or slower than real
    time), the timeline is anchored anew at the clock.
    """

    def __init__(self) -> None:
        """Make a clock whose first stamp is 0."""
        self._started: float | None = None
        self._offset = 0.0
        self._last = -1

    def stamp(self, media_time: float | None, now: float) -> int:
        """Return the RTP time of a picture in ticks.

        Args:
            media_time: of the picture in seconds; None where it has none (a card): it counts as taken at `now`.
            now: monotonic clock in seconds.
        """
        if self._started is None:
            self._started = now
            self._offset = 0.0 if media_time is None else -media_time
        elapsed = now - self._started
        seconds = elapsed if media_time is None else media_time + self._offset
        if media_time is not None and abs(seconds - elapsed) > _DRIFT:
            self._offset = elapsed - media_time
            seconds = elapsed
        self._last = max(self._last + 1, round(seconds * RTP_RATE))
        return self._last
