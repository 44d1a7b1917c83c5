"""From a camera's final maps to what is told of it: regions, tracks, events, in media time on the wall clock."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from configs.events import Watched
from configs.method import RegionSettings
from pipeline.analysed_frame import AnalysedFrame
from pipeline.regions import Region, find_regions
from pipeline.tracks import TrackBook, advance_tracks, end_all, random_suffix
from pipeline.zones import EVERYWHERE, open_area, standing_in
from stream.events import RegionEvent, TrackedRegion
from stream.frame import Frame

_DRIFT = 1.0
"""Seconds that media time may run behind the wall clock before it is anchored anew."""


class MediaClock:
    """Unix time of media times: anchored at the first frame, and again where a live stream paused."""

    def __init__(self, *, live: bool) -> None:
        """Begin without an anchor; a clock that is not `live` keeps its first one."""
        self._live = live
        self._offset: float | None = None

    def unix(self, media_time: float, now: float) -> float:
        """Return the unix time of a frame of `media_time` that arrived at `now`; it never goes back."""
        if self._offset is None or (self._live and now - (media_time + self._offset) > _DRIFT):
            self._offset = now - media_time
        return media_time + self._offset


def arrival(frame: Frame, monotonic: float, wall: float) -> float:
    """Return the unix time at which `frame` arrived, given what both clocks say now.

    The first frame of a stream waits for its networks to be built: taken for its time, the end of that wait would put
    all that is told later into the future.
    """
    return wall - (monotonic - frame.arrived_at)


class Follower:
    """Follows the salient regions of one camera; its calls come from one thread at a time.

    Attributes:
        zones: (N, 2) float32 corners (x, y) in [0, 1], by name.
    """

    def __init__(self, camera: str, settings: RegionSettings, watched: Watched = EVERYWHERE) -> None:
        """Begin without tracks; `watched` says where in the picture regions count."""
        self._settings = settings
        self._watched = watched
        self.zones = {name: np.asarray(zone.points, np.float32) for name, zone in watched.zones.items()}
        self._open = np.ones((0, 0), np.bool_)
        self._book = TrackBook(camera)

    @property
    def regions(self) -> tuple[TrackedRegion, ...]:
        """The regions that were announced and have not ended, as they are now."""
        return self._book.regions

    def follow(self, analysed: AnalysedFrame, unix: float) -> tuple[RegionEvent, ...]:
        """Take in one frame, whose unix time is `unix`, and return what there is to tell."""
        ended: tuple[RegionEvent, ...] = ()
        if analysed.saliency.scene_cut:
            ended = self.end()
        regions = self._find(analysed.saliency.final, analysed.frame.size)
        self._book, events = advance_tracks(self._book, regions, unix, self._settings, random_suffix, self._watched)
        return (*ended, *events)

    def end(self) -> tuple[RegionEvent, ...]:
        """End all tracks: the scene was cut, or the source is gone."""
        self._book, events = end_all(self._book)
        return events

    def _find(self, saliency: NDArray[np.float32], frame_size: tuple[int, int]) -> list[Region]:
        """Return the regions outside the masks, each with the zones that it stands in."""
        if self._watched.masks:
            if self._open.shape != saliency.shape:
                self._open = open_area(self._watched.masks, (saliency.shape[0], saliency.shape[1]))
            saliency = saliency * self._open
        found = find_regions(saliency, self._settings.threshold, self._settings.minimum_area, frame_size)
        return [replace(region, zones=standing_in(region, self.zones, frame_size)) for region in found]
