import cv2
import numpy as np
import pytest
import torch

from configs.method import RetrainingSettings
from models.loading import load_model
from models.training.twin import KeyframeTensors, TwinTrainer, mean_error
from tests.fakes.textures import texture

SIZE = (64, 96)


@pytest.fixture
def keyframes() -> KeyframeTensors:
    """Pictures of a bright disc on textured ground, labelled salient in its right half only."""
    pictures, masks = [], []
    for index in range(3):
        picture, mask = texture(SIZE, np.random.default_rng(index)), np.zeros(SIZE, np.float32)
        centre = (28 + 20 * index, 32)
        cv2.circle(picture, centre, 20, (230, 40, 40), -1)
        cv2.circle(mask, centre, 20, 0.8, -1)
        mask[:, : centre[0]] = 0
        pictures.append(picture)
        masks.append(mask)
    return KeyframeTensors(torch.from_numpy(np.stack(pictures)), torch.from_numpy(np.stack(masks)))


@pytest.mark.parametrize("scope", ["decoder", "all"])
def test_retraining_lowers_the_error(keyframes: KeyframeTensors, scope: str) -> None:
    model = load_model("livesal-colour")
    before = mean_error(model, keyframes)
    original = {name: value.clone() for name, value in model.network.state_dict().items()}
    settings = RetrainingSettings.model_validate(
        {"scope": scope, "iterations_per_keyframe": 8, "learning_rate": 8e-3 if scope == "decoder" else 5e-4}
    )
    trainer = TwinTrainer(model, keyframes, settings)
    steps = list(trainer.run())
    assert len(steps) == trainer.iterations == 24
    assert steps[-1].iteration == 24
    assert mean_error(model, keyframes) < 0.8 * before
    moved = {name for name, value in model.network.state_dict().items() if not torch.equal(value, original[name])}
    assert moved <= set(trainer.state())
    assert all(name.startswith("decoder.") for name in moved) == (scope == "decoder")


def test_the_twin_is_the_mean_of_the_last_weights(keyframes: KeyframeTensors) -> None:
    def states(averaged: float, wanted: int) -> tuple[list[torch.Tensor], torch.Tensor]:
        model = load_model("livesal-colour")
        settings = RetrainingSettings(iterations_per_keyframe=wanted, averaged=averaged)
        bias = model.network.state_dict()["decoder.context.bias"]
        trainer = TwinTrainer(model, keyframes, settings)
        return [bias.clone() for _ in trainer.run(seed=1)], trainer.state()["decoder.context.bias"]

    seen, last = states(0.0, 4)
    torch.testing.assert_close(last, seen[-1])
    seen, mean = states(0.5, 4)
    torch.testing.assert_close(mean, torch.stack(seen[6:]).mean(0))
    assert not torch.equal(mean, last)


def test_a_round_is_reproducible(keyframes: KeyframeTensors) -> None:
    losses = [
        [step.loss for step in TwinTrainer(load_model("livesal-colour"), keyframes, RetrainingSettings()).run(seed=7)]
        for _ in range(2)
    ]
    assert losses[0] == losses[1]
