"""From a camera's final maps to what is told of it: regions, tracks, events, in media time on the wall clock."""

from configs.method import RegionSettings
from pipeline.analysis import AnalysedFrame
from pipeline.regions import find_regions
from pipeline.tracks import TrackBook, advance_tracks, end_all
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
    """Follows the salient regions of one camera; its calls come from one thread at a time."""

    def __init__(self, camera: str, settings: RegionSettings) -> None:
        """Begin without tracks."""
        self._settings = settings
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
        regions = find_regions(
            analysed.saliency.final, self._settings.threshold, self._settings.minimum_area, analysed.frame.size
        )
        self._book, events = advance_tracks(self._book, regions, unix, self._settings)
        return (*ended, *events)

    def end(self) -> tuple[RegionEvent, ...]:
        """End all tracks: the scene was cut, or the source is gone."""
        self._book, events = end_all(self._book)
        return events
