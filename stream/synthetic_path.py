"""Where an object of the generated scene is: it comes, stops, goes on, leaves and returns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_OUTSIDE = 0.45


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """A course that repeats, in units of the picture's width and height.

    Attributes:
        times: of its corners in seconds, rising from 0.
        places: horizontal place at each, in picture widths from the left edge of the scene's middle view.
        lane: vertical place in picture heights.
        bob: height of its steps in picture heights.
        phase: of its steps and its wobble in radians.
        head_start: seconds of the course that are over at the beginning.
    """

    times: NDArray[np.float64]
    places: NDArray[np.float64]
    lane: float
    bob: float
    phase: float
    head_start: float

    def at(self, seconds: float) -> tuple[float, float, float, float]:
        """Return x and y (picture widths and heights), tilt in radians, and the direction of travel, +1 or -1."""
        time = (seconds + self.head_start) % self.times[-1]
        leg = int(np.searchsorted(self.times, time, "right")) - 1
        part = (time - self.times[leg]) / (self.times[leg + 1] - self.times[leg])
        start, stop = self.places[leg], self.places[leg + 1]
        x = float(start + (stop - start) * part)
        rhythm = np.sin(2 * np.pi * 1.6 * time + self.phase) if start != stop else np.sin(self.phase)
        moved = np.sign(self.places[1 : leg + 2] - self.places[: leg + 1])
        facing = moved[moved != 0]
        return x, float(self.lane + self.bob * rhythm), float(0.06 * rhythm), float(facing[-1]) if facing.size else 1.0


def random_path(lane: float, progress: float, random: np.random.Generator, *, rightward: bool) -> Path:
    """Return a course in `lane` that first goes `rightward` through the view; `progress` [0, 1) of it is over."""
    speed = random.uniform(0.18, 0.3)
    begin, stop, again = random.uniform(0.15, 0.35), random.uniform(0.45, 0.7), random.uniform(0.35, 0.65)
    corners = [begin, stop, stop, 1 + _OUTSIDE, 1 + _OUTSIDE, again, again, begin]
    places = np.array(corners) if rightward else 1 - np.array(corners)
    rests = random.uniform(1.0, 2.0, len(corners) - 1)
    lengths = np.abs(np.diff(places))
    times = np.concatenate([[0.0], np.cumsum(np.where(lengths > 0, lengths / speed, rests))])
    return Path(
        times, places, lane, bob=0.008, phase=float(random.uniform(0, 2 * np.pi)), head_start=progress * times[-1]
    )
