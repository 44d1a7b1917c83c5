import pytest

from stream.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.waited: list[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += seconds


def test_pictures_leave_at_their_times() -> None:
    clock = Clock()
    pace = Pace(clock, clock.wait)
    for media_time in (5.0, 5.1, 5.3):
        pace.until(media_time)
    assert clock.waited == pytest.approx([0.1, 0.2])


def test_a_short_delay_is_caught_up() -> None:
    clock = Clock()
    pace = Pace(clock, clock.wait)
    pace.until(0.0)
    clock.now += 0.3
    pace.until(0.1)
    pace.until(0.4)
    assert clock.waited == pytest.approx([0.1])


def test_a_long_delay_or_gap_starts_anew_instead() -> None:
    clock = Clock()
    pace = Pace(clock, clock.wait)
    pace.until(0.0)
    clock.now += 3
    pace.until(0.1)
    pace.until(0.2)
    pace.until(3600.0)
    pace.until(3600.1)
    assert clock.waited == pytest.approx([0.1, 0.1])
