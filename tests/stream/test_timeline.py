from fractions import Fraction

import numpy as np

from stream.reader import DecodedPicture
from stream.timeline import Timeline

TICK = Fraction(1, 100)


def picture(pts: int | None, time_base: Fraction = TICK) -> DecodedPicture:
    return DecodedPicture(np.zeros((2, 2, 3), np.uint8), pts, time_base)


def places(timeline: Timeline, *pictures: tuple[int | None, float]) -> list[int]:
    return [timeline.place(picture(pts), arrival)[0] for pts, arrival in pictures]


def test_growing_times_are_kept() -> None:
    assert places(Timeline(live=False), (7, 0.0), (11, 0.0), (500, 0.0)) == [7, 11, 500]


def test_missing_and_backward_times_come_a_nominal_step_later_in_files() -> None:
    timeline = Timeline(live=False)
    timeline.begin(Fraction(20))  # a step of 5 ticks
    assert places(timeline, (100, 0.0), (None, 0.0), (90, 0.0), (95, 0.0), (95, 0.0)) == [100, 105, 110, 115, 120]


def test_missing_and_backward_times_come_when_they_really_came_in_live_streams() -> None:
    timeline = Timeline(live=True)
    timeline.begin(Fraction(20))
    assert places(timeline, (100, 1.0), (None, 1.25), (3, 1.75), (6, 1.8), (6, 1.8)) == [100, 125, 175, 178, 179]


def test_a_file_that_starts_again_goes_on() -> None:
    timeline = Timeline(live=False)
    timeline.begin(Fraction(25))
    first = places(timeline, (0, 0.0), (4, 0.0))
    timeline.begin(Fraction(25))
    assert first + places(timeline, (0, 0.0), (4, 0.0)) == [0, 4, 8, 12]


def test_a_camera_that_comes_back_with_other_units_and_a_later_time_goes_on_by_the_clock() -> None:
    timeline = Timeline(live=True)
    timeline.begin(Fraction(25))
    assert timeline.place(picture(10), 5.0) == (10, TICK)
    timeline.begin(Fraction(25))
    assert timeline.place(picture(90_000, Fraction(1, 9000)), 7.0) == (210, TICK)
    assert timeline.place(picture(90_900, Fraction(1, 9000)), 7.1) == (220, TICK)
