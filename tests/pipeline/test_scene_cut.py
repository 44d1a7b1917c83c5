import cv2
import numpy as np
import pytest

from pipeline.appearance import appearance
from pipeline.scene_cut import is_scene_cut
from stream.synthetic_scene import SyntheticScene
from tests.fakes.frames import picture


def test_pans_and_crossing_objects_are_no_cuts_and_other_ground_is() -> None:
    scene = SyntheticScene(192, 108, fps=10, seed=2, cuts=1.5)
    looks = [appearance(scene.frame(number)[0]) for number in range(90)]
    found = [number for number in range(1, 90) if is_scene_cut(looks[number - 1], looks[number])]
    assert found
    assert all(scene.is_cut(number) for number in found)


def test_scenes_that_share_their_colours_are_told_apart_by_their_structure() -> None:
    rng = np.random.default_rng(0)
    first, second = (
        cv2.resize(rng.integers(60, 200, (9, 16, 3), np.uint8), (288, 160), interpolation=cv2.INTER_NEAREST)
        for _ in range(2)
    )
    tinted = np.asarray(np.clip(first * np.array([1.0, 0.9, 0.8]), 0, 255), np.uint8)
    looks = [appearance(image) for image in (first, second, tinted)]
    assert is_scene_cut(looks[0], looks[1])
    assert not is_scene_cut(looks[0], looks[2]), "the light changes, the structure stays"


def test_an_appearance_has_its_form() -> None:
    look = appearance(picture())
    assert (look.thumbnail.shape, look.thumbnail.dtype) == ((18, 32, 3), np.float32)
    assert 0 <= look.thumbnail.min() <= look.thumbnail.max() <= 1
    assert look.histogram.shape == (512,)
    assert look.histogram.sum() == pytest.approx(1)


def test_neither_a_lamp_nor_a_quick_pan_is_a_cut() -> None:
    still = picture()
    brighter = cv2.convertScaleAbs(still, alpha=1.15, beta=8)
    assert not is_scene_cut(appearance(still), appearance(brighter))
    assert not is_scene_cut(appearance(still), appearance(np.roll(still, 30, axis=1))), "the colours stay"
    assert is_scene_cut(appearance(still), appearance(picture(0, ground=(200, 180, 40))))
