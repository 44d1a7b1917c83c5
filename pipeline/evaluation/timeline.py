"""The score of a stream over time, with its twins and without, and what the adaptation did when.

Sums are kept for each second: 4 kB, whatever the pictures' size. From them follows the score of any stretch, by the
paper's convention: precision and recall averaged over its frames, then F, then the highest over the thresholds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.conventions import FrameScore
from pipeline.evaluation.datasets import Scene
from pipeline.evaluation.metrics import f_measure

COMPARED: Final = ("final", "unadapted")
"""What is followed over time: the final map, and what it would have been without a twin."""

WINDOW: Final = 10
"""Seconds of a stretch that the two are compared on."""

_PROMPT: Final = 0.5
"""Seconds within which a scene cut counts as noticed."""

_SUMS = (len(COMPARED), 2, 256)


@dataclass(frozen=True, slots=True)
class Happening:
    """What the adaptation did: an event's kind, at a second of the stream, and why where there is a reason."""

    time: float
    kind: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Course:
    """maxF over time, one figure a stretch; NaN where no frame could be scored.

    Attributes:
        starts: (n,) seconds at which the stretches begin.
        seconds: that each lasts.
        final: (n,) of the final map.
        unadapted: (n,) of the final map without a twin.
    """

    starts: NDArray[np.int64]
    seconds: int
    final: NDArray[np.float64]
    unadapted: NDArray[np.float64]

    @property
    def gain(self) -> NDArray[np.float64]:
        """What adapting gained in each stretch; negative where it lost."""
        return self.final - self.unadapted


@dataclass(slots=True, eq=False)
class Timeline:
    """What remains of a stream's course.

    Attributes:
        frames: (seconds,) scored frames.
        sums: (seconds, 2, 2, 256) float32: `COMPARED` x precision, recall x threshold.
        happenings: what the adaptation did, in order.
        scenes: that the stream is joined of.
    """

    frames: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    sums: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, *_SUMS), np.float32))
    happenings: list[Happening] = field(default_factory=list)
    scenes: tuple[Scene, ...] = ()

    def add(self, time: float, scores: Mapping[str, FrameScore]) -> None:
        """Take in the paper convention's measures of one frame, by name of the map, at `time` seconds."""
        second = int(time)
        if second >= len(self.frames):
            missing = max(second + 1 - len(self.frames), len(self.frames))  # doubled, so that growing costs little
            self.frames = np.concatenate([self.frames, np.zeros(missing, np.int64)])
            self.sums = np.concatenate([self.sums, np.zeros((missing, *_SUMS), np.float32)])
        self.frames[second] += 1
        for index, name in enumerate(COMPARED):
            self.sums[second, index] += scores[name].curves[:2]

    def trim(self, seconds: float) -> None:
        """Forget the seconds after the stream's end."""
        length = int(np.ceil(seconds))
        self.frames, self.sums = self.frames[:length], self.sums[:length]

    def over(self, starts: Sequence[int], seconds: int) -> Course:
        """Return the score of the stretches of `seconds` that begin at `starts`."""
        found = np.array([self._score(start, start + seconds) for start in starts], np.float64).reshape(-1, 2)
        return Course(starts=np.asarray(starts, np.int64), seconds=seconds, final=found[:, 0], unadapted=found[:, 1])

    def windows(self, seconds: int = WINDOW) -> Course:
        """Return the score of every stretch of `seconds` that begins on a second; none if the stream is shorter."""
        return self.over(range(len(self.frames) - seconds + 1), seconds)

    def cuts(self) -> dict[str, int]:
        """Return how many scene cuts were made by joining, how many of them were noticed, and how many more were."""
        made = [scene.start for scene in self.scenes[1:]]
        noticed = [one.time for one in self.happenings if one.kind == "reset" and one.reason == "scene cut"]
        found = sum(any(abs(time - start) < _PROMPT for time in noticed) for start in made)
        return {"made": len(made), "found": found, "false": len(noticed) - found}

    def as_json(self) -> dict[str, Any]:
        """Return the course as plain values for JSON."""
        course = self.windows()
        return {
            "seconds": len(self.frames),
            "window_seconds": course.seconds,
            "starts": course.starts.tolist(),
            "final": _plain(course.final),
            "unadapted": _plain(course.unadapted),
            **summary(course),
            "adaptation": [asdict(one) for one in self.happenings],
            "cuts": self.cuts(),
            "scenes": [
                asdict(scene)
                | {name: _plain(getattr(self.over([scene.start], scene.seconds), name))[0] for name in COMPARED}
                for scene in self.scenes
            ],
        }

    def _score(self, start: int, end: int) -> tuple[float, float]:
        frames = int(self.frames[start:end].sum())
        if not frames:
            return np.nan, np.nan
        means = self.sums[start:end].sum(0, dtype=np.float64) / frames
        final, unadapted = (float(f_measure(precision, recall).max()) for precision, recall in means)
        return final, unadapted


def summary(course: Course) -> dict[str, Any]:
    """Return the mean gain of adapting, and the stretch where it lost most (0 where it never lost)."""
    gain = course.gain
    if not np.isfinite(gain).any():
        return {"mean_gain": None, "largest_shortfall": None}
    worst = int(np.nanargmin(gain))
    return {
        "mean_gain": float(np.nanmean(gain)),
        "largest_shortfall": {"maxF": max(0.0, -float(gain[worst])), "start": int(course.starts[worst])},
    }


def in_words(course: Course) -> str:
    """Return the summary as text."""
    found = summary(course)
    if found["mean_gain"] is None:
        return "no stretch could be scored"
    worst = found["largest_shortfall"]
    lost = f"{worst['maxF']:.3f}, from {worst['start']} s on" if worst["maxF"] > 0 else "none"
    return (
        f"over {course.seconds} s at a time, the mean gain of adapting is {found['mean_gain']:+.3f} maxF; "
        f"largest shortfall: {lost}"
    )


def _plain(values: NDArray[np.float64]) -> list[float | None]:
    return [round(float(value), 5) if np.isfinite(value) else None for value in values]
