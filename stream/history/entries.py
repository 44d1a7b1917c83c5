"""What the history holds of an event, and what it can be asked for. Pure."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from stream.event_json import event_payload
from stream.events import AdaptationEvent, Event, RegionEvent

REGION: Final = "region"
"""Type of the entry of a region; that of a step of the adaptation is its kind."""

ADAPTATION: Final = "adaptation"
"""Asks for every step of the adaptation."""

Position = tuple[float, str]
"""Start and id of an entry: where a page ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event of the past.

    Attributes:
        id: of the region, or of the step of the adaptation.
        camera: name of the camera.
        type: `region`, or the kind of the step.
        start_time: unix time.
        end_time: unix time; None while a region is there. A step ends when it begins.
        seen_time: unix time of what was told last.
        zones: that the region entered.
        details: the last that was told, as `stream.event_json` writes it: of a region what came after.
    """

    id: str
    camera: str
    type: str
    start_time: float
    end_time: float | None
    seen_time: float
    zones: tuple[str, ...]
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which entries are asked for; None = whatever.

    Attributes:
        camera: name of the camera.
        type: `region`, a kind of step, or `adaptation` for all kinds.
        zone: that a region entered.
        after: unix time before the first start.
        before: unix time after the last start.
        position: of the last entry of the page before.
        limit: most entries.
    """

    camera: str | None = None
    type: str | None = None
    zone: str | None = None
    after: float | None = None
    before: float | None = None
    position: Position | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, the newest first, and where the next page begins; None on the last one."""

    entries: tuple[Entry, ...]
    position: Position | None


def entry_of(event: Event) -> Entry | None:
    """Return what is kept of `event`; None of states, and of single keyframes, which come several a second."""
    match event:
        case RegionEvent():
            region = event.after
            return Entry(
                id=region.id,
                camera=region.camera,
                type=REGION,
                start_time=region.start_time,
                end_time=region.end_time,
                seen_time=region.frame_time,
                zones=region.entered_zones,
                details=event_payload(event)["after"],
            )
        case AdaptationEvent() if event.kind != "keyframe":
            return Entry(
                id=f"{event.time}-{event.camera}-{event.kind}",
                camera=event.camera,
                type=event.kind,
                start_time=event.time,
                end_time=event.time,
                seen_time=event.time,
                zones=(),
                details=event_payload(event),
            )
        case _:
            return None


def write_cursor(position: Position) -> str:
    """Return `position` as text that means nothing to whom it is given."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> Position:
    """Return the position that `cursor` stands for.

    Raises:
        ValueError: it is none of ours.
    """
    try:
        start, name = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return float(start), str(name)
    except (ValueError, TypeError, binascii.Error):
        message = f"'{cursor[:40]}' is no cursor of this history: ask without one for the first page"
        raise ValueError(message) from None
