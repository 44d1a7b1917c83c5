"""From an analysed frame to the pictures that people watch."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.analysed_frame import AnalysedFrame
from stream import render
from stream.errors import UnknownNameError
from stream.events import RegionEvent, TrackedRegion
from stream.saliency_map import MAPS, SaliencyMap

Picture = NDArray[np.uint8]

NO_ZONES: Final[Mapping[str, NDArray[np.float32]]] = {}

_EVENT_WIDTH: Final = 640
"""Pixels of an event's picture."""

_COLUMNS: Final = 3
"""Of the mosaic, which is twice as wide as the other views, as the comparison is."""


def render_views(
    views: Iterable[str],
    analysed: AnalysedFrame,
    regions: Sequence[TrackedRegion],
    width: int,
    zones: Mapping[str, NDArray[np.float32]] = NO_ZONES,
) -> Mapping[str, Picture]:
    """Return the wanted views of a frame, each (H, W, 3) uint8 RGB, at most `width` pixels wide.

    Args:
        views: names out of `stream.views.VIEWS`.
        analysed: the frame with its maps.
        regions: salient regions that are being followed; the overlay shows them.
        width: of the pictures in pixels; maps are enlarged to the frame's displayed size; a mosaic and a
            comparison (over the frame, left the final map without a twin, right the final map) are twice as wide.
        zones: corners (x, y) in [0, 1] by name; the overlay shows their outlines.
    """
    wanted = set(views)
    if not wanted:
        return {}
    source = render.fit(analysed.frame.image, width)
    size = (source.shape[0], source.shape[1])
    saliency = analysed.saliency
    maps = {
        "motion": saliency.motion,
        "colour": saliency.colour,
        "low_level": saliency.low_level,
        "final": saliency.final,
    }
    shown = wanted | ({"source", "overlay", *maps} if "mosaic" in wanted else set())
    pictures: dict[str, Picture] = {}
    if "source" in shown:
        pictures["source"] = source
    for name, saliency_map in maps.items():
        if name in shown:
            pictures[name] = render.resize(render.heatmap(saliency_map), size)
    if "overlay" in shown:
        overlaid = render.draw_zones(render.overlay(source, saliency.final), zones)
        pictures["overlay"] = render.draw_regions(overlaid, regions, analysed.frame.size)
    if "comparison" in wanted:
        halves = [render.overlay(source, each) for each in (saliency.unadapted, saliency.final)]
        pictures["comparison"] = np.hstack(halves)
    if "mosaic" in wanted:
        order = ("source", "motion", "colour", "low_level", "final", "overlay")
        tiles = {name.replace("_", "-"): render.fit(pictures[name], size[1] * 2 // _COLUMNS) for name in order}
        pictures["mosaic"] = render.mosaic(tiles, _COLUMNS)
    return {name: pictures[name] for name in wanted}


def map_of(analysed: AnalysedFrame, name: str) -> SaliencyMap:
    """Return one map of a frame, one of `stream.saliency_map.MAPS`.

    Raises:
        UnknownNameError: there is no such map.
    """
    if name not in MAPS:
        message = f"no map is named '{name}'; there are: {', '.join(MAPS)}"
        raise UnknownNameError(message)
    frame, saliency = analysed.frame, analysed.saliency
    return SaliencyMap(
        values=getattr(saliency, name),
        pts=frame.pts,
        time_base=frame.time_base,
        sequence=frame.sequence,
        frame_size=frame.size,
        model_version=saliency.model_version,
    )


def event_pictures(events: Iterable[RegionEvent], analysed: AnalysedFrame) -> Mapping[str, bytes]:
    """Return a picture of each region that is new in a frame, by its id: the frame with its box, as a JPEG file."""
    begun = [event.after for event in events if event.type == "new"]
    if not begun:
        return {}
    source = render.fit(analysed.frame.image, _EVENT_WIDTH)
    size = analysed.frame.size
    return {region.id: render.jpeg(render.draw_regions(source, [region], size)) for region in begun}
