"""What livesal tells the outside world: values that MQTT, HTTP, the terminal and files all speak.

Wall-clock times are unix seconds; they appear here and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Phase = Literal["off", "warming", "serving", "queued", "retraining", "validating", "degraded"]
"""What the adaptation of a camera is doing; `queued` = its round waits until another camera's is over."""

SourceState = Literal["connecting", "up", "down", "ended", "paused"]
"""Whether a camera's frames are coming; nobody tries to get those of a paused one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedRegion:
    """A salient region followed over time, in the shape of Frigate's event payload.

    Attributes:
        id: `"<unix start>-<6 random characters>"`, stable over the region's life.
        camera: name of the camera.
        frame_time: unix time of the frame that this was seen in.
        start_time: unix time of the first sighting.
        end_time: unix time of the last sighting; None while the region is there.
        box: x1, y1, x2, y2 in pixels of the source frame.
        area: pixels of the source frame that the region covers.
        ratio: width / height of the box.
        score: mean saliency inside the region, [0, 1].
        top_score: highest score so far.
        current_zones: zones that the region counts in now.
        entered_zones: zones that it has counted in so far, in that order.
    """

    id: str
    camera: str
    frame_time: float
    start_time: float
    end_time: float | None
    box: tuple[int, int, int, int]
    area: int
    ratio: float
    score: float
    top_score: float
    current_zones: tuple[str, ...] = ()
    entered_zones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionEvent:
    """A region appeared, changed or went."""

    type: Literal["new", "update", "end"]
    before: TrackedRegion
    after: TrackedRegion


AdaptationKind = Literal[
    "keyframe",
    "window-filled",
    "retraining-started",
    "retraining-finished",
    "rejected",
    "swapped",
    "reset",
    "failed",
    "degraded",
    "resumed",
    "recalled",
    "not-recalled",
    "rolled-back",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptationEvent:
    """One step of a camera's adaptation.

    Attributes:
        camera: name of the camera.
        kind: what happened.
        time: unix time.
        media_time: media time of the newest frame, seconds.
        model_version: of the twin in service afterwards; 0 = the original.
        details: figures of this kind: keyframes, nr, seconds, error_before, error_after, reason.
    """

    camera: str
    kind: AdaptationKind
    time: float
    media_time: float
    model_version: int
    details: Mapping[str, int | float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraState:
    """A camera at a glance.

    Attributes:
        camera: its name.
        time: unix time of this state.
        source: whether frames are coming.
        pts: presentation time of the newest frame in its time base's units; None before the first.
        media_time: the same in seconds.
        width: of the source in pixels; 0 before the first frame.
        height: likewise.
        fps: frames per second through the pipeline, over the last seconds.
        frame_age: seconds from decoding to the saliency map of the newest frame.
        saliency_peak: highest value of the final map, [0, 1].
        saliency_mean: its mean.
        saliency_area: share of the frame above the region threshold.
        nr: non-overlapping ratio of the newest frame, [0, 1].
        is_keyframe: whether the newest frame is a keyframe.
        model_version: of the twin in service; 0 = the original.
        phase: what the adaptation is doing.
        frames: frames through the pipeline.
        dropped: frames dropped, by reason.
        keyframes: keyframes seen.
        window: keyframes in the window.
        retrainings: rounds finished, whatever their outcome.
        swaps: twins swapped in.
        rejected: twins rejected.
        failed: rounds that failed.
        recalled: remembered twins put back into service.
        rolled_back: twins taken back because they did badly live.
        remembered: earlier twins in the library.
        reconnects: of the source.
        regions: salient regions being followed.
        error: the last error of the source, without credentials; empty if none.
    """

    camera: str
    time: float
    source: SourceState
    pts: int | None = None
    media_time: float = 0.0
    width: int = 0
    height: int = 0
    fps: float = 0.0
    frame_age: float = 0.0
    saliency_peak: float = 0.0
    saliency_mean: float = 0.0
    saliency_area: float = 0.0
    nr: float = 1.0
    is_keyframe: bool = False
    model_version: int = 0
    phase: Phase = "off"
    frames: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    keyframes: int = 0
    window: int = 0
    retrainings: int = 0
    swaps: int = 0
    rejected: int = 0
    failed: int = 0
    recalled: int = 0
    rolled_back: int = 0
    remembered: int = 0
    reconnects: int = 0
    regions: int = 0
    error: str = ""


Event = RegionEvent | AdaptationEvent | CameraState
"""Anything that is told."""
