"""Made scenes are what they say: the flow carries one frame into the other, and the mask is what moves."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.errors import TrainingDataError
from models.training.homographies import IDENTITY, displacement, motion, translation
from models.training.motion_scenes import MotionScene, SceneStyle, generate_scene
from models.training.samples import Sample
from models.training.scene_layers import Layer, render
from tests.fakes.textures import blob, texture

SIZE = (96, 160)
CLEAN = SceneStyle(exposure=0, noise=0, flicker=0)
RIGID = replace(CLEAN, articulated=0, scenery=0, parallax=0, area=(0.05, 0.2))
PLAIN = replace(RIGID, turn=0, zoom=0, tilt=0, tripod=0, followed=0)


@pytest.fixture(scope="module")
def pictures() -> tuple[list[Sample], list[NDArray[np.uint8]]]:
    rng = np.random.default_rng(7)
    return [blob((120, 140), rng) for _ in range(3)], [texture((150, 200), rng) for _ in range(2)]


Pictures = tuple[list[Sample], list[NDArray[np.uint8]]]


def _scene(pictures: Pictures, style: SceneStyle, seed: int) -> MotionScene:
    return generate_scene(*pictures, SIZE, np.random.default_rng(seed), style)


def _carried(image: NDArray[np.uint8], flow: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `image` sampled where `flow` points."""
    y, x = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
    return cv2.remap(image, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR).astype(np.float32)


def _misfit(flow: NDArray[np.float32], where: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the distance in pixels of each flow vector there from the one homography that fits them best."""
    rows, columns = np.nonzero(where)
    start = np.stack((columns, rows), 1).astype(np.float64)
    end = start + flow[where]
    homography, _ = cv2.findHomography(start, end, 0)
    return np.asarray(np.hypot(*(cv2.perspectiveTransform(start[None], homography)[0] - end).T))


def test_a_turn_by_ninety_degrees_moves_the_corners_as_computed_by_hand() -> None:
    # About (1, 1), x turns into y: (0, 0) -> (2, 0), (2, 0) -> (2, 2); then all move by (10, 0).
    steps = displacement(motion((1.0, 1.0), shift=(10.0, 0.0), rotation=np.pi / 2), (0, 0, 3, 3))
    np.testing.assert_allclose(steps[0, 0], (12, 0), atol=1e-5)
    np.testing.assert_allclose(steps[0, 2], (10, 2), atol=1e-5)
    np.testing.assert_allclose(steps[1, 1], (10, 0), atol=1e-5)


def test_a_window_of_a_tilted_plane_moves_as_computed_by_hand() -> None:
    # x / (1 + x / 100): the pixel at x = 100 comes to 50, y = 20 there to 10.
    np.testing.assert_allclose(
        displacement(motion((0, 0), tilt=(0.01, 0)), (20, 100, 1, 1))[0, 0], (-50, -10), atol=1e-4
    )


@pytest.mark.parametrize("seed", range(4))
def test_frames_mask_and_flow_have_their_form(pictures: Pictures, seed: int) -> None:
    scene = _scene(pictures, SceneStyle(), seed)
    assert scene.first.shape == scene.second.shape == (*SIZE, 3)
    assert scene.first.dtype == scene.second.dtype == np.uint8
    assert scene.mask.shape == SIZE
    assert scene.mask.dtype == np.float32
    assert 0 <= scene.mask.min() <= scene.mask.max() <= 1
    assert scene.flow.shape == (*SIZE, 2)
    assert scene.flow.dtype == np.float32
    assert np.isfinite(scene.flow).all()


def test_a_plain_pan_moves_every_pixel_by_the_cameras_speed(pictures: Pictures) -> None:
    scene = _scene(pictures, replace(PLAIN, moving=(1,), still=(0, 1), camera_speed=(9, 9)), 1)
    np.testing.assert_allclose(np.hypot(*np.moveaxis(scene.flow, 2, 0)), 9 * SIZE[1] / 288, rtol=1e-4)
    assert scene.mask.max() == 0  # the still object moves with the world


@pytest.mark.parametrize("seed", range(6))
def test_the_flow_carries_the_first_frame_into_the_second(pictures: Pictures, seed: int) -> None:
    scene = _scene(pictures, replace(CLEAN, speed=(0.5, 6)), seed)
    difference = np.abs(_carried(scene.first, scene.flow) - scene.second).mean(2)[12:-12, 12:-12]
    unmoved = np.abs(scene.first.astype(np.float32) - scene.second).mean(2)[12:-12, 12:-12]
    assert np.median(difference) < 4  # twice interpolated, not the same twice
    assert np.mean(difference > 25) < 0.08  # what the first frame does not show
    assert np.median(difference) < 0.5 * np.median(unmoved) + 1


@pytest.mark.parametrize("seed", range(6))
def test_outside_the_mask_one_homography_explains_the_flow_and_inside_it_does_not(
    pictures: Pictures, seed: int
) -> None:
    style = replace(RIGID, moving=(0, 1), still=(0, 1), speed=(4, 12), followed=0)
    scene = _scene(pictures, style, seed)
    assert _misfit(scene.flow, scene.mask == 0).max() < 0.01
    away = scene.flow.copy()
    rows, columns = np.nonzero(scene.mask == 0)
    start = np.stack((columns, rows), 1).astype(np.float64)
    world, _ = cv2.findHomography(start, start + scene.flow[rows, columns], 0)
    away -= displacement(np.asarray(world, np.float64), (0, 0, *SIZE))
    inside = scene.mask == 1
    assert inside.any()
    assert np.median(np.hypot(*away[inside].T)) > 0.5 * 4 * SIZE[1] / 288


def test_a_bent_object_moves_in_two_ways_and_is_in_the_mask_as_a_whole(pictures: Pictures) -> None:
    style = replace(PLAIN, moving=(0, 1), still=(1,), articulated=1, speed=(8, 8), camera_speed=(0, 0), area=(0.2, 0.2))
    covered = []
    for seed in range(6):
        scene = _scene(pictures, style, seed)
        inside = scene.mask > 0.99
        assert _misfit(scene.flow, inside).max() > 0.3
        covered.append(float(inside.mean()))
    assert max(covered) == pytest.approx(0.2, rel=0.25)


def test_noise_changes_the_frames_and_not_the_truth(pictures: Pictures) -> None:
    sharp = _scene(pictures, replace(PLAIN, camera_speed=(14, 14)), 3)
    noisy = _scene(pictures, replace(PLAIN, camera_speed=(14, 14), noise=20), 3)
    np.testing.assert_array_equal(sharp.flow, noisy.flow)
    np.testing.assert_array_equal(sharp.mask, noisy.mask)
    assert np.abs(sharp.second.astype(int) - noisy.second).mean() > 1


def test_an_open_shutter_smears_along_the_motion_only(pictures: Pictures) -> None:
    layer = Layer(pictures[1][0], IDENTITY, translation(10, 0), moves=False, endless=True)
    sharp, smeared = (render([layer], SIZE, exposure, second=False).astype(float) for exposure in (0.0, 0.9))
    assert np.abs(np.diff(smeared, axis=1)).mean() < 0.6 * np.abs(np.diff(sharp, axis=1)).mean()
    rows = np.repeat(np.arange(150, dtype=np.uint8)[:, None, None], 200, 1).repeat(3, 2)
    upright = Layer(rows, IDENTITY, translation(10, 0), moves=False, endless=True)
    np.testing.assert_array_equal(render([upright], SIZE, 0.9, second=False)[:, 80, 0], np.arange(SIZE[0]))


def test_the_same_seed_makes_the_same_scene(pictures: Pictures) -> None:
    one, two, other = (_scene(pictures, SceneStyle(), seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.second, two.second)
    np.testing.assert_array_equal(one.flow, two.flow)
    assert not np.array_equal(one.second, other.second)


def test_a_scene_without_objects_is_refused(pictures: Pictures) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(TrainingDataError, match="not 0 and 2"):
        generate_scene([], pictures[1], SIZE, rng)
    empty = Sample(pictures[1][0], np.zeros(pictures[1][0].shape[:2], np.float32))
    with pytest.raises(TrainingDataError, match="check the masks"):
        generate_scene([empty], pictures[1], SIZE, rng, replace(CLEAN, moving=(0, 1)))
