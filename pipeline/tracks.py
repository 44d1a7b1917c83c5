"""Salient regions followed from frame to frame: stable ids, and the events that tell of them.

A pure state machine: a `TrackBook` and a frame's regions go in, the next book and the events come out. Each region is
matched with where its track is expected (constant velocity), by the assignment of the largest total IoU.
"""

import secrets
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from configs.events import Watched
from configs.method import RegionSettings
from pipeline.assignment import best_assignment
from pipeline.regions import Region
from pipeline.zones import EVERYWHERE, Stay, current_zones, is_worth_an_event, stay_on
from stream.events import RegionEvent, TrackedRegion

_SCORE_STEP: Final = 0.05
"""Rise of the highest score that is worth an update."""

_BOX_STEP: Final = 0.1
"""Move of a box's edge, as a share of its side, that is worth an update."""

_INERTIA: Final = 0.6
"""Share of the old velocity in the new one."""

_LETTERS: Final = string.ascii_lowercase + string.digits

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A region over time.

    Attributes:
        id: `"<unix start>-<6 random characters>"`.
        region: as it was last seen.
        start_time: unix time of the first sighting.
        seen_time: unix time of the last sighting.
        hits: sightings; the first `minimum_hits` of them in a row.
        velocity: of the box's centre in pixels per second, x and y.
        top_score: highest score so far.
        told: what the last event said; None before the track is announced.
        told_time: unix time of that event.
        stays: how long the region has stood in each zone.
        current: zones that it counts in now.
        entered: zones that it has counted in so far.
    """

    id: str
    region: Region
    start_time: float
    seen_time: float
    hits: int = 1
    velocity: tuple[float, float] = (0.0, 0.0)
    top_score: float
    told: TrackedRegion | None = None
    told_time: float = 0.0
    stays: Mapping[str, Stay] = field(default_factory=dict)
    current: tuple[str, ...] = ()
    entered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrackBook:
    """The tracks of one camera.

    Attributes:
        camera: its name.
        tracks: those that are alive, announced or not yet.
    """

    camera: str
    tracks: tuple[Track, ...] = field(default=())

    @property
    def announced(self) -> tuple[Track, ...]:
        """The tracks that a `new` event told of and no `end` event yet."""
        return tuple(track for track in self.tracks if track.told is not None)

    @property
    def regions(self) -> tuple[TrackedRegion, ...]:
        """The announced tracks as they are now, which the last event may not have told yet."""
        return tuple(_report(self.camera, track) for track in self.announced)


def random_suffix() -> str:
    """Return six random lower-case letters and digits: the second part of an id."""
    return "".join(secrets.choice(_LETTERS) for _ in range(6))


def advance_tracks(
    book: TrackBook,
    regions: Sequence[Region],
    now: float,
    settings: RegionSettings,
    suffix: Callable[[], str] = random_suffix,
    watched: Watched = EVERYWHERE,
) -> tuple[TrackBook, tuple[RegionEvent, ...]]:
    """Follow the tracks through one more frame.

    Args:
        book: the tracks so far.
        regions: those of the frame.
        now: unix time of the frame, from media time; does not go back.
        settings: when a track is announced, updated and ended.
        suffix: makes the random part of a new id.
        watched: which regions are worth an event, and the zones.

    Returns:
        The book after the frame, and its events: ends first, then updates, then new ones.
    """
    tell = partial(_tell, book.camera, now=now, settings=settings, watched=watched)
    pairs = _match(book.tracks, regions, now, settings.minimum_overlap)
    ends: list[RegionEvent] = []
    changes: list[RegionEvent] = []
    tracks: list[Track] = []
    for index, track in enumerate(book.tracks):
        if index in pairs:
            seen, event = tell(_sight(track, regions[pairs[index]], now))
            tracks.append(seen)
            changes += [event] if event else []
        elif track.hits >= settings.minimum_hits and now - track.seen_time < settings.patience:
            tracks.append(track)
        elif track.told is not None:
            ends.append(_end(book.camera, track))
    taken = set(pairs.values())
    for index, region in enumerate(regions):
        if index not in taken:
            first, event = tell(_begin(region, now, suffix))
            tracks.append(first)
            changes += [event] if event else []
    changes.sort(key=lambda event: event.type == "new")
    return TrackBook(book.camera, tuple(tracks)), (*ends, *changes)


def end_all(book: TrackBook) -> tuple[TrackBook, tuple[RegionEvent, ...]]:
    """End every track at once: the scene was cut, or the source went away."""
    return TrackBook(book.camera), tuple(_end(book.camera, track) for track in book.announced)


def overlaps(first: Sequence[Box], second: Sequence[Box]) -> NDArray[np.float64]:
    """Return the (len(first), len(second)) float64 matrix of the boxes' intersections over unions, in [0, 1]."""
    one = np.asarray(first, np.float64).reshape(-1, 1, 4)
    two = np.asarray(second, np.float64).reshape(1, -1, 4)
    sides = np.minimum(one[..., 2:], two[..., 2:]) - np.maximum(one[..., :2], two[..., :2])
    common = np.clip(sides, 0, None).prod(-1)
    union = (one[..., 2:] - one[..., :2]).prod(-1) + (two[..., 2:] - two[..., :2]).prod(-1) - common
    return np.asarray(common / union)


def _match(tracks: Sequence[Track], regions: Sequence[Region], now: float, minimum_overlap: float) -> dict[int, int]:
    """Return which region continues which track, both as indices."""
    if not tracks or not regions:
        return {}
    iou = overlaps([_expected(track, now) for track in tracks], [region.box for region in regions])
    allowed = np.where(iou >= minimum_overlap, iou, 0.0)
    return {row: column for row, column in best_assignment(allowed) if allowed[row, column] > 0}


def _expected(track: Track, now: float) -> Box:
    """Return where a track's box is at `now` if it moves on as before."""
    right, down = (speed * (now - track.seen_time) for speed in track.velocity)
    left, top, end, bottom = track.region.box
    return left + right, top + down, end + right, bottom + down


def _begin(region: Region, now: float, suffix: Callable[[], str]) -> Track:
    return Track(id=f"{now}-{suffix()}", region=region, start_time=now, seen_time=now, top_score=region.score)


def _sight(track: Track, region: Region, now: float) -> Track:
    """Return `track` after `region` continued it."""
    return replace(
        track,
        region=region,
        seen_time=now,
        hits=track.hits + 1,
        velocity=_velocity(track, region, now - track.seen_time),
        top_score=max(track.top_score, region.score),
    )


def _velocity(track: Track, region: Region, elapsed: float) -> tuple[float, float]:
    """Return the centre's velocity in pixels per second, smoothed; the old one if no time has passed."""
    if elapsed <= 0:
        return track.velocity
    old, new = (np.asarray(box, np.float64).reshape(2, 2).mean(0) for box in (track.region.box, region.box))
    measured = (new - old) / elapsed
    inertia = _INERTIA if any(track.velocity) else 0.0
    right, down = inertia * np.asarray(track.velocity) + (1 - inertia) * measured
    return float(right), float(down)


def _tell(
    camera: str, track: Track, now: float, settings: RegionSettings, watched: Watched
) -> tuple[Track, RegionEvent | None]:
    """Return `track`, and the event if there is something to tell about it now."""
    track = _place(track, now, settings.patience, watched)
    said = _report(camera, track)
    if track.told is None:
        due = is_worth_an_event(track.region, track.current, now - track.start_time, watched)
        if not due or track.hits < settings.minimum_hits:
            return track, None
        event = RegionEvent(type="new", before=said, after=said)
    elif said.current_zones != track.told.current_zones or (
        now - track.told_time >= settings.update_interval and _worth_telling(track.told, said)
    ):
        event = RegionEvent(type="update", before=track.told, after=said)
    else:
        return track, None
    return replace(track, told=said, told_time=now), event


def _place(track: Track, now: float, patience: float, watched: Watched) -> Track:
    """Return `track` with the zones that its region is in now."""
    if not watched.zones:
        return track
    stays = stay_on(track.stays, track.region, now, patience)
    current = current_zones(stays, track.region, now, watched)
    entered = tuple(dict.fromkeys((*track.entered, *current)))
    return replace(track, stays=stays, current=current, entered=entered)


def _worth_telling(before: TrackedRegion, after: TrackedRegion) -> bool:
    left, top, right, bottom = before.box
    width, height = right - left, bottom - top
    moves = (abs(old - new) for old, new in zip(before.box, after.box, strict=True))
    moved = any(move > _BOX_STEP * side for move, side in zip(moves, (width, height) * 2, strict=True))
    return moved or after.top_score - before.top_score >= _SCORE_STEP


def _end(camera: str, track: Track) -> RegionEvent:
    said = replace(_report(camera, track), end_time=track.seen_time)
    return RegionEvent(type="end", before=track.told or said, after=said)


def _report(camera: str, track: Track) -> TrackedRegion:
    left, top, right, bottom = track.region.box
    return TrackedRegion(
        id=track.id,
        camera=camera,
        frame_time=track.seen_time,
        start_time=track.start_time,
        end_time=None,
        box=track.region.box,
        area=track.region.area,
        ratio=round((right - left) / (bottom - top), 3),
        score=round(track.region.score, 4),
        top_score=round(track.top_score, 4),
        current_zones=track.current,
        entered_zones=track.entered,
    )
