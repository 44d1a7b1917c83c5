"""Which keyframes get what a closer look needs, and at what size."""

import numpy as np

from configs.method import TeacherSettings
from pipeline.closer_look import CloserLooks, closer_size
from pipeline.values import Keyframe
from tests.fakes.frames import SIZE, keyframe
from tests.fakes.textures import texture

FRAME = (180, 320)


def yes(_: Keyframe) -> bool:
    return True


def test_a_closer_look_is_the_frame_and_the_one_before() -> None:
    first, second = (texture(FRAME, np.random.default_rng(seed)) for seed in (0, 1))
    looks = CloserLooks(TeacherSettings(scale=2))
    seen = looks(first, keyframe(0), yes)
    assert seen is not None
    assert seen.closer is None, "there is no frame before the first"
    seen = looks(second, keyframe(1), yes)
    assert seen is not None
    assert seen.closer is not None
    assert seen.closer.now.shape == seen.closer.before.shape == (*closer_size(SIZE, 2), 3)
    assert abs(float(seen.closer.now.mean()) - float(second.mean())) < 2
    assert np.abs(seen.closer.now.astype(int) - seen.closer.before).mean() > 5, "the two are not the same frame"
    assert seen.nbytes == keyframe(1).nbytes + 2 * seen.closer.now.nbytes


def test_frames_a_little_smaller_than_the_closer_look_are_enlarged_for_it() -> None:
    looks = CloserLooks(TeacherSettings())
    height, width = closer_size(SIZE, 2)
    for number in (0, 1):
        seen = looks(texture((height, width - 6), np.random.default_rng(number)), keyframe(number), yes)
    assert seen is not None
    assert seen.closer is not None
    assert seen.closer.now.shape == (height, width, 3)


def test_the_frame_before_is_seen_though_it_was_no_keyframe() -> None:
    looks = CloserLooks(TeacherSettings())
    assert looks(texture(FRAME, np.random.default_rng(0)), None, yes) is None
    seen = looks(texture(FRAME, np.random.default_rng(1)), keyframe(1), yes)
    assert seen is not None
    assert seen.closer is not None


def test_no_pictures_are_made_where_they_would_show_nothing_more() -> None:
    first, second = (texture(FRAME, np.random.default_rng(seed)) for seed in (0, 1))
    small = texture(SIZE, np.random.default_rng(2))
    for settings, before, now, wanted in (
        (TeacherSettings(scale=1), first, second, yes),  # not asked for
        (TeacherSettings(), small, small, yes),  # the frame is no larger than what was served
        (TeacherSettings(), small, second, yes),  # frames of another size begin
        (TeacherSettings(), first, second, lambda _: False),  # the window does not take it
    ):
        looks = CloserLooks(settings)
        looks(before, None, wanted)
        seen = looks(now, keyframe(1), wanted)
        assert seen is not None
        assert seen.closer is None


def test_the_size_is_a_multiple_of_the_served_one_that_networks_take() -> None:
    assert closer_size((160, 288), 2) == (320, 576)
    assert all(side % 32 == 0 for scale in (1.3, 1.5, 3) for side in closer_size((160, 288), scale))
