"""Labels of a closer look: by whom, what they are, and how they come back."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from configs.method import AdaptationSettings, MethodSettings, TeacherSettings
from pipeline.retraining.job import read_job, read_labels, write_job, write_result
from pipeline.retraining.run_job import run_job
from pipeline.retraining.teacher import Teacher, TeacherPlan
from pipeline.values import CloserLook
from tests.fakes.jobs import small_job
from tests.fakes.plugins import write_plugin
from tests.fakes.textures import texture

WORKING = (64, 96)
CLOSER = (128, 192)


def plan(**changes: Any) -> TeacherPlan:
    found = TeacherPlan.of(MethodSettings(), AdaptationSettings())
    assert found is not None
    return replace(found, **changes)


def moving_disc() -> tuple[CloserLook, NDArray[np.bool_]]:
    """Return a red disc that moves over textured ground, and where it is in the second frame."""
    ground = texture(CLOSER, np.random.default_rng(0))
    frames, mask = [ground.copy(), ground.copy()], np.zeros(CLOSER, np.uint8)
    for picture, x in zip(frames, (80, 92), strict=True):
        cv2.circle(picture, (x, 64), 30, (220, 30, 30), -1)
        cv2.circle(picture, (x, 64), 14, (40, 40, 200), -1)
    cv2.circle(mask, (92, 64), 30, 1, -1)
    return CloserLook(*frames), mask.astype(bool)


def test_livesals_own_networks_are_taught_by_the_base_pair_and_others_by_themselves(tmp_path: Path) -> None:
    assert (plan().colour, plan().motion) == ("livesal-colour-base", "livesal-motion-base")
    for colour in ("csnet_x2", "livesal-colour=mine.safetensors", f"{tmp_path}/mine.py:build", "livesal-colour-base"):
        found = TeacherPlan.of(MethodSettings(colour=colour, motion="contrast"), AdaptationSettings())
        assert found is not None
        assert (found.colour, found.motion) == (colour, "contrast")
    assert TeacherPlan.of(MethodSettings(motion="mine.onnx"), AdaptationSettings()) is None, "a graph has one size"
    without = AdaptationSettings(teacher=TeacherSettings(scale=1))
    assert TeacherPlan.of(MethodSettings(), without) is None


@pytest.mark.parametrize("mirror", [False, True])
def test_a_label_shows_what_moves_at_the_working_size(*, mirror: bool) -> None:
    look, disc = moving_disc()
    label = Teacher(plan(mirror=mirror), CLOSER)(look, WORKING)
    inside = cv2.resize(disc.astype(np.float32), WORKING[::-1], interpolation=cv2.INTER_AREA) > 0.5
    assert label.shape == WORKING
    assert label.dtype == np.float32
    assert 0 <= label.min() <= label.max() <= 1
    assert label[inside].mean() > label[~inside].mean() + 0.3


def test_with_the_mirror_left_and_right_are_looked_at_alike() -> None:
    look, _ = moving_disc()
    turned = CloserLook(*(np.ascontiguousarray(picture[:, ::-1]) for picture in (look.before, look.now)))

    def difference(*, mirror: bool) -> float:
        teacher = Teacher(plan(motion="contrast", mirror=mirror), CLOSER)
        one, other = (teacher._colour_of(picture.now) for picture in (look, turned))
        return float(np.abs(one - other[:, ::-1]).max())

    assert difference(mirror=True) < 1e-4
    assert difference(mirror=False) > 1e-3


def test_the_conventional_motion_is_looked_at_closely_too(tmp_path: Path) -> None:
    look, _ = moving_disc()
    colour = f"{write_plugin(tmp_path)}:build"
    label = Teacher(plan(colour=colour, motion="contrast"), CLOSER)(look, WORKING)
    assert label.max() > 0.2


def test_a_round_goes_on_with_served_labels_where_nobody_can_look_closely(caplog: pytest.LogCaptureFixture) -> None:
    look, _ = moving_disc()
    job = replace(small_job(), teacher=plan(colour="livesal-colour=nowhere.safetensors"), closer={1: look})
    done = run_job(job)
    assert done.labels == {}
    assert done.report.error_after == pytest.approx(run_job(small_job()).report.error_after, rel=1e-4)
    assert "no closer look at keyframes" in caplog.text
    assert "nowhere.safetensors" in caplog.text


def test_a_round_learns_from_the_labels_of_a_closer_look_and_hands_them_back(tmp_path: Path) -> None:
    look, _ = moving_disc()
    again = CloserLook(look.before.copy(), look.now.copy())
    job = replace(small_job(), teacher=plan(), closer={1: look, 4: again})
    write_job(job, tmp_path / "job")
    read = read_job(tmp_path / "job")
    assert read.teacher == job.teacher
    assert read.closer.keys() == {1, 4}
    np.testing.assert_array_equal(read.closer[4].before, look.before)

    done = run_job(read)
    expected = Teacher(plan(), CLOSER)(look, WORKING)
    assert done.labels.keys() == {1, 4}
    np.testing.assert_allclose(done.labels[1], expected, atol=1e-5)
    write_result(tmp_path / "job", done)
    labels = read_labels(tmp_path / "job")
    assert labels.keys() == {1, 4}
    np.testing.assert_array_equal(labels[4], done.labels[4])

    same = replace(small_job(), keyframes=replace(job.keyframes, labels=job.keyframes.labels.clone()))
    for index in (1, 4):
        same.keyframes.labels[index] = torch.from_numpy(expected)
    taught, told = done.report, run_job(same).report
    assert taught.error_after == pytest.approx(told.error_after, rel=1e-3), "as if the labels had been given"
    assert taught.error_after != pytest.approx(run_job(small_job()).report.error_after, rel=1e-3)
