"""How old a live frame is, though nobody says when it was taken."""

from typing import Final

from stream.frame import Frame

_DRIFT: Final = 1e-3
"""Seconds a second by which the camera's clock may drift from ours; real ones differ by a tenth of it."""


class Lateness:
    """Judges a live source's frames by its frame-age budget.

    A frame's age is what it waited here plus how much longer it was under way than the promptest frames were: after a
    stalled network delivers a backlog, the frames in it are old although they have only just arrived.
    """

    def __init__(self, budget: float, patience: float) -> None:
        """Make a judge: `budget` is the greatest age in seconds.

        After `patience` seconds of frames that were all late, a longer way is taken for the usual one.
        """
        self._budget = budget
        self._patience = patience
        self._promptest: float | None = None
        self._last_arrival = 0.0
        self._late_since: float | None = None

    def is_late(self, frame: Frame, now: float, *, transported: bool) -> bool:
        """Return whether `frame` is over the budget at `now` (monotonic seconds).

        `transported` frames were sent when they were taken, so that their way counts; others were read at our own pace.
        """
        late = self.age(frame, now, transported=transported) > self._budget
        if not late:
            self._late_since = None
        elif self._late_since is None:
            self._late_since = now
        elif now - self._late_since > self._patience:
            self._promptest = self._late_since = None
        return late

    def age(self, frame: Frame, now: float, *, transported: bool) -> float:
        """Return the age of `frame` in seconds, at least."""
        waited = now - frame.arrived_at
        if not transported:
            return waited
        way = frame.arrived_at - frame.time
        if self._promptest is None:
            self._promptest = way
        else:
            drifted = self._promptest + _DRIFT * (frame.arrived_at - self._last_arrival)
            self._promptest = min(way, drifted)
        self._last_arrival = frame.arrived_at
        return waited + way - self._promptest
