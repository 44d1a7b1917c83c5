"""One hand-computed case an equation."""

import numpy as np
import pytest
import torch

from models.training.twin import euclidean_loss
from pipeline.fusion import fuse
from pipeline.keyframes import cut, non_overlapping_ratio
from pipeline.motion_contrast import conventional_motion_saliency, flow_contrast
from pipeline.values import Map


def as_map(*rows: list[float]) -> Map:
    return np.array(rows, np.float32)


def test_eq_4_contrast_is_flow_difference_over_distance() -> None:
    flow = np.zeros((3, 3, 2), np.float32)
    flow[1, 1] = (3, 4)  # magnitude 5, all around it 0
    contrast = flow_contrast(flow, radius=1, step=1, weight=2.0)
    # centre: 4 neighbours at distance 1 and 4 at sqrt(2), each with a difference of 5, weight 2
    assert contrast[1, 1] == pytest.approx(4 * 5 / 2 + 4 * 5 / (2 * 2**0.5))
    # corner: of its neighbours only the centre differs, at distance sqrt(2)
    assert contrast[0, 0] == pytest.approx(5 / (2 * 2**0.5))
    # edge: the centre at distance 1
    assert contrast[0, 1] == pytest.approx(5 / 2)


def test_eq_4_a_still_scene_stays_dark() -> None:
    noise = np.random.default_rng(0).normal(0, 1e-4, (48, 64, 2)).astype(np.float32)
    assert conventional_motion_saliency(noise, floor=0.5).max() < 0.01


def test_eq_6_and_9_fuse_by_the_product() -> None:
    first, second = as_map([0.5, 1.0], [0.2, 0.0]), as_map([0.5, 0.3], [0.5, 0.9])
    np.testing.assert_allclose(fuse(first, second), [[0.25, 0.3], [0.1, 0.0]], rtol=1e-6)
    np.testing.assert_allclose(fuse(first, second, "geometric-mean"), [[0.5, 0.3**0.5], [0.1**0.5, 0]], rtol=1e-6)


def test_eq_7_by_hand() -> None:
    motion = as_map([0.9, 0.05], [0.4, 0.0])
    colour = as_map([0.6, 0.06], [0.0, 0.02])
    # T(sum): 1.5, .11, .4 are salient, .02 is not: 3 pixels. T of each: motion .9 0 .4 0, colour .6 0 0 0
    # the first pixel disagrees by .3 of 1.5, the second by nothing after the cut, the third by all of .4
    expected = (0.3 / 1.501 + 0.4 / 0.401) / 3
    assert non_overlapping_ratio(motion, colour) == pytest.approx(expected, rel=1e-5)


def test_eq_7_agreement_is_0_and_disjoint_maps_are_near_1() -> None:
    one, other = as_map([1.0, 0.0]), as_map([0.0, 1.0])
    assert non_overlapping_ratio(one, one) == 0
    assert non_overlapping_ratio(one, other) == pytest.approx(1 / 1.001, rel=1e-5)


def test_eq_7_maps_that_find_nothing_are_no_keyframe() -> None:
    nothing = as_map([0.0, 0.01])
    assert non_overlapping_ratio(nothing, nothing) == 1.0


def test_the_threshold_filter_keeps_a_tenth() -> None:
    np.testing.assert_array_equal(cut(as_map([0.0999, 0.1, 0.5])), as_map([0.0, 0.1, 0.5]))


def test_eq_8_by_hand() -> None:
    label = torch.tensor([[[[1.0, 0.0]]], [[[0.5, 0.5]]]])
    estimate = torch.tensor([[[[0.0, 0.0]]], [[[0.5, 0.1]]]])
    # two maps: squared distances 1 and .16; 1 / (2 * 2)
    assert float(euclidean_loss(estimate, label)) == pytest.approx((1 + 0.16) / 4)
