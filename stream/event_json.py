"""Events as JSON: the one shape that MQTT, server-sent events, the terminal and files carry.

A region event is Frigate's `{"type", "before", "after"}`; an adaptation event and a camera's state are flat.
"""

import json
import math
from dataclasses import asdict
from typing import Any

from stream.events import AdaptationEvent, CameraState, Event, RegionEvent


def event_payload(event: Event) -> dict[str, Any]:
    """Return `event` as JSON values: str, int, float, bool, None, lists and mappings of them.

    A number that is not finite (the loss of a round that diverged) becomes None, for JSON has no such number.
    """
    payload: dict[str, Any]
    match event:
        case RegionEvent():
            payload = {"type": event.type, "before": asdict(event.before), "after": asdict(event.after)}
        case AdaptationEvent():
            payload = {
                **event.details,
                "camera": event.camera,
                "type": event.kind,
                "time": event.time,
                "media_time": event.media_time,
                "model_version": event.model_version,
            }
        case CameraState():
            payload = asdict(event)
    return {key: _plain(value) for key, value in payload.items()}


def event_text(event: Event) -> str:
    """Return `event` as one line of JSON text."""
    return json.dumps(event_payload(event), allow_nan=False, separators=(",", ":"))


def event_camera(event: Event) -> str:
    """Return the name of the camera that `event` is about."""
    return event.after.camera if isinstance(event, RegionEvent) else event.camera


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case tuple() | list():
            return [_plain(item) for item in value]
        case float() if not math.isfinite(value):
            return None
    return value
