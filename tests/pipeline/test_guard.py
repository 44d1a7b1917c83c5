"""What is let through, and what is said of what is not."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from configs.guards import GuardSettings
from configs.method import RetrainingSettings
from models.training.judging import Views, inside, standing, sure_background
from models.training.twin import KeyframeTensors
from pipeline.guard import Judgement, objection
from pipeline.retraining.job import Job
from pipeline.retraining.run_job import run_job
from stream.synthetic_scene import SyntheticScene
from tests.fakes.jobs import small_job

GOOD = Judgement(
    error_before=0.02,
    error_after=0.01,
    flips_before=0.002,
    flips_after=0.003,
    invented_before=0.001,
    invented_after=0.006,
    contradicted=0.2,
)
NAN = float("nan")


def test_nothing_speaks_against_a_twin_that_keeps_all_bounds() -> None:
    assert objection(GOOD, GuardSettings()) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"error_after": 0.02}, "held-out error 0.02 is not below 0.02"),
        ({"error_after": NAN}, "held-out error nan"),
        ({"flips_after": 0.0031}, "contradicts itself on mirrored keyframes: 0.0031, where 0.002 serves and 0.003"),
        ({"flips_after": NAN}, "contradicts itself"),
        (
            {"invented_after": 0.0062},
            "finds saliency where the original is sure of none: 0.0062 on average after 0.001",
        ),
        ({"contradicted": 0.21}, "pseudo-labels contradict the original: on average 0.21"),
        ({"contradicted": NAN}, "pseudo-labels contradict"),
    ],
)
def test_what_speaks_against_a_twin_is_said_in_words(change: dict[str, float], words: str) -> None:
    reason = objection(replace(GOOD, **change), GuardSettings())
    assert reason is not None
    assert words in reason


def test_the_flips_may_be_held_to_the_letter() -> None:
    assert objection(GOOD, GuardSettings(flip_tolerance=0)) is not None


def test_figures_by_hand() -> None:
    one, other = torch.tensor([[0.0, 1.0]]), torch.tensor([[0.0, 0.5]])
    original = Views([torch.tensor([[0.1, 0.2]])], [torch.tensor([[0.0, 0.0]])])
    background = sure_background(original)
    assert background[0].tolist() == [[True, False]]
    found = standing(Views([one], [other]), torch.tensor([[[0.5, 1.0]]]), background)
    assert found.error == pytest.approx(0.5 * 0.25 / 2)
    assert found.flips == pytest.approx(0.5 * 0.25 / 2)
    assert found.invented == 0
    assert inside([one], [torch.tensor([[False, False]])]) == 0


def scene_job(*, inverted: bool) -> Job:
    """Return a job on a generated scene, whose labels are its ground truth or the contrary."""
    scene = SyntheticScene(96, 64, fps=10, seed=2, cuts=0)
    shots = [scene.frame(number) for number in range(0, 24, 4)]
    labels = np.stack([mask for _, mask in shots]).astype(np.float32)
    labels /= labels.max()
    keyframes = KeyframeTensors(
        torch.from_numpy(np.stack([image for image, _ in shots])), torch.from_numpy(1 - labels if inverted else labels)
    )
    settings = RetrainingSettings(iterations_per_keyframe=6)
    return replace(small_job(), keyframes=keyframes, held_out=0.25, settings=settings)


def test_a_poisoned_window_is_rejected_though_its_twin_is_nearer_to_its_labels() -> None:
    done = run_job(scene_job(inverted=True))
    report, state = done.report, done.state
    assert report.error_after < report.error_before, "its own labels would let it through"
    reason = objection(report, GuardSettings())
    assert reason is not None
    assert reason.startswith("the pseudo-labels contradict the original")
    trial = run_job(replace(scene_job(inverted=False), base=state, trial=True)).report
    assert (trial.keyframes, trial.held_out, trial.iterations) == (0, 6, 0)
    assert trial.contradicted < 0.2, "these labels are honest"
    assert objection(trial, GuardSettings()) is not None, "the same twin is rejected in an honest scene too"
