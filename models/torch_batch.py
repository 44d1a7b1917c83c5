"""Frames of many cameras in one batch by torch: one run of the shared encoder, every camera's own decoder, stacked.

On a GPU a frame of one camera leaves most of it idle. Twins differ in their decoders only, so their weights are stacked
and all of them run as one network. Half precision on a GPU, plain float32 where it runs on the CPU.
"""

from collections.abc import Mapping
from copy import deepcopy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.engine import Saliency
from models.errors import ExportError
from models.layout import channels_last
from models.saliency_model import SaliencyModel
from models.stacked import StackedDecoder, Stacking


class TorchBatch:
    """Serves the original network and one twin for each of a fixed number of cameras.

    Attributes:
        device: that it works on.
        precision: of weights and features: float16 on a GPU, by default, else float32.
    """

    def __init__(
        self,
        model: SaliencyModel,
        cameras: int,
        device: str,
        stacking: Stacking = "matmul",
        precision: torch.dtype | None = None,
    ) -> None:
        """Copy `model` to `device`; every camera's twin is the original until it gets another one.

        Raises:
            ExportError: the network has no halves, so its twins share nothing, or they cannot be stacked this way.
        """
        if not model.splits:
            message = f"'{model.entry.name}' has no encoder and decoder: its twins cannot be stacked"
            raise ExportError(message)
        self.device = torch.device(device)
        self.precision = precision or (torch.float16 if self.device.type == "cuda" else torch.float32)
        self._model = served_model(model, self.device, self.precision)
        self._twins = StackedDecoder(self._decoder(), cameras, stacking)

    def swap(self, camera: int, state: Mapping[str, Tensor]) -> None:
        """Give camera number `camera` a twin with these weights, between two batches.

        They are written where the old ones are, so that a captured graph sees them.

        Args:
            camera: its place in the batches.
            state: weights by the network's parameter names; all of them the decoder's.

        Raises:
            ExportError: a weight is not the decoder's, so the twin cannot share the encoder.
        """
        for name in state:
            kind, _, own = name.partition(".")
            if kind != "decoder" or own not in self._twins.weights:
                message = f"a twin in a batch differs in its decoder only, but '{name}' is not the decoder's"
                raise ExportError(message)
        for name, weight in state.items():
            self._twins.weights[name.removeprefix("decoder.")].data[camera].copy_(weight, non_blocking=True)

    def maps(self, rgb: Tensor) -> tuple[Tensor, Tensor]:
        """Return the original's maps and the twins', (N, 1, h, w) each, of (N, 3, h, w) RGB in [0, 1] on the device."""
        size = (rgb.shape[-2], rgb.shape[-1])
        pixels = rgb.to(self.precision).contiguous(memory_format=torch.channels_last)
        features = self._model.features(pixels)
        original = self._model.decode(features, size)
        twins = self._model.reduce(self._model.entry.select(self._twins(features)), size)
        return original, twins

    def __call__(self, images: NDArray[np.uint8]) -> tuple[list[Saliency], list[Saliency]]:
        """Return the original's map and the twin's of each camera's (h, w, 3) uint8 RGB image, given as one array."""
        with torch.inference_mode():
            pixels = torch.from_numpy(images).to(self.device)  # (N, h, w, 3)
            original, twins = self.maps(pixels.permute(0, 3, 1, 2).to(self.precision) / 255)
        return _maps(original), _maps(twins)

    def _decoder(self) -> torch.nn.Module:
        decoder = self._model.network.decoder
        if not isinstance(decoder, torch.nn.Module):
            message = f"the decoder of '{self._model.entry.name}' is no module"
            raise ExportError(message)
        return decoder


def served_model(model: SaliencyModel, device: torch.device, precision: torch.dtype) -> SaliencyModel:
    """Return a copy of `model` to serve by: on `device`, in `precision`, channels last."""
    return channels_last(deepcopy(model).eval().requires_grad_(requires_grad=False).to(device, precision))


def _maps(saliency: Tensor) -> list[Saliency]:
    """Return (N, 1, h, w) saliency as N maps."""
    return list(np.asarray(saliency[:, 0].float().cpu().numpy(), np.float32))
