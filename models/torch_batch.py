"""Frames of many cameras in one batch by torch: one run of the shared encoder, every camera's own decoder, stacked.

On a GPU a frame of one camera leaves most of it idle. Twins differ in their decoders only, so their weights are stacked
and all of them run as one (grouped) network. Half precision on a GPU, plain float32 where it runs on the CPU.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap

from models.engine import Saliency
from models.errors import ExportError
from models.layout import channels_last
from models.saliency_model import SaliencyModel


class TorchBatch:
    """Serves the original network and one twin for each of a fixed number of cameras."""

    def __init__(self, model: SaliencyModel, cameras: int, device: str) -> None:
        """Copy `model` to `device`; every camera's twin is the original until it gets another one.

        Raises:
            ExportError: the network has no halves, so its twins share nothing.
        """
        if not model.splits:
            message = f"'{model.entry.name}' has no encoder and decoder: its twins cannot be stacked"
            raise ExportError(message)
        self._device = torch.device(device)
        self._type = torch.float16 if self._device.type == "cuda" else torch.float32
        self._model = channels_last(deepcopy(model).eval().to(self._device, self._type))
        stacked, buffers = stack_module_state([self._decoder()] * cameras)
        self._twins = {name: value.detach() for name, value in {**stacked, **buffers}.items()}

    def swap(self, camera: int, state: Mapping[str, Tensor]) -> None:
        """Give camera number `camera` a twin with these weights, between two batches.

        Args:
            camera: its place in the batches.
            state: weights by the network's parameter names; all of them the decoder's.

        Raises:
            ExportError: a weight is not the decoder's, so the twin cannot share the encoder.
        """
        for name in state:
            kind, _, own = name.partition(".")
            if kind != "decoder" or own not in self._twins:
                message = f"a twin in a batch differs in its decoder only, but '{name}' is not the decoder's"
                raise ExportError(message)
        for name, weight in state.items():
            self._twins[name.removeprefix("decoder.")][camera].copy_(weight)

    def __call__(self, images: NDArray[np.uint8]) -> tuple[list[Saliency], list[Saliency]]:
        """Return the original's map and the twin's of each camera's (h, w, 3) uint8 RGB image, given as one array."""
        with torch.inference_mode():
            pixels = torch.from_numpy(images).to(self._device)  # (N, h, w, 3)
            rgb = pixels.permute(0, 3, 1, 2).to(self._type) / 255
            size = (rgb.shape[-2], rgb.shape[-1])
            features = self._model.features(rgb)
            original = self._model.decode(features, size)
            sides = vmap(self._decode)(self._twins, [feature.unsqueeze(1) for feature in features])
            twins = self._model.reduce(self._model.entry.select([side.squeeze(1) for side in sides]), size)
        return _maps(original), _maps(twins)

    def _decode(self, weights: Mapping[str, Tensor], features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the maps of one camera's decoder: (1, 1, h_i, w_i) each."""
        return tuple(functional_call(self._decoder(), dict(weights), (features,)))

    def _decoder(self) -> torch.nn.Module:
        decoder = self._model.network.decoder
        if not isinstance(decoder, torch.nn.Module):
            message = f"the decoder of '{self._model.entry.name}' is no module"
            raise ExportError(message)
        return decoder


def _maps(saliency: Tensor) -> list[Saliency]:
    """Return (N, 1, h, w) saliency as N maps."""
    return list(np.asarray(saliency[:, 0].float().cpu().numpy(), np.float32))
