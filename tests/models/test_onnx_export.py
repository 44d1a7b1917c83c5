from collections import Counter

import pytest
import torch

from models.engine import serve
from models.onnx_export import WholeGraph, as_batch, export
from models.registry import saliency_entry
from models.saliency_model import SaliencyModel

SIZE = (64, 96)


@pytest.fixture(scope="module")
def untrained() -> SaliencyModel:
    """U2-NetP as it is built: 220 of its tensors are equal to another one, such as the means of batch normalisation."""
    torch.manual_seed(0)
    return SaliencyModel(saliency_entry("u2netp")).eval()


def test_equal_weights_stay_apart(untrained: SaliencyModel) -> None:
    proto = export(WholeGraph(untrained), [torch.zeros(*SIZE, 3, dtype=torch.uint8)], ["image"])
    graph = Counter(initializer.name for initializer in proto.graph.initializer)
    state = untrained.network.state_dict()
    used = [f"model.network.{name}" for name in state if not name.endswith("num_batches_tracked")]
    assert [name for name in used if graph[name] != 1] == []
    assert [entry.name for entry in proto.graph.input] == ["image"]


def test_a_swap_reaches_weights_that_were_equal(untrained: SaliencyModel) -> None:
    generator = torch.Generator().manual_seed(0)
    state = {
        name: value + 0.2 * torch.rand(value.shape, generator=generator)
        for name, value in untrained.network.state_dict().items()
        if name.endswith(("running_mean", "bn_s1.bias", "bn_s1.weight"))
    }
    served = serve(untrained, SIZE)
    image = torch.randint(0, 256, (*SIZE, 3), generator=generator, dtype=torch.uint8)
    twin = SaliencyModel(untrained.entry).eval()
    twin.network.load_state_dict({**untrained.network.state_dict(), **state})
    with torch.no_grad():
        expected, original = (model(as_batch(image))[0, 0] for model in (twin, untrained))
    actual = torch.from_numpy(served.twin_head(state)(served.encode(image.numpy())))
    torch.testing.assert_close(actual, expected, atol=1e-4, rtol=0)
    assert (actual - original).abs().max() > 0.01
