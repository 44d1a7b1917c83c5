"""Any registered network behind one face: RGB in [0, 1] in, saliency in [0, 1] out, at the size of the input."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.registry import SaliencyEntry

_EDGE = 1e-6


class SaliencyModel(nn.Module):
    """A network with its input size, its normalisation, its choice of output and its enlargement applied.

    Attributes:
        network: the wrapped network; its parameter names are those of its checkpoint.
        splits: whether it has an `encoder` and a `decoder`, so that a frozen encoder's features can be shared.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, entry: SaliencyEntry, network: nn.Module | None = None) -> None:
        """Wrap `network`, by default a new untrained one of `entry`."""
        super().__init__()
        self.entry = entry
        self.network = entry.build() if network is None else network
        self.splits = hasattr(self.network, "encoder") and hasattr(self.network, "decoder")
        normalisation = entry.normalisation
        self.register_buffer("mean", torch.tensor(normalisation.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(normalisation.std).view(1, 3, 1, 1), persistent=False)

    def forward(self, rgb: Tensor) -> Tensor:
        """Map (N, 3, h, w) RGB in [0, 1] to (N, 1, h, w) saliency in [0, 1]."""
        return self.reduce(self.sides(rgb), (rgb.shape[-2], rgb.shape[-1]))

    def side_logits(self, rgb: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, h, w) RGB in [0, 1] to the network's logit maps, the prediction first, sizes as they come."""
        maps = self.sides(rgb)
        return maps if self.entry.outputs == "logits" else tuple(torch.logit(side, _EDGE) for side in maps)

    def features(self, rgb: Tensor) -> tuple[Tensor, ...]:
        """Return the encoder's features of (N, 3, h, w) RGB in [0, 1]; only where the network `splits`."""
        return tuple(self.network.encoder(self.normalise(rgb)))  # type: ignore[operator]

    def decode(self, features: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Return (N, 1, *size) saliency in [0, 1] from the encoder's features; only where the network `splits`."""
        return self.reduce(self.sides_of(features), size)

    def sides(self, rgb: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, h, w) RGB in [0, 1] to the network's maps as they come, before they are reduced to one."""
        return self.entry.select(self.network(self.normalise(rgb)))

    def sides_of(self, features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the network's maps as they come from the encoder's features; only where the network `splits`."""
        return self.entry.select(self.network.decoder(features))  # type: ignore[operator]

    def normalise(self, rgb: Tensor) -> Tensor:
        """Turn (N, 3, h, w) RGB in [0, 1] into what the network expects, at the size that it takes."""
        sized = _resize(rgb, self.entry.input_size((rgb.shape[-2], rgb.shape[-1])))
        channels = sized.flip(1) if self.entry.normalisation.order == "BGR" else sized
        return (channels * self.entry.normalisation.scale - self.mean) / self.std

    def reduce(self, maps: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Return the saliency map of `size` from the selected maps: the first, or their mean (Eq. (5))."""
        enlarged = [_resize(side, size) for side in self.counting(maps)]
        if self.entry.outputs == "logits":
            enlarged = [torch.sigmoid(side) for side in enlarged]
        return enlarged[0] if len(enlarged) == 1 else torch.stack(enlarged).mean(0)

    def counting(self, maps: Sequence[Tensor]) -> Sequence[Tensor]:
        """Return those of the selected maps that the saliency map is made of."""
        return maps if self.entry.reduction == "mean" else maps[:1]


def _resize(side: Tensor, size: tuple[int, int]) -> Tensor:
    if tuple(side.shape[-2:]) == size:
        return side
    return functional.interpolate(side, size=size, mode="bilinear", align_corners=False)
