"""Networks as ONNX graphs whose weights keep their names, so that a swap can patch them."""

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, cast

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from models.errors import ExportError
from models.onnx_padding import fold_padding
from models.saliency_model import SaliencyModel

_OPSET = 17


class EncoderGraph(nn.Module):
    """uint8 image to the encoder's features."""

    def __init__(self, model: SaliencyModel) -> None:
        """Wrap a model that splits."""
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Map (h, w, 3) uint8 RGB to features."""
        return self.model.features(as_batch(image))


class HeadGraph(nn.Module):
    """The encoder's features to the maps that saliency is made of (`reduce_sides` makes it)."""

    def __init__(self, model: SaliencyModel) -> None:
        """Wrap a model that splits."""
        super().__init__()
        self.model = model

    def forward(self, *features: Tensor) -> tuple[Tensor, ...]:
        """Map features to (h_i, w_i) maps."""
        return _alone(self.model.counting(self.model.sides_of(features)))


class WholeGraph(nn.Module):
    """uint8 image to the maps that saliency is made of, for networks without halves."""

    def __init__(self, model: SaliencyModel) -> None:
        """Wrap any model."""
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Map (h, w, 3) uint8 RGB to (h_i, w_i) maps."""
        return _alone(self.model.counting(self.model.sides(as_batch(image))))


def as_batch(image: Tensor) -> Tensor:
    """Map (h, w, 3) uint8 to (1, 3, h, w) float32 in [0, 1]."""
    return image.permute(2, 0, 1).unsqueeze(0).float() / 255


def export(graph: nn.Module, arguments: Sequence[Tensor], inputs: Sequence[str]) -> onnx.ModelProto:
    """Return `graph` as ONNX; each parameter that it uses is an initialiser of the parameter's name.

    Left to itself the exporter makes one initialiser of several equal tensors, and a swap could not patch the others
    then. Initialisers that may be inputs it keeps apart; so all are declared inputs first, and taken from them later.

    Raises:
        ExportError: the network does something that ONNX cannot express.
    """
    buffer = io.BytesIO()
    graph.eval()
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter's own deprecations and its remarks on traced shapes
            torch.onnx.export(
                graph,
                tuple(arguments),
                cast("Any", buffer),  # the legacy exporter writes to a file object as well
                input_names=list(inputs),
                opset_version=_OPSET,
                dynamo=False,
                do_constant_folding=False,
                keep_initializers_as_inputs=True,
                training=torch.onnx.TrainingMode.PRESERVE,
            )
    except Exception as error:
        message = f"this network cannot be exported for serving: {str(error).splitlines()[0]}"
        raise ExportError(message) from error
    proto = onnx.load_model_from_string(buffer.getvalue())
    given = [entry for entry in proto.graph.input if entry.name in inputs]
    del proto.graph.input[:]
    proto.graph.input.extend(given)
    fold_padding(proto)
    return proto


def patch(proto: onnx.ModelProto, state: Mapping[str, Tensor], prefix: str) -> onnx.ModelProto:
    """Return a copy of `proto` with the initialisers of `state` replaced, by name.

    Args:
        proto: an exported graph.
        state: weights by the network's parameter names; names that the graph does not have are another part's.
        prefix: what the graph's initialisers have in front of those names.

    Raises:
        ExportError: none of the names is the graph's, so nothing would change.
    """
    patched = onnx.ModelProto()
    patched.CopyFrom(proto)
    found = 0
    for initializer in patched.graph.initializer:
        weight = state.get(initializer.name.removeprefix(prefix))
        if weight is not None and initializer.name.startswith(prefix):
            initializer.CopyFrom(numpy_helper.from_array(weight.detach().cpu().numpy(), initializer.name))
            found += 1
    if not found:
        message = f"none of the {len(state)} weights (such as '{next(iter(state), '')}') is in the serving graph"
        raise ExportError(message)
    return patched


def _alone(maps: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Take (1, 1, h_i, w_i) maps out of their batch."""
    return tuple(side[0, 0] for side in maps)
