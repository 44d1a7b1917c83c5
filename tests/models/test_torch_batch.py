"""The batch of a GPU, on the CPU: the same code in float32."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor

from models.engine import serve
from models.errors import ExportError
from models.registry import saliency_entry
from models.saliency_model import SaliencyModel
from models.torch_batch import TorchBatch

SIZE = (64, 96)
IMAGES = np.random.default_rng(1).integers(0, 256, (3, *SIZE, 3), np.uint8)


@pytest.fixture(scope="module", params=["livesal-colour", "livesal-motion"])
def model(request: pytest.FixtureRequest) -> SaliencyModel:
    torch.manual_seed(0)
    return SaliencyModel(saliency_entry(request.param)).eval()


def decoder(model: SaliencyModel, seed: int) -> Mapping[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        name: value + 0.05 * torch.randn(value.shape, generator=generator)
        for name, value in model.network.state_dict().items()
        if name.startswith("decoder.")
    }


def test_every_camera_gets_its_own_twins_map(model: SaliencyModel) -> None:
    batch, alone = TorchBatch(model, 3, "cpu"), serve(model, SIZE, "cpu:0")
    states = {0: decoder(model, 1), 2: decoder(model, 2)}
    for camera, state in states.items():
        batch.swap(camera, state)
    originals, twins = batch(IMAGES)
    for camera, image in enumerate(IMAGES):
        features = alone.encode(image)
        expected = alone.head(features)
        np.testing.assert_allclose(originals[camera], expected, atol=1e-5)
        head = alone.twin_head(states[camera]) if camera in states else alone.head
        np.testing.assert_allclose(twins[camera], head(features), atol=1e-5)
        assert bool(np.abs(twins[camera] - expected).max() > 1e-3) is (camera in states)


def test_a_swap_leaves_the_other_cameras_alone(model: SaliencyModel) -> None:
    batch = TorchBatch(model, 3, "cpu")
    _, before = batch(IMAGES)
    batch.swap(1, decoder(model, 1))
    _, after = batch(IMAGES)
    for camera in (0, 2):
        np.testing.assert_array_equal(after[camera], before[camera])
    assert np.abs(after[1] - before[1]).max() > 1e-3


def test_weights_of_the_encoder_are_refused_and_change_nothing(model: SaliencyModel) -> None:
    batch = TorchBatch(model, 3, "cpu")
    _, before = batch(IMAGES)
    state = {**decoder(model, 1), "encoder.stem.conv.bias": torch.zeros(32)}
    with pytest.raises(ExportError, match=r"'encoder\.stem"):
        batch.swap(0, state)
    np.testing.assert_array_equal(batch(IMAGES)[1][0], before[0])


def test_a_network_without_halves_is_refused() -> None:
    with pytest.raises(ExportError, match="no encoder and decoder"):
        TorchBatch(SaliencyModel(saliency_entry("u2netp")), 2, "cpu")
