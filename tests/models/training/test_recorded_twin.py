"""The recorded step on the CPU, where it is simply called, against the trainer of one twin."""

import pytest
import torch

from configs.method import RetrainingSettings
from models.errors import ExportError
from models.registry import saliency_entry
from models.saliency_model import SaliencyModel
from models.training.recorded_twin import RecordedTrainer
from models.training.twin import KeyframeTensors, TwinTrainer

SIZE = (64, 96)
SETTINGS = RetrainingSettings(iterations_per_keyframe=2)


def keyframes() -> KeyframeTensors:
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (3, *SIZE, 3), generator=generator, dtype=torch.uint8)
    return KeyframeTensors(images, torch.rand(3, *SIZE, generator=generator))


def test_twin_after_twin_is_retrained_as_by_a_trainer_of_its_own() -> None:
    torch.manual_seed(0)
    model = SaliencyModel(saliency_entry("livesal-colour")).eval()
    recorded = RecordedTrainer(model, SIZE, SETTINGS, torch.device("cpu"))
    alone = TwinTrainer(model, keyframes(), SETTINGS)
    losses = [step.loss for step in alone.run(seed=3)]
    for _ in range(2):
        found = [float(loss) for loss in recorded.run(keyframes(), seed=3)]
        assert found == pytest.approx(losses, rel=1e-3)
        state = recorded.state()
        for name, value in alone.state().items():
            torch.testing.assert_close(state[name], value, rtol=1e-3, atol=1e-5)


def test_a_network_without_halves_is_refused() -> None:
    with pytest.raises(ExportError, match="no encoder and decoder"):
        RecordedTrainer(SaliencyModel(saliency_entry("u2netp")), SIZE, SETTINGS, torch.device("cpu"))
