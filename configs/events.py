"""Settings of events: where in the picture they count, and what is kept and told of them."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator

from configs.base import Section

EventFormat = Literal["native", "cloudevents"]
"""How an event is written: livesal's own JSON, or that inside a CloudEvents 1.0 envelope (structured mode)."""

EventType = Literal["new", "update", "end", "adaptation"]
"""What can be picked out: the steps of a region, and those of the adaptation."""

_ZONE_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")

Share = Annotated[float, Field(ge=0, le=1)]
"""A coordinate as a share of the picture's width or height."""


def _encloses(points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    if len(set(points)) < 3:
        message = f"a polygon needs at least 3 different points, not {len(set(points))}"
        raise ValueError(message)
    if abs(_signed_area(points)) < 1e-6:
        message = "the polygon encloses nothing: its points lie on a line, or its sides cross"
        raise ValueError(message)
    return points


def _signed_area(points: Sequence[tuple[float, float]]) -> float:
    following = (*points[1:], points[0])
    return sum(x * below - right * y for (x, y), (right, below) in zip(points, following, strict=True)) / 2


Polygon = Annotated[tuple[tuple[Share, Share], ...], AfterValidator(_encloses)]
"""Corners (x, y) from 0 to 1: (0, 0) is the picture's top left, (1, 1) its bottom right."""


class ZoneSettings(Section):
    """A named part of the picture; a region is in it when the middle of its box's lower edge is."""

    points: Polygon
    """Corners (x, y), each from 0 to 1 of the picture's width and height."""
    minimum_area: float | None = Field(
        default=None, ge=0, le=1, description="Least share of the frame that a region covers here; else the camera's"
    )
    minimum_duration: float | None = Field(
        default=None, ge=0, description="Least seconds that a region is here before it counts; else the camera's"
    )


class CameraEventSettings(Section):
    """When a camera's regions are worth an event; a region inside zones is judged by theirs instead."""

    minimum_area: float = Field(default=0.0, ge=0, le=1, description="Least share of the frame that a region covers")
    minimum_duration: float = Field(default=0.0, ge=0, description="Least seconds that it was there")
    only_in_zones: bool = False
    """Tell of a region only once it counts in a zone."""
    clips: bool = True
    """Record clips of this camera's events, where `events.clips.folder` is set."""


class Watched(Section):
    """What counts in one camera's picture."""

    zones: dict[str, ZoneSettings] = Field(
        default={}, description="Parts of the picture by name: lower-case letters, digits, - and _"
    )
    masks: tuple[Polygon, ...] = ()
    """Polygons in which nothing ever stands out, such as a clock or a tree."""
    events: CameraEventSettings = CameraEventSettings()

    @field_validator("zones")
    @classmethod
    def _usable_names(cls, zones: dict[str, ZoneSettings]) -> dict[str, ZoneSettings]:
        for name in zones:
            if not _ZONE_NAME.fullmatch(name):
                message = f"zone name '{name}' is not usable: take lower-case letters, digits, - and _"
                raise ValueError(message)
        return zones

    @property
    def longest_wait(self) -> float:
        """The longest minimum duration in seconds: how late an event can be told after its start."""
        return max([self.events.minimum_duration, *(zone.minimum_duration or 0.0 for zone in self.zones.values())])


class ClipSettings(Section):
    """A video and a picture of each event; no folder means no videos, and pictures of the last events only."""

    folder: Path | None = None
    """Where clips and pictures are kept; by default none are."""
    before: float = Field(default=5.0, ge=0, le=60, description="Seconds before an event's start")
    after: float = Field(default=5.0, ge=0, le=60, description="Seconds after its end")
    longest: float = Field(default=120.0, gt=0, le=3600, description="Seconds after which a clip ends anyway")
    most: int = Field(default=4, ge=1, description="Clips of one camera that are recorded at the same time")
    memory: float = Field(default=32.0, gt=0, description="Most megabytes of coded video that a camera holds ready")
    width: int = Field(
        default=1280, ge=64, le=3840, description="Pixels, where the source's own coding does not fit MP4"
    )
    bitrate: int = Field(default=3_000_000, ge=50_000, description="Bits per second, likewise")
    days: float = Field(default=10.0, gt=0, description="Days after which a clip is deleted")
    megabytes: float = Field(default=10_000.0, gt=0, description="Most megabytes in the folder; the oldest clips go")
    free: float = Field(default=256.0, ge=0, description="Megabytes of the disk that recording leaves free")


class EventFilter(Section):
    """Which events a receiver gets."""

    format: EventFormat = "native"
    """livesal's own JSON, or CloudEvents 1.0 around it."""
    types: tuple[EventType, ...] = ("new", "update", "end", "adaptation")
    """Steps of regions, and of the adaptation."""
    cameras: tuple[str, ...] = ()
    """Only of these cameras; by default of all."""
    zones: tuple[str, ...] = ()
    """Only regions that entered one of these zones; by default all. It leaves the adaptation out."""


class JsonLinesSettings(EventFilter):
    """A file with one event a line."""

    path: Path
    """The file; full ones become `path.1`, `path.2`, … ."""
    megabytes: float = Field(default=10.0, gt=0, description="Size at which the file is put aside")
    files: int = Field(default=5, ge=1, description="Files put aside; the oldest goes")


class WebhookSettings(EventFilter):
    """A URL that events are sent to, each by its own POST."""

    url: SecretStr = Field(min_length=8, description="http:// or https://")
    secret: SecretStr | None = None
    """Key of the signature in the header `X-Livesal-Signature-256`; best written as ${WEBHOOK_SECRET}."""
    timeout: float = Field(default=5.0, gt=0, description="Seconds that the receiver has for its answer")
    attempts: int = Field(default=5, ge=1, description="Tries before an event is dropped")
    queue: int = Field(default=100, ge=1, description="Events that wait; one more drops the oldest")

    @field_validator("url")
    @classmethod
    def _http(cls, url: SecretStr) -> SecretStr:
        if not re.match(r"https?://[^/\s]+", url.get_secret_value()):
            message = "a webhook's url begins with http:// or https:// and a host"
            raise ValueError(message)
        return url


class EventSettings(Section):
    """What is kept and told of events."""

    database: Path | None = None
    """SQLite file of the events' history; by default the history is in memory and ends with the process."""
    days: float = Field(default=30.0, gt=0, description="Days after which an event leaves the history")
    most: int = Field(default=100_000, ge=1, description="Events in the history; the oldest go")
    clips: ClipSettings = ClipSettings()
    json_lines: JsonLinesSettings | None = None
    """A file that every event is written to."""
    webhooks: tuple[WebhookSettings, ...] = ()
    """URLs that events are sent to."""
