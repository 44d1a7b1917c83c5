from fractions import Fraction

import numpy as np
import pytest

from stream.frame import Frame
from stream.lateness import Lateness


def frame(media_time: float, arrived_at: float) -> Frame:
    return Frame(np.zeros((2, 2, 3), np.uint8), round(media_time * 1000), Fraction(1, 1000), 0, arrived_at)


def test_a_frame_that_waited_is_as_old_as_it_waited() -> None:
    lateness = Lateness(budget=0.5, patience=5)
    assert lateness.age(frame(0, 10.0), 10.2, transported=True) == pytest.approx(0.2)
    assert lateness.is_late(frame(0.1, 10.1), 10.7, transported=True)
    assert not lateness.is_late(frame(0.2, 10.2), 10.7, transported=False)


def test_a_backlog_after_a_stall_is_old_though_it_has_just_arrived() -> None:
    lateness = Lateness(budget=0.5, patience=5)
    assert not lateness.is_late(frame(0.0, 10.0), 10.0, transported=True)
    stalled = [frame(number / 10, 13.0) for number in range(1, 31)]
    late = [lateness.is_late(each, 13.0, transported=True) for each in stalled]
    assert late == [True] * 24 + [False] * 6  # 0.1 … 2.4 s are over 0.5 s behind 3.0 s, but for the drift


def test_frames_read_at_our_own_pace_have_no_way_to_be_late_on() -> None:
    lateness = Lateness(budget=0.5, patience=5)
    assert not lateness.is_late(frame(0.0, 10.0), 10.0, transported=False)
    assert not lateness.is_late(frame(0.1, 13.0), 13.0, transported=False)


def test_a_lastingly_longer_way_becomes_the_usual_one() -> None:
    lateness = Lateness(budget=0.5, patience=2)
    lateness.is_late(frame(0.0, 10.0), 10.0, transported=True)
    times = [1 + number / 10 for number in range(40)]
    late = [lateness.is_late(frame(time, time + 12), time + 12, transported=True) for time in times]
    assert late[:10] == [True] * 10
    assert late[-10:] == [False] * 10


def test_a_camera_clock_that_runs_slow_makes_nothing_late() -> None:
    lateness = Lateness(budget=0.5, patience=1e9)
    slow = 1 - 2e-4
    assert not any(
        lateness.is_late(frame(second * slow, float(second)), float(second), transported=True)
        for second in range(0, 36_000, 10)
    )
