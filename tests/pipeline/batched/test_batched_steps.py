"""The steps of the batched frame path, each against the one that does it frame by frame."""

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.flow.lucas_kanade import median_of_nine
from pipeline.batched.camera import without_cameras
from pipeline.batched.fusion import final_maps, low_level, non_overlapping_ratios
from pipeline.batched.homography import fit_homographies, homography_flows
from pipeline.batched.picture import flow_and_luminance
from pipeline.batched.shrinking import Shrinking, luminance
from pipeline.batched.smoothing import BatchSmoothing
from pipeline.camera_motion import homography_flow, without_camera
from pipeline.flow_and_luminance import code_flow_and_luminance
from pipeline.fusion import final_map, fuse
from pipeline.keyframes import non_overlapping_ratio
from pipeline.motion_input import resize_flow
from pipeline.temporal import Arrival, TemporalSmoothing
from pipeline.working_size import shrink
from tests.fakes.textures import texture

FINE, SMALL = (144, 192), (96, 128)
CPU = torch.device("cpu")
RNG = np.random.default_rng(0)


def pictures(size: tuple[int, int], count: int = 2) -> NDArray[np.uint8]:
    rng = np.random.default_rng(4)
    return np.stack([cv2.GaussianBlur(texture(size, rng), (0, 0), 1.5) for _ in range(count)]).astype(np.uint8)


def planes(array: NDArray[np.generic]) -> Tensor:
    """Return (N, h, w, C) as (N, C, h, w) float32."""
    return torch.from_numpy(np.ascontiguousarray(array)).float().permute(0, 3, 1, 2).contiguous()


def smooth_flows(size: tuple[int, int], count: int = 2) -> NDArray[np.float32]:
    noise = np.random.default_rng(5).normal(0, 30, (count, *size, 2)).astype(np.float32)
    return np.stack([cv2.GaussianBlur(one, (0, 0), 9) for one in noise])


def cameras() -> list[NDArray[np.float64]]:
    """Return homographies that pan, zoom, roll and tilt."""
    rolled = np.array([[1.01, -0.02, 3.0], [0.02, 0.99, -4.0], [0.0, 0.0, 1.0]])
    tilted = np.array([[0.98, 0.01, -9.0], [0.0, 1.02, 2.0], [1e-4, -8e-5, 1.0]])
    return [np.eye(3), rolled, tilted]


@pytest.mark.parametrize("size", [FINE, (2 * SMALL[0] + 17, 2 * SMALL[1] + 40)])
def test_pictures_and_flow_are_shrunk_as_opencv_does(size: tuple[int, int]) -> None:
    frames, flows = pictures(size), smooth_flows(size)
    shrinking = Shrinking(size, SMALL, CPU)
    expected = np.stack([shrink(frame, SMALL) for frame in frames])
    found = shrinking.picture(planes(frames))
    difference = np.abs(found.permute(0, 2, 3, 1).numpy() - expected)
    assert difference.max() <= 1
    assert difference.mean() < 0.3, "OpenCV rounds at each step"
    smaller = shrinking.flow(planes(flows)).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(smaller, np.stack([resize_flow(flow, SMALL) for flow in flows]), atol=1e-4)


def test_luminance_is_opencvs() -> None:
    frames = RNG.integers(0, 256, (2, 40, 50, 3), np.uint8)
    expected = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames])
    difference = np.abs(luminance(planes(frames))[:, 0].numpy() - expected)
    assert difference.max() <= 1
    assert difference.mean() < 0.01


@pytest.mark.parametrize("outliers", [0.0, 0.15, 0.3])
def test_known_homographies_are_found_beside_outliers(outliers: float) -> None:
    rng = np.random.default_rng(7)
    exact = np.stack([homography_flow(camera, SMALL) for camera in cameras()])
    flows = exact + rng.normal(0, 0.05, exact.shape).astype(np.float32)
    rows = round(outliers * SMALL[0])
    flows[:, SMALL[0] - rows :] = rng.normal((6, -5), 0.5, flows[:, SMALL[0] - rows :].shape)
    fitted, support = fit_homographies(planes(flows))
    found = homography_flows(fitted, SMALL).permute(0, 2, 3, 1).numpy()
    inside = (slice(None), slice(SMALL[0] - rows))
    assert np.abs(found - exact)[inside].max() < 0.2
    np.testing.assert_allclose(support.numpy(), 1 - outliers, atol=0.06)


def test_where_no_homography_is_believed_the_median_is_taken_off_as_one_at_a_time() -> None:
    wild = RNG.normal(0, 40, (2, *SMALL, 2)).astype(np.float32)
    residual, support = without_cameras(planes(wild))
    assert (support.numpy() < 0.3).all()
    expected = np.stack([without_camera(flow, "median")[0] for flow in wild])
    np.testing.assert_allclose(residual.permute(0, 2, 3, 1).numpy(), expected, atol=0.05)


@pytest.mark.parametrize("how", ["median", "none"])
def test_the_other_models_of_the_camera_are_those_of_one_at_a_time(how: str) -> None:
    flows = smooth_flows(SMALL)
    residual, support = without_cameras(planes(flows), how)  # type: ignore[arg-type] # one of the three
    expected = np.stack([without_camera(flow, how)[0] for flow in flows])  # type: ignore[arg-type]
    np.testing.assert_allclose(residual.permute(0, 2, 3, 1).numpy(), expected, atol=0.01)
    assert support.tolist() == [1, 1]


def test_the_motion_networks_picture_is_that_of_one_at_a_time() -> None:
    frames, flows = pictures(SMALL), smooth_flows(SMALL)
    flows[1] *= 0.01  # below the floor
    found = flow_and_luminance(planes(flows), luminance(planes(frames))).permute(0, 2, 3, 1).numpy()
    expected = np.stack(
        [code_flow_and_luminance(flow, frame, 1.0) for flow, frame in zip(flows, frames, strict=True)]
    ).astype(np.float32)
    assert np.abs(found - expected).max() <= 1
    assert (found == expected).mean() > 0.99


def test_fusion_and_nr_are_those_of_one_at_a_time() -> None:
    motion, colour, twin = RNG.random((3, 3, 1, 20, 30), np.float32)
    motion[1] = colour[1] = 0.01
    known = torch.tensor([True, True, False]).view(-1, 1, 1, 1)
    low = low_level(torch.from_numpy(motion), torch.from_numpy(colour), known, "product")
    np.testing.assert_allclose(low[0].numpy(), fuse(motion[0], colour[0]), rtol=1e-6)
    np.testing.assert_array_equal(low[2].numpy(), colour[2])
    given = [torch.from_numpy(one) for one in (motion, colour, twin)]
    nr = torch.tensor([0.3, 1.0, 1.0])
    for how in ("mean", "product"):
        final = final_maps(*given, known, nr, how, "product").numpy()  # type: ignore[arg-type] # one of the two
        first = final_map(motion[0, 0], colour[0, 0], twin[0, 0], 0.3, how)  # type: ignore[arg-type]
        last = final_map(None, colour[2, 0], twin[2, 0], 1.0, how)  # type: ignore[arg-type]
        np.testing.assert_allclose(final[0, 0], first, rtol=1e-4)
        np.testing.assert_allclose(final[2, 0], last, rtol=1e-6)
    ratios = non_overlapping_ratios(torch.from_numpy(motion), torch.from_numpy(colour), known)
    assert ratios.tolist() == pytest.approx([non_overlapping_ratio(motion[0], colour[0]), 1, 1], abs=1e-5)


def test_smoothing_is_that_of_one_at_a_time() -> None:
    frames, flows = pictures(SMALL, 3), smooth_flows(SMALL, 3)
    maps = RNG.random((3, *SMALL, 1), np.float32)
    alone = TemporalSmoothing(0.75)
    batch = BatchSmoothing(0.75, *torch.zeros(2, 1, 1, *SMALL))
    for index, frame in enumerate(frames):
        known = index > 0
        (expected,) = alone((maps[index, ..., 0],), Arrival(frame, flows[index] if known else None))
        found = batch(
            planes(maps[index : index + 1]),
            luminance(planes(frame[None])),
            planes(flows[index : index + 1]),
            torch.tensor(known).view(1, 1, 1, 1),
        )
        np.testing.assert_allclose(found[0, 0].numpy(), expected, atol=0.02)


def test_the_median_of_nine_is_the_median() -> None:
    x = torch.from_numpy(RNG.random((2, 2, 9, 11), np.float32))
    expected = [cv2.medianBlur(plane.numpy(), 3) for plane in x.flatten(0, 1)]
    np.testing.assert_array_equal(median_of_nine(x).flatten(0, 1).numpy(), np.stack(expected))
