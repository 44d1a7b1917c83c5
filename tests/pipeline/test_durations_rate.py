import pytest

from pipeline import durations
from pipeline.durations import Durations
from pipeline.rate import Rate


def test_percentiles_of_each_stage_in_milliseconds() -> None:
    taken = Durations()
    for milliseconds in range(101):
        taken.add({"colour": milliseconds / 1000, "total": 2 * milliseconds / 1000})
    taken.add({"output": 0.0123456})
    assert taken.milliseconds() == {
        "colour": {"p50": 50, "p95": 95, "p99": 99},
        "total": {"p50": 100, "p95": 190, "p99": 198},
        "output": {"p50": 12.346, "p95": 12.346, "p99": 12.346},
    }


def test_only_the_last_durations_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durations, "_KEPT", 3)
    taken = Durations()
    for seconds in (9, 9, 1, 2, 3):
        taken.add({"total": seconds})
    assert taken.milliseconds()["total"]["p50"] == 2000


def test_nothing_taken_is_nothing_told() -> None:
    assert Durations().milliseconds() == {}


def test_a_rate_is_that_of_the_last_three_seconds() -> None:
    rate = Rate()
    for tick in range(100):
        rate.tick(10 + tick / 10)
    assert rate.per_second(19.9) == pytest.approx(10)
    for tick in range(1, 61):
        rate.tick(19.9 + tick / 20)
    assert rate.per_second(22.9) == pytest.approx(20)


def test_a_rate_falls_to_zero_when_nothing_comes() -> None:
    rate = Rate()
    assert rate.per_second(0) == 0
    rate.tick(1)
    assert rate.per_second(1) == 0, "one event has no rate"
    rate.tick(1.5)
    assert rate.per_second(2) == pytest.approx(1)
    assert rate.per_second(5) == 0
