"""Serving by torch: half precision on a GPU, plain float32 where it is asked to run on the CPU."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor

from models.engine import Features, Head, Image, Saliency
from models.layout import channels_last
from models.saliency_model import SaliencyModel


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """An image as a batch of one, and its features where the network splits."""

    rgb: Tensor
    features: tuple[Tensor, ...]


class TorchHead:
    """A model's map, from the shared features or, where the encoder is its own, from the image."""

    def __init__(self, model: SaliencyModel, *, whole: bool) -> None:
        """Hold the model; `whole` makes it start at the image."""
        self._model = model
        self._whole = whole

    def __call__(self, features: Features) -> Saliency:
        """Return (h, w) float32 saliency in [0, 1]."""
        encoded = cast("Encoded", features)
        size = (encoded.rgb.shape[-2], encoded.rgb.shape[-1])
        with torch.inference_mode():
            saliency = self._model(encoded.rgb) if self._whole else self._model.decode(encoded.features, size)
        return np.asarray(saliency[0, 0].float().cpu().numpy(), np.float32)


class TorchNetwork:
    """A `ServedNetwork` on torch."""

    def __init__(self, model: SaliencyModel, size: tuple[int, int], device: str) -> None:
        """Copy `model` to `device`, in half precision where that is a GPU."""
        self._device = torch.device(device)
        self._type = torch.float16 if self._device.type == "cuda" else torch.float32
        self._model = self._prepare(model)
        self._size = size
        self._head = TorchHead(self._model, whole=not model.splits)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width that it serves."""
        return self._size

    @property
    def adaptable(self) -> bool:
        """Whether its twin can be retrained."""
        return self._model.entry.adaptable

    @property
    def head(self) -> Head:
        """The original network's head."""
        return self._head

    def encode(self, image: Image) -> Features:
        """Return the features of one (h, w, 3) uint8 RGB image."""
        with torch.inference_mode():
            pixels = torch.tensor(image, device=self._device)
            rgb = pixels.permute(2, 0, 1).unsqueeze(0).to(self._type) / 255
            return Encoded(rgb, self._model.features(rgb) if self._model.splits else ())

    def twin_head(self, state: Mapping[str, Tensor]) -> Head:
        """Return a head with a twin's weights; see `ServedNetwork.twin_head`."""
        twin = deepcopy(self._model)
        twin.network.load_state_dict({**twin.network.state_dict(), **state})
        shares_encoder = self._model.splits and all(name.startswith("decoder.") for name in state)
        return TorchHead(twin, whole=not shares_encoder)

    def _prepare(self, model: SaliencyModel) -> SaliencyModel:
        return channels_last(deepcopy(model).eval().to(self._device, self._type))
