"""Events to publish in tests."""

from typing import Literal

from stream.events import AdaptationEvent, CameraState, RegionEvent, SourceState, TrackedRegion


def camera_state(source: SourceState = "up", frames: int = 1, camera: str = "front") -> CameraState:
    return CameraState(camera=camera, time=1700000000.0, source=source, phase="warming", pts=900, frames=frames)


def region_event(kind: Literal["new", "update", "end"], name: str = "1700000000.0-abc123") -> RegionEvent:
    seen = TrackedRegion(
        id=name,
        camera="front",
        frame_time=1700000000.5,
        start_time=1700000000.0,
        end_time=1700000000.5 if kind == "end" else None,
        box=(10, 20, 110, 70),
        area=4000,
        ratio=2.0,
        score=0.75,
        top_score=0.8,
    )
    return RegionEvent(type=kind, before=seen, after=seen)


def swapped() -> AdaptationEvent:
    return AdaptationEvent(camera="front", kind="swapped", time=1700000000.0, media_time=9.5, model_version=1)
