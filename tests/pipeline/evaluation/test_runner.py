from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from configs.settings import Settings, load_settings
from pipeline.evaluation.runner import Mode, Runner, RunPlan
from pipeline.values import SaliencyFrame
from tests.fakes.walks import walk

FRAMES = 14


@dataclass(frozen=True)
class Shot:
    image: NDArray[np.uint8]


def video(frames: int = FRAMES) -> list[Shot]:
    return [Shot(image) for image, _ in walk(frames)]


def eager(**method: Any) -> Settings:
    """Return settings in which any agreement makes a keyframe, and four of them a round."""
    rounds = {
        "first_keyframes": 4,
        "new_keyframes": 100,
        "held_out": 0,
        "window": {"spacing": 0},
        "retraining": {"iterations_per_keyframe": 3, "learning_rate": 1e-3},
    }
    return load_settings(
        None, {"method": {"size": [64, 96], "keyframe_threshold": 1.0, "smoothing": 0, **method}, "adaptation": rounds}
    )


def run(mode: Mode, round_seconds: float | None = 0.2, frames: int = FRAMES) -> tuple[Runner, list[SaliencyFrame]]:
    runner = Runner(RunPlan(mode=mode, settings=eager(), round_seconds=round_seconds, frame_rate=25))
    return runner, [saliency for _, saliency in runner.run(video(frames))]


def first_adapted(frames: list[SaliencyFrame]) -> int:
    return next(index for index, frame in enumerate(frames) if frame.model_version)


def test_live_mode_swaps_when_the_simulated_round_is_over() -> None:
    runner, late = run("live", round_seconds=0.2)
    _, soon = run("live", round_seconds=0)

    assert runner.counts.retrainings == runner.counts.swaps == 1
    assert runner.counts.keyframes == sum(frame.is_keyframe for frame in late)
    start = [index for index, frame in enumerate(late) if frame.is_keyframe][3]
    assert first_adapted(soon) == start + 2  # known at the next frame, serving the one after
    assert first_adapted(late) == start + 5 + 1  # .2 s are five frames at 25 a second
    assert all(np.allclose(frame.final, frame.unadapted) for frame in late[: first_adapted(late)])
    assert not any(np.allclose(frame.final, frame.unadapted) for frame in late[first_adapted(late) :])


def test_live_mode_begins_anew_where_frames_get_another_size() -> None:
    settings = eager(size=None, area=64 * 96)
    tall = [Shot(np.ascontiguousarray(shot.image.transpose(1, 0, 2))) for shot in video()]
    runner = Runner(RunPlan(mode="live", settings=settings, round_seconds=0, frame_rate=25))

    frames = [saliency for _, saliency in runner.run([*video(), *tall])]

    assert frames[0].final.shape == frames[-1].final.shape[::-1]
    assert {frame.model_version for frame in frames} == {0, 1, 2}
    assert [(one.kind, one.reason) for one in runner.happenings if one.kind == "reset"] == [
        ("reset", "another frame size")
    ]
    assert not frames[FRAMES].motion.any()
    assert frames[FRAMES].model_version == 0


def test_live_mode_is_causal() -> None:
    _, whole = run("live")
    _, part = run("live", frames=7)

    for seen, again in zip(part, whole, strict=False):
        assert np.array_equal(seen.final, again.final)


def test_paper_mode_gives_every_frame_the_twin_and_the_first_a_motion() -> None:
    runner, frames = run("paper")
    _, live = run("live")

    assert runner.counts.retrainings == runner.counts.swaps == 1
    assert {frame.model_version for frame in frames} == {1}
    assert frames[0].motion.any()
    assert not live[0].motion.any()
    for frame, causal in zip(frames[1:], live[1:], strict=True):
        assert np.array_equal(frame.low_level, causal.low_level)
        assert not np.array_equal(frame.final, frame.low_level)


def test_paper_mode_finds_nothing_where_nothing_moves() -> None:
    """The contrast of no flow is zero everywhere, which is not the same as not to know: LS and FS are empty too."""
    plan = RunPlan(mode="paper", settings=eager(motion="contrast", camera_motion="none", final="product"))
    still = [video(1)[0]] * 4

    frames = [saliency for _, saliency in Runner(plan).run(still)]

    assert frames[-1].colour.any()
    assert not any(frame.motion.any() or frame.low_level.any() or frame.final.any() for frame in frames)


@pytest.mark.parametrize("mode", ["live", "paper"])
def test_a_video_without_pictures_gives_nothing(mode: Mode) -> None:
    runner = Runner(RunPlan(mode=mode, settings=eager()))

    assert list(runner.run([])) == []
    assert runner.counts.keyframes == 0
