"""The last minutes of a camera: NR over time, and the steps of its adaptation."""

from collections import deque
from typing import Final

from pipeline.values import SaliencyFrame
from stream.backend import Timeline, TimelinePoint
from stream.events import AdaptationEvent

_SPAN: Final = 180.0
"""Seconds that are kept."""
_SPACING: Final = 0.2
"""Least seconds between two points that are no keyframes."""
_MARKS: Final = 200


class History:
    """Points and marks of the last minutes."""

    def __init__(self, threshold: float) -> None:
        """Begin empty; a frame with an NR below `threshold` is a keyframe."""
        self._threshold = threshold
        self._points: deque[TimelinePoint] = deque()
        self._marks: deque[AdaptationEvent] = deque(maxlen=_MARKS)

    def add(self, now: float, saliency: SaliencyFrame) -> None:
        """Take note of a frame at `now`, unix seconds."""
        if self._points and now - self._points[-1].time < _SPACING and not saliency.is_keyframe:
            return
        self._points.append(
            TimelinePoint(
                time=now, nr=saliency.nr, is_keyframe=saliency.is_keyframe, model_version=saliency.model_version
            )
        )
        while now - self._points[0].time > _SPAN:
            self._points.popleft()

    def mark(self, event: AdaptationEvent) -> None:
        """Take note of a step of the adaptation; keyframes are points already."""
        if event.kind != "keyframe":
            self._marks.append(event)

    def timeline(self) -> Timeline:
        """Return what is kept."""
        oldest = self._points[0].time if self._points else 0.0
        return Timeline(
            threshold=self._threshold,
            points=tuple(self._points),
            marks=tuple(mark for mark in self._marks if mark.time >= oldest),
        )
