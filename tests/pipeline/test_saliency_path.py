"""The frame path's two halves, and what they come to."""

import numpy as np
import pytest

from configs.method import MethodSettings
from models.registry import flow_entry
from models.slot import Slot
from pipeline.fusion import decided
from pipeline.saliency_path import ColourHalf, ColourResult, MotionHalf, MotionResult, combine
from pipeline.temporal import Arrival, TemporalSmoothing
from tests.fakes.frames import SIZE, picture
from tests.fakes.served import BrightIsSalient, ColourfulIsSalient

PAPER = MethodSettings(final="product")
SETTINGS = MethodSettings(motion_coding="coded-flow")
STILL = Arrival(np.full((1, 1, 3), 90, np.uint8), np.zeros((1, 1, 2), np.float32))
UNKNOWN = Arrival(STILL.image, None)


def motion_half(network: ColourfulIsSalient | None = None) -> MotionHalf:
    return MotionHalf(network, flow_entry("dis").build(), SIZE, SETTINGS)


def one(value: float) -> np.ndarray:
    return np.full((1, 1), value, np.float32)


def test_without_a_twin_the_original_speaks_alone() -> None:
    result = ColourHalf(BrightIsSalient(), Slot())(picture())
    assert (result.twin, result.model_version) == (None, 0)
    assert result.colour == pytest.approx(picture().mean(2) / 255)


def test_a_swap_adds_the_twins_map_and_leaves_the_originals_as_it_was() -> None:
    network, slot = BrightIsSalient(), Slot()
    half = ColourHalf(network, slot)
    before = half(picture())
    slot.swap(lambda features: network.head(features) ** 3)
    after = half(picture())
    assert after.model_version == 1
    assert after.twin == pytest.approx(before.colour**3)
    np.testing.assert_array_equal(after.colour, before.colour)


@pytest.mark.parametrize("network", [ColourfulIsSalient(), None], ids=["network", "contrast"])
def test_what_moves_is_salient_and_the_first_frame_has_no_motion(network: ColourfulIsSalient | None) -> None:
    half = motion_half(network)
    first = half(picture(0))
    assert (first.scene_cut, first.motion.shape, first.motion.max()) == (False, SIZE, 0)
    second = half(picture(1)).motion
    disc = picture(1)[..., 0] > 200
    assert second.dtype == np.float32
    assert second[disc].mean() > 0.5
    assert second[disc].mean() > 2 * second[~disc].mean()


def test_a_new_scene_has_no_motion_against_the_old_one() -> None:
    half = motion_half(ColourfulIsSalient())
    half(picture(0))
    result = half(picture(1, ground=(200, 180, 40)))
    assert result.scene_cut
    assert result.motion.max() == 0
    after = half(picture(2, ground=(200, 180, 40)))
    assert not after.scene_cut
    assert after.motion.max() > 0.5


def test_pictures_of_another_size_have_no_motion_against_each_other() -> None:
    half = motion_half(ColourfulIsSalient())
    half(picture(0))
    result = half(picture(1, (48, 72)))
    assert (result.motion.shape, result.motion.max()) == (SIZE, 0)


def test_hand_computed_fusion_without_a_twin() -> None:
    """MS .8, CS .5: LS = .4 (Eq. (6)), FS = LS, NR = |.8 - .5| / (1.3 + .001) (Eq. (7))."""
    frame = combine(ColourResult(one(0.5), None, 0), MotionResult(one(0.8), STILL, scene_cut=False), PAPER)
    assert frame.low_level == pytest.approx(0.4)
    assert np.array_equal(frame.final, frame.low_level)
    assert frame.nr == pytest.approx(0.3 / 1.301)
    assert (frame.is_keyframe, frame.model_version, frame.scene_cut) == (True, 0, False)


def test_hand_computed_fusion_with_a_twin() -> None:
    """The twin's .9 makes FS = .9 * .4 (Eq. (9)); LS and NR stay the original's."""
    frame = combine(ColourResult(one(0.5), one(0.9), 7), MotionResult(one(0.8), STILL, scene_cut=True), PAPER)
    assert frame.final == pytest.approx(0.36)
    assert frame.low_level == pytest.approx(0.4)
    assert frame.nr == pytest.approx(0.3 / 1.301)
    assert (frame.model_version, frame.scene_cut) == (7, True)


def test_the_softer_fusion_keeps_the_scale() -> None:
    settings = MethodSettings(fusion="geometric-mean", final="product")
    frame = combine(ColourResult(one(0.5), one(0.9), 1), MotionResult(one(0.5), STILL, scene_cut=False), settings)
    assert frame.low_level == pytest.approx(0.5)
    assert frame.final == pytest.approx(0.45)


def raised(saliency: float) -> float:
    return 3 * saliency**2 - 2 * saliency**3


def test_the_mean_lets_one_map_make_up_for_what_the_other_misses() -> None:
    """FS = (twin + .8 * twin^((1 - NR)^2)) / 2 with NR = .3 / 1.301, its contrast raised; CS stands in for the twin."""
    motion, trust = MotionResult(one(0.8), STILL, scene_cut=False), (1 - 0.3 / 1.301) ** 2
    alone = combine(ColourResult(one(0.5), None, 0), motion, MethodSettings())
    assert alone.final == pytest.approx(raised((0.5 + 0.8 * 0.5**trust) / 2))
    refined = combine(ColourResult(one(0.5), one(0.9), 1), motion, MethodSettings())
    assert refined.final == pytest.approx(raised((0.9 + 0.8 * 0.9**trust) / 2))
    assert refined.unadapted == pytest.approx(alone.final)
    doubted = combine(ColourResult(one(0.5), one(0.1), 1), motion, MethodSettings())
    assert doubted.final == pytest.approx(raised((0.1 + 0.8 * 0.1**trust) / 2))
    unmoved = combine(ColourResult(one(0.9), None, 0), MotionResult(one(0.0), STILL, scene_cut=False), MethodSettings())
    assert unmoved.final == pytest.approx(raised(0.45)), "half of what stands out though nothing moves"
    unseen = combine(ColourResult(one(1e-4), None, 0), MotionResult(one(0.9), STILL, scene_cut=False), MethodSettings())
    assert unseen.final == pytest.approx(raised(0.45), abs=0.01), "half of what moves though nothing stands out"


def test_contrast_is_raised_about_the_middle_and_keeps_the_order() -> None:
    levels = np.linspace(0, 1, 101, dtype=np.float32)
    found = decided(levels)
    assert (np.diff(found) > 0).all()
    assert [found[0], found[50], found[100]] == pytest.approx([0, 0.5, 1])
    assert (found[1:50] < levels[1:50]).all()
    assert (found[51:100] > levels[51:100]).all()


@pytest.mark.parametrize(("threshold", "is_keyframe"), [(0.23, False), (0.24, True)])
def test_a_frame_below_the_threshold_is_a_keyframe(*, threshold: float, is_keyframe: bool) -> None:
    settings = MethodSettings(keyframe_threshold=threshold)
    frame = combine(ColourResult(one(0.5), None, 0), MotionResult(one(0.8), STILL, scene_cut=False), settings)
    assert frame.is_keyframe is is_keyframe


def test_where_nothing_is_known_of_motion_colour_speaks_alone() -> None:
    """The first frame of a stream or scene: LS = CS instead of CS times nothing; it proves no agreement."""
    colour = ColourResult(one(0.8), None, 0)
    frame = combine(colour, MotionResult(one(0.0), UNKNOWN, scene_cut=True), MethodSettings())
    assert frame.low_level == pytest.approx(0.8)
    assert frame.final == pytest.approx(raised(0.8))
    assert (frame.nr, frame.is_keyframe) == (1.0, False)


def test_final_maps_take_over_from_the_frame_before_and_low_level_does_not() -> None:
    """It was .6; half of the past in a still scene makes (.6 + what it is alone) / 2, of the unadapted likewise."""
    colour, motion = ColourResult(one(0.5), one(0.9), 1), MotionResult(one(0.8), STILL, scene_cut=False)
    settings, smoothing = MethodSettings(), TemporalSmoothing(0.5)
    trust = (1 - 0.3 / 1.301) ** 2
    begun = MotionResult(one(0.0), UNKNOWN, scene_cut=True)
    combine(ColourResult(one(0.6), None, 0), begun, settings, smoothing=smoothing)
    frame = combine(colour, motion, settings, smoothing=smoothing)
    assert frame.low_level == pytest.approx(0.4)
    assert frame.final == pytest.approx(raised((0.6 + (0.9 + 0.8 * 0.9**trust) / 2) / 2))
    assert frame.unadapted == pytest.approx(raised((0.6 + (0.5 + 0.8 * 0.5**trust) / 2) / 2))
