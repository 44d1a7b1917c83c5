from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor

from models.engine import ServedNetwork, serve
from models.errors import ExportError
from models.loading import load_model
from models.registry import saliency_entry
from models.saliency_model import SaliencyModel
from models.slot import Slot

SIZE = (64, 96)


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (*SIZE, 3), np.uint8)


@pytest.fixture(scope="module")
def model() -> SaliencyModel:
    return load_model("livesal-colour")


def torch_map(model: SaliencyModel, image: np.ndarray, state: Mapping[str, Tensor] | None = None) -> np.ndarray:
    copy = SaliencyModel(model.entry)
    copy.network.load_state_dict({**model.network.state_dict(), **(state or {})})
    with torch.no_grad():
        rgb = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
        return copy.eval()(rgb)[0, 0].numpy()


def changed(model: SaliencyModel, prefix: str) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        name: value + 0.05 * torch.randn(value.shape, generator=generator)
        for name, value in model.network.state_dict().items()
        if name.startswith(prefix)
    }


@pytest.fixture(scope="module", params=["cpu", "cpu:0"], ids=["onnx", "torch"])
def served(request: pytest.FixtureRequest, model: SaliencyModel) -> ServedNetwork:
    return serve(model, SIZE, request.param)


def test_the_engine_equals_torch(served: ServedNetwork, model: SaliencyModel, image: np.ndarray) -> None:
    saliency = served.head(served.encode(image))
    assert saliency.shape == SIZE
    assert saliency.dtype == np.float32
    np.testing.assert_allclose(saliency, torch_map(model, image), atol=1e-4)


@pytest.mark.parametrize("prefix", ["decoder.", ""], ids=["decoder", "all"])
def test_a_twin_equals_torch_and_leaves_the_original_alone(
    served: ServedNetwork, model: SaliencyModel, image: np.ndarray, prefix: str
) -> None:
    before = served.head(served.encode(image))
    state = changed(model, prefix)
    twin = served.twin_head(state)
    features = served.encode(image)
    np.testing.assert_allclose(twin(features), torch_map(model, image, state), atol=1e-4)
    assert np.abs(twin(features) - before).max() > 0.01
    np.testing.assert_array_equal(served.head(features), before)


def test_weights_of_another_network_are_refused(model: SaliencyModel) -> None:
    with pytest.raises(ExportError, match="in the serving graph"):
        serve(model, SIZE).twin_head({"decoder.nowhere": torch.zeros(1)})


def test_a_motion_map_is_the_mean_of_the_side_outputs(image: np.ndarray) -> None:
    model = SaliencyModel(saliency_entry("livesal-motion")).eval()
    rgb = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        sides = [torch.sigmoid(_enlarge(side)) for side in model.side_logits(rgb)]
        torch.testing.assert_close(model(rgb), torch.stack(sides).mean(0))


def _enlarge(side: Tensor) -> Tensor:
    return torch.nn.functional.interpolate(side, size=SIZE, mode="bilinear")


def test_a_swap_is_one_assignment() -> None:
    slot = Slot()
    before = slot.installed
    assert (before.head, before.version) == (None, 0)
    head = lambda _: np.zeros((1, 1), np.float32)  # noqa: E731 - a head is any callable
    assert slot.next_version == slot.swap(head) == 1
    assert before.head is None, "a frame that has read the slot keeps what it read"
    slot.clear()
    assert slot.installed.version == 0
    assert slot.swap(head) == 2
