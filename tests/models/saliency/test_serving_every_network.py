"""Every registered saliency network, served by ONNX Runtime, does what torch does; and so does its retrained twin."""

import gc
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch

from configs.method import RetrainingSettings
from models.engine import serve
from models.registry import saliency_entry, saliency_names
from models.saliency_model import SaliencyModel
from models.training.twin import KeyframeTensors, TwinTrainer, mean_error

SIZE = (64, 96)
PARITY = 1e-4

ONE_STEP = RetrainingSettings.model_validate({"scope": "all", "iterations_per_keyframe": 1, "learning_rate": 0.02})


@pytest.fixture
def keyframe() -> KeyframeTensors:
    """One picture of a bright square, which alone is labelled salient."""
    image = torch.randint(0, 90, (1, *SIZE, 3), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    label = torch.zeros(1, *SIZE)
    image[:, 16:48, 24:72] += 150
    label[:, 16:48, 24:72] = 1
    return KeyframeTensors(image, label)


@pytest.mark.timeout(240)  # the largest hold a hundred million weights, and several copies of them
@pytest.mark.parametrize("name", saliency_names())
def test_serving_equals_torch_before_and_after_a_retraining_step(name: str, keyframe: KeyframeTensors) -> None:
    torch.manual_seed(0)
    model = lively(SaliencyModel(replace(saliency_entry(name), size=None)).eval())
    image = keyframe.images[0].numpy()
    served = serve(model, SIZE)
    original = served.head(served.encode(image))
    np.testing.assert_allclose(original, torch_map(model, keyframe), atol=PARITY)
    assert np.ptp(original) > 0.01, "the map does not depend on the picture"

    twin = deepcopy(model)
    trainer = TwinTrainer(twin, keyframe, ONE_STEP)
    before = mean_error(model, keyframe)
    assert [step.iteration for step in trainer.run()] == [1]
    assert mean_error(twin, keyframe) < before

    head = served.twin_head(trainer.state())
    np.testing.assert_allclose(head(served.encode(image)), torch_map(twin, keyframe), atol=PARITY)
    np.testing.assert_array_equal(served.head(served.encode(image)), original)
    assert np.abs(head(served.encode(image)) - original).max() > PARITY, "the step is too small to be seen"
    del model, served, twin, trainer, head
    gc.collect()


def lively(model: SaliencyModel) -> SaliencyModel:
    """Scale an untrained model's convolutions to outputs of deviation 1, so that its map depends on the picture."""

    def scale(layer: torch.nn.Module, _inputs: object, output: torch.Tensor) -> torch.Tensor:
        deviation = output.std().clamp(min=1e-3)
        for parameter in layer.parameters():
            parameter.div_(deviation)
        return output / deviation

    convolutions = [module for module in model.network.modules() if isinstance(module, torch.nn.Conv2d)]
    hooks = [layer.register_forward_hook(scale) for layer in convolutions if layer.weight.requires_grad]
    with torch.no_grad():
        model(torch.rand(1, 3, *SIZE, generator=torch.Generator().manual_seed(2)))
    for hook in hooks:
        hook.remove()
    return model


def torch_map(model: SaliencyModel, keyframe: KeyframeTensors) -> np.ndarray:
    with torch.no_grad():
        return model(keyframe.images.permute(0, 3, 1, 2).float() / 255)[0, 0].numpy()
