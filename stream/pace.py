"""Media at its own speed: pictures that could come at once leave when their time has come."""

from collections.abc import Callable
from typing import Final

_SLACK: Final = 0.5
_LONGEST: Final = 10.0


class Pace:
    """Waits until a picture is due.

    Who falls behind by more than half a second, or meets a gap of over 10 s, starts anew from there instead of hurrying
    or waiting.
    """

    def __init__(self, clock: Callable[[], float], wait: Callable[[float], object]) -> None:
        """Make a pace that reads `clock` and waits by `wait`, both in seconds."""
        self._clock = clock
        self._wait = wait
        self._origin: float | None = None

    def until(self, media_time: float) -> None:
        """Return when `media_time` (seconds) is due; the first call is due at once."""
        now = self._clock()
        if self._origin is None:
            self._origin = now - media_time
        ahead = self._origin + media_time - now
        if not -_SLACK <= ahead <= _LONGEST:
            self._origin = now - media_time
        elif ahead > 0:
            self._wait(ahead)
