"""Smoothing along the flow."""

import numpy as np
import pytest

from pipeline.temporal import Arrival, TemporalSmoothing, carry, trust

SIZE = (8, 12)


def grey(level: float) -> np.ndarray:
    return np.full((*SIZE, 3), level, np.uint8)


def flow(x: float, y: float) -> np.ndarray:
    return np.broadcast_to(np.array([x, y], np.float32), (*SIZE, 2)).copy()


def test_the_past_is_carried_to_where_the_flow_has_brought_it() -> None:
    past = np.zeros(SIZE, np.float32)
    past[3, 4] = 1
    carried = carry(past, flow(2, 1))
    assert np.argwhere(carried > 0.5).tolist() == [[4, 6]]
    both = carry(np.stack([past, 2 * past], axis=2), flow(2, 1))
    assert both.shape == (*SIZE, 2)
    np.testing.assert_allclose(both[..., 1], 2 * carried)


def test_a_vector_between_pixels_samples_linearly() -> None:
    past = np.tile(np.arange(SIZE[1], dtype=np.float32), (SIZE[0], 1))
    assert carry(past, flow(0.5, 0))[0, 4] == pytest.approx(3.5)


def test_trust_falls_with_the_difference_of_the_pictures() -> None:
    """20 grey levels of difference: 1 / e."""
    before, now = np.full(SIZE, 100, np.float32), np.full(SIZE, 120, np.float32)
    assert trust(now, now) == pytest.approx(1.0)
    assert trust(before, now) == pytest.approx(np.exp(-1), rel=1e-4)


def test_half_of_the_past_stays_where_nothing_changes() -> None:
    smoothing = TemporalSmoothing(0.5)
    one, zero = np.ones(SIZE, np.float32), np.zeros(SIZE, np.float32)
    begun = smoothing((one, zero), Arrival(grey(100), None))
    assert [found.mean() for found in begun] == [1.0, 0.0]
    for expected in (0.5, 0.25):
        first, second = smoothing((zero, zero), Arrival(grey(100), flow(0, 0)))
        assert first == pytest.approx(expected)
        assert second.max() == 0, "each map has a past of its own"


def test_a_picture_that_does_not_fit_the_flow_is_hardly_mixed_in() -> None:
    smoothing = TemporalSmoothing(0.5)
    smoothing((np.ones(SIZE, np.float32),), Arrival(grey(20), None))
    (mixed,) = smoothing((np.zeros(SIZE, np.float32),), Arrival(grey(220), flow(0, 0)))
    assert mixed.max() < 1e-3


def test_a_new_scene_has_no_past() -> None:
    smoothing = TemporalSmoothing(0.9)
    smoothing((np.ones(SIZE, np.float32),), Arrival(grey(100), None))
    (begun,) = smoothing((np.zeros(SIZE, np.float32),), Arrival(grey(100), None))
    assert begun.max() == 0
    (after,) = smoothing((np.zeros(SIZE, np.float32),), Arrival(grey(100), flow(0, 0)))
    assert after.max() == 0, "the scene before it is forgotten"
