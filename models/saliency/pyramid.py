"""livesal's own saliency network: a pyramid encoder with a light top-down decoder, deeply supervised.

Source: this project. The decoder is a feature pyramid (Lin et al., CVPR 2017) of depthwise-separable blocks with a
global context term on the coarsest level; deep supervision on every level follows DSS (Hou et al., CVPR 2017).
Encoder and decoder are separate modules: the twin shares the encoder's features and costs a decoder.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from torch import Tensor, nn
from torch.nn import functional

from models.backbones.encoder import PyramidEncoder

_FINEST: Final = 16
"""Channels of the decoder's finest level, which has four times the next one's pixels and needs the least."""
_WIDTH: Final = 64
"""Channels of its other levels."""


class SeparableBlock(nn.Module):
    """A residual depthwise 5x5 followed by a 1x1."""

    def __init__(self, channels: int) -> None:
        """Make the block; it keeps the number of channels."""
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 5, padding=2, groups=channels)
        self.pointwise = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels, h, w) to the same shape."""
        return x + functional.relu(self.pointwise(self.depthwise(x)))


class PyramidDecoder(nn.Module):
    """Top-down decoder with a saliency head on each level."""

    def __init__(self, channels: Sequence[int]) -> None:
        """Make a decoder for features of `channels`, finest level first."""
        super().__init__()
        widths = (_FINEST, *[_WIDTH] * (len(channels) - 1))
        pairs = list(zip(channels, widths, strict=True))
        self.lateral = nn.ModuleList(nn.Conv2d(inputs, width, 1) for inputs, width in pairs)
        self.context = nn.Conv2d(widths[-1], widths[-1], 1)
        self.narrow = nn.ModuleList(
            nn.Conv2d(coarse, fine, 1) if coarse != fine else nn.Identity() for fine, coarse in pairwise(widths)
        )
        self.blocks = nn.ModuleList(nn.Sequential(SeparableBlock(width), SeparableBlock(width)) for width in widths)
        self.heads = nn.ModuleList(nn.Conv2d(width, 1, 1) for width in widths)

    def forward(self, features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return one logit map a level, finest first: (N, 1, h_i, w_i) for features of (N, C_i, h_i, w_i)."""
        x = self.lateral[-1](features[-1])
        x = self.blocks[-1](x + self.context(x.mean((2, 3), keepdim=True)))
        sides = [self.heads[-1](x)]
        for level in reversed(range(len(features) - 1)):
            x = functional.interpolate(self.narrow[level](x), size=features[level].shape[-2:], mode="bilinear")
            x = self.blocks[level](x + self.lateral[level](features[level]))
            sides.append(self.heads[level](x))
        return tuple(reversed(sides))


class PyramidNetwork(nn.Module):
    """RGB as the encoder wants it to saliency logits at the encoder's strides 2, 4, 8, …, finest first."""

    def __init__(self, encoder: PyramidEncoder) -> None:
        """Put an untrained decoder behind `encoder`."""
        super().__init__()
        self.encoder = encoder
        self.decoder = PyramidDecoder(encoder.channels)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, H, W), H and W multiples of 32, to logit maps (N, 1, H / 2**i, W / 2**i), i = 1, 2, …."""
        return self.decoder(self.encoder(x))
