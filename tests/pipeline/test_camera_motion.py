import numpy as np
import pytest

from pipeline.camera_motion import fit_camera, homography_flow, without_camera
from pipeline.motion_input import resize_flow

SIZE = (96, 128)
PAN_AND_ZOOM = np.array([[1.02, 0.01, 3.0], [-0.01, 1.02, -2.0], [1e-5, 0.0, 1.0]])


def test_a_moving_camera_over_a_still_world_leaves_nothing() -> None:
    assert np.abs(without_camera(homography_flow(PAN_AND_ZOOM, SIZE))[0]).max() < 0.05


def test_what_moves_by_itself_is_what_remains() -> None:
    flow = homography_flow(PAN_AND_ZOOM, SIZE)
    flow[30:60, 40:80] += (6, 0)
    residual, support = without_camera(flow)
    assert residual[45, 60] == pytest.approx((6, 0), abs=0.1)
    outside = np.ones(SIZE, bool)
    outside[30:60, 40:80] = False
    assert np.abs(residual[outside]).max() < 0.1
    assert support == pytest.approx(outside[4::8, 4::8].mean(), abs=0.02)


def test_flow_without_a_common_motion_falls_back_on_the_median() -> None:
    rng = np.random.default_rng(0)
    flow = rng.normal((5, 0), 30, (*SIZE, 2)).astype(np.float32)
    fit = fit_camera(flow)
    assert fit.homography is None
    residual, support = without_camera(flow)
    assert support == fit.support < 0.3
    assert np.abs(np.median(residual[::2, ::2], axis=(0, 1))).max() < 0.01


def test_none_leaves_the_flow_alone() -> None:
    flow = homography_flow(PAN_AND_ZOOM, SIZE)
    kept, support = without_camera(flow, "none")
    assert kept is flow
    assert support == without_camera(flow, "median")[1] == 1


def test_resized_flow_is_in_the_new_pixels() -> None:
    flow = np.zeros((40, 60, 2), np.float32)
    flow[...] = (6, 4)
    np.testing.assert_allclose(resize_flow(flow, (20, 20))[5, 5], (2, 2))
