import pytest

from stream.frame_rate_limit import FrameRateLimit


@pytest.mark.parametrize(
    ("source", "most", "left"), [(30, 15, 15), (25, 15, 15), (30, 10, 10), (24, 30, 24), (60, 7, 7)]
)
def test_the_mean_rate_is_met_with_any_source(source: int, most: float, left: int) -> None:
    limit = FrameRateLimit(most)
    taken = [limit.takes(round(number * 90_000 / source)) for number in range(10 * source)]
    assert abs(sum(taken) - 10 * left) <= 1


def test_a_jittering_source_at_the_limit_loses_nothing_and_a_gap_earns_no_burst() -> None:
    limit = FrameRateLimit(30)
    assert all(limit.takes(number * 3000 + (600 if number % 2 else 0)) for number in range(100))
    assert [limit.takes(9_000_000 + number * 1500) for number in range(4)] == [True, False, True, False]


def test_without_a_limit_all_are_taken() -> None:
    assert all(FrameRateLimit(None).takes(number) for number in range(5))
