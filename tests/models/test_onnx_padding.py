from collections import Counter
from collections.abc import Callable

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.backbones.mobilenetv2 import Convolution
from models.onnx_export import EncoderGraph, export
from models.registry import saliency_entry
from models.saliency_model import SaliencyModel


class Padded(nn.Module):
    """A convolution behind some padding."""

    def __init__(self, pad: Callable[[Tensor], Tensor], *, twice: bool = False) -> None:
        super().__init__()
        self.pad, self.twice = pad, twice
        self.convolution = nn.Conv2d(3, 4, 3, 2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        padded = self.pad(x)
        y = self.convolution(padded)
        return y + padded.mean() if self.twice else y


FOLDED = {
    "uneven": Padded(lambda x: functional.pad(x, (0, 1, 2, 3))),
    "same": Convolution(3, 4, 3, 2),
}
KEPT = {
    "not of zeros": Padded(lambda x: functional.pad(x, (1, 1, 1, 1), value=0.5)),
    "by reflection": Padded(lambda x: functional.pad(x, (1, 1, 1, 1), mode="reflect")),
    "a crop": Padded(lambda x: functional.pad(x, (-1, 1, 0, 0))),
    "of channels": Padded(lambda x: functional.pad(x[:, :2], (0, 0, 0, 0, 0, 1))),
    "read twice": Padded(lambda x: functional.pad(x, (1, 1, 1, 1)), twice=True),
}


@pytest.mark.parametrize("name", [*FOLDED, *KEPT])
def test_the_graph_computes_what_torch_does(name: str) -> None:
    torch.manual_seed(0)
    network, x = {**FOLDED, **KEPT}[name].eval(), torch.randn(1, 3, 16, 22)
    proto = export(network, [x], ["x"])
    padding = Counter(node.op_type for node in proto.graph.node)["Pad"]
    assert padding == (0 if name in FOLDED else 1)
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        np.testing.assert_allclose(session.run(None, {"x": x.numpy()})[0], network(x).numpy(), atol=1e-5)


def test_the_default_encoder_has_no_padding_of_its_own_left() -> None:
    encoder = EncoderGraph(SaliencyModel(saliency_entry("livesal-colour")).eval())
    proto = export(encoder, [torch.zeros(64, 96, 3, dtype=torch.uint8)], ["image"])
    assert "Pad" not in {node.op_type for node in proto.graph.node}
