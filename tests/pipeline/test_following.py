from dataclasses import replace

import numpy as np
import pytest

from configs.method import RegionSettings
from pipeline.following import Follower, MediaClock, arrival
from stream.events import RegionEvent
from tests.fakes.frames import analysed, frame, saliency

SETTINGS = RegionSettings(minimum_hits=2, patience=1.0, update_interval=10)


def types(events: tuple[RegionEvent, ...]) -> list[str]:
    return [event.type for event in events]


def test_the_clock_follows_media_time_from_its_first_frame() -> None:
    clock = MediaClock(live=False)
    assert clock.unix(0.0, 1000.0) == 1000.0
    assert clock.unix(2.0, 1000.5) == 1002.0, "a file may be read faster than it plays"
    assert clock.unix(3.0, 5000.0) == 1003.0, "or slower"


@pytest.mark.parametrize(("late", "expected"), [(0.9, 1010.0), (1.1, 1011.1)])
def test_a_live_stream_that_paused_is_anchored_anew(late: float, expected: float) -> None:
    clock = MediaClock(live=True)
    assert clock.unix(5.0, 1005.0) == 1005.0
    assert clock.unix(10.0, 1010.0 + late) == pytest.approx(expected)
    assert clock.unix(11.0, 1011.0 + late) == pytest.approx(expected + 1)


def test_a_frame_that_waited_for_its_networks_counts_from_its_arrival() -> None:
    first, second = frame(0), frame(25)
    clock = MediaClock(live=True)
    assert clock.unix(first.time, arrival(first, first.arrived_at + 4.0, 1004.0)) == 1000.0
    assert clock.unix(second.time, arrival(second, second.arrived_at + 3.1, 1004.1)) == 1001.0


def test_a_region_that_moves_is_shown_where_it_is_before_an_event_tells_it() -> None:
    follower = Follower("door", SETTINGS)
    follower.follow(analysed(0, saliency(0.9)), 1000.0)
    (new,) = follower.follow(analysed(1, saliency(0.9)), 1000.04)
    moved = saliency(0.9)
    shifted = replace(moved, final=np.roll(moved.final, 6, axis=1))
    assert follower.follow(analysed(2, shifted), 1000.08) == ()
    (shown,) = follower.regions
    assert (shown.id, shown.box) == (new.after.id, (30, 16, 78, 48))


def test_a_region_is_announced_followed_and_ended() -> None:
    follower = Follower("door", SETTINGS)
    assert types(follower.follow(analysed(0, saliency(0.9)), 1000.0)) == []
    assert follower.regions == ()
    (new,) = follower.follow(analysed(1, saliency(0.9)), 1000.04)
    assert new.type == "new"
    assert (new.after.camera, new.after.box, new.after.frame_time) == ("door", (24, 16, 72, 48), 1000.04)
    assert new.after.score == pytest.approx(0.9)
    assert follower.regions == (new.after,)
    empty = saliency(0.0)
    assert types(follower.follow(analysed(2, empty), 1000.5)) == []
    (end,) = follower.follow(analysed(3, empty), 1002.0)
    assert (end.type, end.after.id, end.after.end_time) == ("end", new.after.id, 1000.04)
    assert follower.regions == ()


def test_a_scene_cut_ends_every_region_before_new_ones_begin() -> None:
    follower = Follower("door", SETTINGS)
    follower.follow(analysed(0, saliency(0.9)), 1000.0)
    (new,) = follower.follow(analysed(1, saliency(0.9)), 1000.04)
    (end,) = follower.follow(analysed(2, saliency(0.9, scene_cut=True)), 1000.08)
    assert (end.type, end.after.id) == ("end", new.after.id)
    (other,) = follower.follow(analysed(3, saliency(0.9)), 1000.12)
    assert other.type == "new"
    assert other.after.id != new.after.id
    assert types(follower.end()) == ["end"]
    assert follower.end() == ()


def test_boxes_are_in_pixels_of_the_source() -> None:
    follower = Follower("door", SETTINGS)
    large = np.zeros((128, 192, 3), np.uint8)
    follower.follow(analysed(0, saliency(0.9), image=large), 1000.0)
    (new,) = follower.follow(analysed(1, saliency(0.9), image=large), 1000.04)
    assert new.after.box == (48, 32, 144, 96)
