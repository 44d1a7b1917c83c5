"""Presentation times that only ever grow, whatever a source says."""

from fractions import Fraction
from typing import Final

from stream.reader import DecodedPicture

_DEFAULT_RATE: Final = 25


class Timeline:
    """Puts pictures of one source, over all its openings, on one line of time.

    Times that are given are kept. A missing time, one that does not grow, and the first one after the source was opened
    again come a step after the last: for a live source the time that really passed, else the nominal one.
    """

    def __init__(self, *, live: bool) -> None:
        """Make an empty line; `live` says which step bridges a gap."""
        self._live = live
        self._nominal = Fraction(1, _DEFAULT_RATE)
        self._time_base: Fraction | None = None
        self._offset = 0
        self._last: int | None = None
        self._last_arrival = 0.0
        self._spliced = False

    def begin(self, frame_rate: Fraction) -> None:
        """Announce that the source was opened (again) and has `frame_rate`; 0 = unknown."""
        self._nominal = 1 / frame_rate if frame_rate > 0 else Fraction(1, _DEFAULT_RATE)
        self._spliced = self._last is not None

    def place(self, picture: DecodedPicture, arrival: float) -> tuple[int, Fraction]:
        """Return the picture's pts and time base on the line; `arrival` is monotonic time in seconds.

        The time base is that of the source's first picture.
        """
        if self._time_base is None:
            self._time_base = picture.time_base
        given = None if picture.pts is None else round(picture.pts * picture.time_base / self._time_base)
        pts = self._next(given, arrival)
        self._last, self._last_arrival, self._spliced = pts, arrival, False
        return pts, self._time_base

    def _next(self, given: int | None, arrival: float) -> int:
        if self._last is None:
            return given or 0
        if given is not None and not self._spliced and given + self._offset > self._last:
            return given + self._offset
        pts = self._last + self._step(arrival)
        if given is not None:
            self._offset = pts - given
        return pts

    def _step(self, arrival: float) -> int:
        """Return the length of a bridged gap in units of the time base, at least 1."""
        seconds = Fraction(arrival - self._last_arrival) if self._live else self._nominal
        return max(1, round(seconds / (self._time_base or self._nominal)))
