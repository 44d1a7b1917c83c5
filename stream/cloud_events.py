"""Events in the envelope of CloudEvents 1.0, JSON format, structured mode. Pure.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

import json
from datetime import UTC, datetime
from typing import Any, Final

from configs.events import EventFormat
from stream.event_json import event_camera, event_payload, event_text
from stream.events import AdaptationEvent, CameraState, Event, RegionEvent

CONTENT_TYPES: Final[dict[EventFormat, str]] = {
    "native": "application/json",
    "cloudevents": "application/cloudevents+json; charset=utf-8",
}
"""Of an event written in each format."""


def cloud_event(event: Event) -> dict[str, Any]:
    """Return `event` as a CloudEvent: its source and id together name one step of one region, or of the adaptation."""
    match event:
        case RegionEvent():
            kind, subject, time = f"region.{event.type}", event.after.id, event.after.frame_time
        case AdaptationEvent():
            kind, subject, time = f"adaptation.{event.kind}", event.camera, event.time
        case CameraState():
            kind, subject, time = "state", event.camera, event.time
    return {
        "specversion": "1.0",
        "id": f"{subject}/{kind}/{time}",
        "source": f"/livesal/cameras/{event_camera(event)}",
        "type": f"livesal.{kind}",
        "subject": subject,
        "time": datetime.fromtimestamp(time, UTC).isoformat(),
        "datacontenttype": "application/json",
        "data": event_payload(event),
    }


def written(event: Event, form: EventFormat) -> str:
    """Return `event` as one line of JSON text in the format `form`."""
    if form == "native":
        return event_text(event)
    return json.dumps(cloud_event(event), allow_nan=False, separators=(",", ":"))
