"""Serving a saliency network frame by frame: ONNX Runtime on a CPU, torch on a GPU.

A served network is an encoder and a head. The original network and its twin share the encoder's features, so a twin
costs a head; where a network has no such halves, or all its layers were retrained, the head is the whole network.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from models.saliency_model import SaliencyModel

Image = NDArray[np.uint8]
"""(h, w, 3) uint8 RGB at the working size."""

Saliency = NDArray[np.float32]
"""(h, w) float32 in [0, 1]."""

Features = Any
"""What an encoder hands to heads; only the engine that made it can read it."""


class Head(Protocol):
    """From an encoder's features to a saliency map."""

    def __call__(self, features: Features) -> Saliency:
        """Return (h, w) float32 saliency in [0, 1]."""
        ...


class ServedNetwork(Protocol):
    """A network ready to serve one working size; calls come from one thread at a time."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width that it serves."""
        ...

    @property
    def adaptable(self) -> bool:
        """Whether its twin can be retrained."""
        ...

    @property
    def head(self) -> Head:
        """The original network's head."""
        ...

    def encode(self, image: Image) -> Features:
        """Return the features of one image."""
        ...

    def twin_head(self, state: Mapping[str, Tensor]) -> Head:
        """Return a new head with a twin's weights, warmed up and found equal to torch; too slow for the frame path.

        Args:
            state: weights that differ from the original's, by the network's parameter names.

        Raises:
            ExportError: the new head does not reproduce torch.
        """
        ...


class Servable(Protocol):
    """What brings its own way to be served."""

    def served(self, size: tuple[int, int], device: str) -> ServedNetwork:
        """Make it ready to serve images of `size` = (h, w) on `device`."""
        ...


def serve(model: SaliencyModel | Servable, size: tuple[int, int], device: str = "cpu") -> ServedNetwork:
    """Make `model` ready to serve images of `size` = (h, w) on `device`.

    Raises:
        ExportError: the engine cannot run this network, or runs it differently from torch.
        PluginError: it is a user's own graph, and does not map such images to saliency.
    """
    if not isinstance(model, SaliencyModel):
        return model.served(size, device)
    if device == "cpu":
        from models.onnx_engine import OnnxNetwork  # noqa: PLC0415 - each engine brings its own heavy library

        return OnnxNetwork(model, size)
    from models.torch_engine import TorchNetwork  # noqa: PLC0415

    return TorchNetwork(model, size, device)
