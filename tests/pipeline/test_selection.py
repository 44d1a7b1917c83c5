"""Each criterion by hand, and a frame that is refused for it."""

import numpy as np
import pytest

from configs.guards import SelectionSettings
from configs.method import MethodSettings
from pipeline.saliency_path import ColourResult, MotionResult, benefit, combine
from pipeline.selection import Motion, Selector, consistency, decisiveness, follow, objections, salient_share
from pipeline.temporal import Arrival
from pipeline.values import Criteria
from tests.fakes.frames import SIZE

ALL = SelectionSettings(minimum_area=0, consistency=0, decisiveness=0, camera_support=0)


def block(value: float = 1.0, column: int = 24) -> np.ndarray:
    label = np.zeros(SIZE, np.float32)
    label[16:48, column : column + 48] = value
    return label


def still(support: float = 1.0) -> Motion:
    return Motion(np.zeros((*SIZE, 2), np.float32), support)


def moved(saliency: np.ndarray, support: float = 1.0) -> MotionResult:
    arrival = Arrival(np.zeros((*SIZE, 3), np.uint8), still().flow)
    return MotionResult(saliency, arrival, scene_cut=False, support=support)


def test_the_salient_share_is_what_reaches_half_the_peak() -> None:
    label = block(0.8)
    label[:8] = 0.3
    assert salient_share(label) == pytest.approx(32 * 48 / (64 * 96))
    assert salient_share(block(0.05)) == 0, "a black map has no salient part"


def test_decisiveness_is_one_less_the_entropy_of_what_is_found() -> None:
    assert decisiveness(block(0.5)) == pytest.approx(0)
    assert decisiveness(block(1.0)) == pytest.approx(1, abs=1e-4)
    assert decisiveness(block(0.25)) == pytest.approx(1 - 0.8113, abs=1e-4)
    assert decisiveness(block(0.0)) == 0


def test_consistency_is_one_less_the_share_that_differs() -> None:
    assert consistency(block(), block()) == 1
    assert consistency(block(1.0), block(0.5)) == pytest.approx(1 - 0.5 / 1.5)
    assert consistency(block(column=0), block(column=48)) == 0
    assert consistency(block(0), block(0)) == 0, "no evidence"


def test_a_label_follows_the_flow() -> None:
    flow = np.zeros((*SIZE, 2), np.float32)
    flow[...] = (5, -3)
    moved = follow(block(), flow)
    expected = np.roll(block(), (-3, 5), axis=(0, 1))
    np.testing.assert_allclose(moved[8:56, 8:88], expected[8:56, 8:88], atol=1e-5)


def test_a_selector_looks_at_what_is_asked_for_and_no_more() -> None:
    assert Selector(SelectionSettings()).look(block(), still()) == Criteria()
    selector = Selector(ALL)
    first = selector.look(block(), still(0.7))
    assert (first.consistency, first.camera_support) == (0, 0.7)
    assert first.area == pytest.approx(0.25)
    assert selector.look(block(), still()).consistency == 1
    assert selector.look(block(), None).consistency == 0, "a new scene has no frame before"
    assert selector.look(block(), None).camera_support == 0


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (SelectionSettings(minimum_area=0.3), "area"),
        (SelectionSettings(maximum_area=0.2), "area"),
        (SelectionSettings(consistency=0.9), "consistency"),
        (SelectionSettings(decisiveness=0.9), "decisiveness"),
        (SelectionSettings(camera_support=0.9), "camera_support"),
    ],
)
def test_a_frame_that_a_criterion_speaks_against_is_no_keyframe(settings: SelectionSettings, name: str) -> None:
    half = block(0.7)
    motion = moved(half, 0.5)
    frame = combine(ColourResult(half, None, 0), motion, MethodSettings(selection=settings), Selector(settings))
    assert objections(frame.criteria, settings) == (name,)
    assert frame.nr < 0.6
    assert not frame.is_keyframe
    lenient = MethodSettings(selection=ALL)
    assert combine(ColourResult(half, None, 0), motion, lenient, Selector(ALL)).is_keyframe


def test_the_benefit_of_a_twin_is_what_it_takes_off_the_originals_error() -> None:
    label = block()
    assert benefit(label * 0.5, label, label) == 1
    assert benefit(label, label * 0.5, label) == -1
    assert benefit(label, label, label) == 0
    assert benefit(label * 0.4, label * 0.7, label) == pytest.approx((0.36 - 0.09) / (0.36 + 0.09))


def test_only_keyframes_with_a_twin_tell_its_benefit() -> None:
    motion = moved(block(0.9))
    colour = ColourResult(block(0.8), block(0.75), 1)
    assert combine(colour, motion, MethodSettings()).benefit is not None
    assert combine(ColourResult(block(0.8), None, 0), motion, MethodSettings()).benefit is None
    assert combine(colour, motion, MethodSettings(keyframe_threshold=0.001)).benefit is None
