import numpy as np

from configs.method import MethodSettings
from models.engine import serve
from models.loading import load_servable
from models.registry import flow_entry
from models.slot import Slot
from pipeline.frame_path import FramePath, Sizes
from pipeline.keyframes import keyframe_of
from pipeline.saliency_path import ColourHalf, MotionHalf, combine
from pipeline.temporal import TemporalSmoothing
from tests.fakes.walks import walk

SETTINGS = MethodSettings(size=(64, 96), keyframe_threshold=1.0)


def test_sizes_follow_settings_or_the_frame() -> None:
    assert Sizes.of((96, 128), SETTINGS) == Sizes(frame=(96, 128), working=(64, 96), flow=(80, 120))
    assert Sizes.of((720, 1280), MethodSettings()).working == (160, 288)


def test_a_frame_goes_through_both_halves() -> None:
    colour = serve(load_servable("livesal-colour"), (64, 96), "cpu")
    sizes = Sizes.of((96, 128), SETTINGS)
    path = FramePath.of(sizes, colour, Slot(), None, flow_entry("dis").build(), SETTINGS)
    smoothing = TemporalSmoothing(SETTINGS.smoothing)
    halves = ColourHalf(colour, Slot()), MotionHalf(None, flow_entry("dis").build(), (64, 96), SETTINGS)

    for index, (image, _) in enumerate(walk(3)):
        small, saliency, look = path(image)
        fine, again = sizes.shrink(image)
        expected = combine(halves[0](again), halves[1](fine), SETTINGS, smoothing=smoothing)
        assert fine.shape == (80, 120, 3)
        assert np.array_equal(small, again)
        assert np.allclose(saliency.final, expected.final, atol=1e-5)
        keyframe = keyframe_of(small, saliency, look, index / 25, index)
        assert (keyframe is not None) == saliency.is_keyframe
        assert keyframe is None or (keyframe.sequence == index and keyframe.label is saliency.low_level)
    assert saliency.motion.any()
