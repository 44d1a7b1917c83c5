"""Events of regions at times that the test says."""

from dataclasses import replace
from typing import Literal

from stream.events import RegionEvent
from tests.fakes.mqtt_events import region_event


def region_at(
    start: float,
    kind: Literal["new", "update", "end"] = "end",
    *,
    lasts: float = 0.5,
    camera: str = "front",
    zones: tuple[str, ...] = (),
    suffix: str = "abc123",
) -> RegionEvent:
    """Return a step of a region that is there from unix time `start`, for `lasts` seconds so far or in all."""
    told = region_event(kind, f"{start}-{suffix}")
    end = start + lasts
    seen = replace(
        told.after,
        camera=camera,
        frame_time=end,
        start_time=start,
        end_time=end if kind == "end" else None,
        current_zones=zones,
        entered_zones=zones,
    )
    return RegionEvent(type=kind, before=seen, after=seen)
