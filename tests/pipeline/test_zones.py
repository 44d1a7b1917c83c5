"""Masks, zones and limits: hand-computed on a 100 x 100 frame."""

from dataclasses import replace

import numpy as np
import pytest

from configs.events import Watched
from configs.method import RegionSettings
from pipeline.following import Follower
from pipeline.regions import Region
from pipeline.tracks import TrackBook, advance_tracks
from pipeline.zones import Stay, open_area, standing_in, stay_on
from stream.events import RegionEvent
from tests.fakes.frames import analysed, saliency

REGIONS = RegionSettings(minimum_hits=1, patience=1.0, update_interval=100)
LEFT = {"points": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]}
"""The left half of the picture."""


def watched(**settings: object) -> Watched:
    return Watched.model_validate(settings)


def region(left: int, bottom: int, side: int = 20, zones: tuple[str, ...] = ()) -> Region:
    box = (left, bottom - side, left + side, bottom)
    return Region(box=box, area=side * side, score=0.8, share=side * side / 10_000, zones=zones)


def play(watch: Watched, seen: dict[float, list[Region]]) -> list[RegionEvent]:
    book, told = TrackBook("door"), []
    for now, regions in seen.items():
        book, events = advance_tracks(book, regions, now, REGIONS, lambda: "abc123", watch)
        told += events
    return told


def test_a_region_stands_where_the_middle_of_its_lower_edge_is() -> None:
    """Box 30..50 has its middle at 40, in the left half; 45..65 at 55, in the right one, though 5 columns are left."""
    zones = {
        "left": np.array([[0, 0], [0.5, 0], [0.5, 1], [0, 1]], np.float32),
        "ground": np.array([[0, 0.6], [1, 0.6], [1, 1], [0, 1]], np.float32),
    }
    assert standing_in(region(30, 50), zones, (100, 100)) == ("left",)
    assert standing_in(region(45, 50), zones, (100, 100)) == ()
    assert standing_in(region(30, 61), zones, (100, 100)) == ("left", "ground")
    assert standing_in(region(30, 100), zones, (100, 100)) == ("left", "ground"), "the picture's edge is inside"
    assert standing_in(region(30, 50), zones, (50, 200)) == ("left", "ground"), "shares of the frame, not pixels"


def test_a_stay_survives_a_short_absence_and_no_longer_one() -> None:
    here, away = region(0, 50, zones=("left",)), region(60, 50)
    stays = stay_on({}, here, 10.0, 1.0)
    stays = stay_on(stays, away, 10.9, 1.0)
    assert stay_on(stays, here, 10.95, 1.0) == {"left": Stay(10.0, 10.95)}
    assert stay_on(stays, here, 11.0, 1.0) == {"left": Stay(11.0, 11.0)}


def test_zones_are_told_when_they_are_entered_and_left() -> None:
    watch = watched(zones={"left": LEFT})
    events = play(
        watch,
        {
            1.0: [region(20, 50, zones=("left",))],
            1.1: [region(24, 50, zones=("left",))],
            1.2: [region(28, 50)],
            1.3: [region(32, 50)],
            3.0: [],
        },
    )
    said = [(event.type, event.after.current_zones, event.after.entered_zones) for event in events]
    assert said == [("new", ("left",), ("left",)), ("update", (), ("left",)), ("end", (), ("left",))]
    assert events[1].before.current_zones == ("left",), "before is what was told last"


def test_a_zone_counts_after_its_own_duration_and_outside_it_the_cameras_limit_decides() -> None:
    watch = watched(zones={"left": LEFT | {"minimum_duration": 2.0}}, events={"minimum_duration": 0.5})
    inside = play(watch, {1.0 + step / 10: [region(20, 50, zones=("left",))] for step in range(25)})
    assert [(event.type, round(event.after.frame_time, 1)) for event in inside] == [("new", 3.0)]
    assert inside[0].after.start_time == 1.0, "the event begins where the region did"
    outside = play(watch, {1.0 + step / 10: [region(60, 50)] for step in range(25)})
    assert [(event.type, round(event.after.frame_time, 1)) for event in outside] == [("new", 1.5)]


def test_what_is_too_small_or_too_short_is_never_told() -> None:
    watch = watched(events={"minimum_area": 0.05, "minimum_duration": 0.5})
    small = {1.0 + step / 10: [region(20, 50, side=20)] for step in range(20)}
    assert play(watch, small) == [], "20 x 20 of 100 x 100 is 4 %"
    large = {1.0 + step / 10: [region(20, 50, side=23)] for step in range(20)}
    assert [event.type for event in play(watch, large)] == ["new"], "23 x 23 is 5.3 %"
    short = {1.0 + step / 10: [region(20, 50, side=30)] for step in range(5)} | {3.0: []}
    assert play(watch, short) == []


def test_a_candidate_may_be_missed_for_a_moment() -> None:
    watch = watched(events={"minimum_duration": 0.5})
    seen = {1.0 + step / 10: [region(20, 50)] if step != 3 else [] for step in range(8)}
    assert [event.after.start_time for event in play(watch, seen)] == [1.0]


def test_only_in_zones_leaves_out_the_rest() -> None:
    watch = watched(zones={"left": LEFT}, events={"only_in_zones": True})
    assert play(watch, {1.0: [region(60, 50)], 1.1: [region(60, 50)]}) == []
    assert [event.type for event in play(watch, {1.0: [region(10, 50, zones=("left",))]})] == ["new"]


def test_hand_computed_mask() -> None:
    """The right half of a 6 x 8 map: columns 4 to 7."""
    expected = np.ones((6, 8), np.bool_)
    expected[:, 4:] = False
    right = ((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0))
    np.testing.assert_array_equal(open_area([right], (6, 8)), expected)


def test_what_is_behind_a_mask_never_stands_out() -> None:
    """The block of `saliency` is columns 24 to 71 of 96 and rows 16 to 47 of 64."""
    masks = [[[0.2, 0.2], [0.8, 0.2], [0.8, 0.8], [0.2, 0.8]]]
    assert Follower("door", REGIONS, watched(masks=masks)).follow(analysed(0, saliency(0.9)), 1.0) == ()
    half = [[[0.5, 0], [1, 0], [1, 1], [0.5, 1]]]
    (event,) = Follower("door", REGIONS, watched(masks=half)).follow(analysed(0, saliency(0.9)), 1.0)
    assert event.after.box == (24, 16, 48, 48)


def test_the_follower_finds_the_zones_in_the_frame() -> None:
    """The block's foot is at (48 / 96, 48 / 64)."""
    zones = {"foot": {"points": [[0.4, 0.7], [0.6, 0.7], [0.6, 0.8], [0.4, 0.8]]}, "left": LEFT}
    follower = Follower("door", REGIONS, watched(zones=zones))
    maps = saliency(0.9)
    (event,) = follower.follow(analysed(0, replace(maps, final=np.roll(maps.final, 4, axis=1))), 1.0)
    assert event.after.current_zones == event.after.entered_zones == ("foot",)
    (shown,) = follower.regions
    assert shown.current_zones == ("foot",)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([[0, 0], [1, 0]], "at least 3 different points"),
        ([[0, 0], [0.5, 0.5], [1, 1]], "encloses nothing"),
        ([[0, 0], [1, 1], [1, 0], [0, 1]], "encloses nothing"),
        ([[0, 0], [1, 0], [1, 1.2]], "less than or equal to 1"),
    ],
)
def test_a_polygon_that_cannot_be_is_refused(points: list[list[float]], expected: str) -> None:
    with pytest.raises(ValueError, match=expected) as raised:
        watched(zones={"driveway": {"points": points}})
    assert "zones.driveway.points" in str(raised.value)
    with pytest.raises(ValueError, match=expected) as raised:
        watched(masks=[LEFT["points"], points])
    assert "masks.1" in str(raised.value)


def test_a_zones_name_is_checked() -> None:
    with pytest.raises(ValueError, match="zone name 'The Drive' is not usable"):
        watched(zones={"The Drive": LEFT})
