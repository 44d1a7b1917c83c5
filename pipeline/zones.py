"""Where in a camera's picture regions count: masks, zones, and when a region is worth an event. Pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from configs.events import Polygon, Watched
from pipeline.regions import Region

EVERYWHERE: Final = Watched()
"""No zones, no masks: every region is worth an event at once."""


@dataclass(frozen=True, slots=True)
class Stay:
    """How long a region has stood in one zone.

    Attributes:
        since: unix time from which it was there.
        last: unix time at which it was last there.
    """

    since: float
    last: float


def open_area(masks: Sequence[Polygon], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return (h, w) bool, where a map of `size` (height, width) is outside every mask.

    A pixel belongs to a mask when its middle is in it or on its edge.
    """
    height, width = size
    covered = np.zeros(size, np.uint8)
    for mask in masks:
        corners = np.asarray(mask, np.float64) * (width, height) - 0.5
        cv2.fillPoly(covered, [np.round(corners * 256).astype(np.int32)], 1, shift=8)
    return covered == 0


def standing_in(region: Region, zones: Mapping[str, NDArray[np.float32]], size: tuple[int, int]) -> tuple[str, ...]:
    """Return the names of the zones that hold the middle of the lower edge of a region's box, as Frigate has it.

    Args:
        region: its box is in pixels of the frame.
        zones: (N, 2) float32 corners (x, y) in [0, 1], by name.
        size: height and width of the frame in pixels.
    """
    left, _, right, bottom = region.box
    foot = ((left + right) / 2 / size[1], bottom / size[0])
    return tuple(name for name, corners in zones.items() if cv2.pointPolygonTest(corners, foot, False) >= 0)  # noqa: FBT003 - OpenCV takes it by position


def stay_on(stays: Mapping[str, Stay], region: Region, now: float, patience: float) -> Mapping[str, Stay]:
    """Return the stays after `region` was seen at `now`; one that was interrupted for `patience` seconds is over."""
    kept = {name: stay for name, stay in stays.items() if now - stay.last < patience}
    return kept | {name: Stay(kept[name].since if name in kept else now, now) for name in region.zones}


def current_zones(stays: Mapping[str, Stay], region: Region, now: float, watched: Watched) -> tuple[str, ...]:
    """Return the zones in which `region` counts: it stands there, is large enough, and was there long enough."""
    return tuple(
        name
        for name in region.zones
        if region.share >= _first(watched.zones[name].minimum_area, watched.events.minimum_area)
        and now - stays[name].since >= _first(watched.zones[name].minimum_duration, watched.events.minimum_duration)
    )


def is_worth_an_event(region: Region, current: Sequence[str], age: float, watched: Watched) -> bool:
    """Return whether a region that has been there for `age` seconds is to be told of.

    Inside zones it has to count in one of them; outside all of them the camera's own limits decide.
    """
    if region.zones or watched.events.only_in_zones:
        return bool(current)
    return region.share >= watched.events.minimum_area and age >= watched.events.minimum_duration


def _first(own: float | None, otherwise: float) -> float:
    return otherwise if own is None else own
