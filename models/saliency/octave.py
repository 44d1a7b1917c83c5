"""Convolutions over several resolutions at once, and the scaled ones that CSNet puts between them.

Source: Gao et al., "Highly Efficient Salient Object Detection with 100K Parameters", ECCV 2020 (arXiv 2003.05643),
Sec. 3.1, after Chen et al., "Drop an Octave", ICCV 2019 (arXiv 1904.05049).
"""

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

Split = tuple[int, ...]
"""Channels at each resolution, the finest first; each next one is half as large."""


class ScaledConvolution(nn.Conv2d):
    """A convolution with a hundred times its weights, which trains faster."""

    def reset_parameters(self) -> None:
        """Start with weights a hundred times smaller than usual, so that an untrained network's maps stay finite."""
        super().reset_parameters()
        with torch.no_grad():
            self.weight /= 100

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name is torch's
        """Map (N, in_channels, h, w) to (N, out_channels, h, w)."""
        y: Tensor = self._conv_forward(input, 100 * self.weight, self.bias)
        return y


class OctaveConvolution(nn.Module):
    """A convolution from several resolutions to several: each pair has its part of one weight."""

    def __init__(self, inputs: Split, outputs: Split, kernel: int, *, halve: bool) -> None:
        """Make the weight; `halve` averages over 2x2 first."""
        super().__init__()
        self.inputs, self.outputs, self.padding, self.halve = inputs, outputs, kernel // 2, halve
        self.weight = nn.Parameter(torch.empty(sum(outputs), sum(inputs), kernel, kernel))
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Map (N, inputs[i], h / 2**i, w / 2**i) to (N, outputs[j], h / 2**j, w / 2**j), h and w halved if asked."""
        if self.halve:
            maps = [functional.avg_pool2d(x, 2) for x in maps]
        height, width = maps[0].shape[-2:]
        results: list[Tensor] = []
        for level, (top, bottom) in enumerate(_ranges(self.outputs)):
            size = (height // 2**level, width // 2**level)
            parts = [
                self._part(x, self.weight[top:bottom, left:right], level - origin, size)
                for origin, (x, (left, right)) in enumerate(zip(maps, _ranges(self.inputs), strict=True))
            ]
            results.append(sum(parts[1:], parts[0]))
        return results

    def _part(self, x: Tensor, weight: Tensor, down: int, size: tuple[int, int]) -> Tensor:
        if down > 0:
            return functional.conv2d(functional.max_pool2d(x, 2**down), weight, padding=self.padding)
        y = functional.conv2d(x, weight, padding=self.padding)
        return y if down == 0 else functional.interpolate(y, size, mode="bilinear", align_corners=False)


class Octave(nn.Module):
    """Octave convolution, batch normalisation and PReLU."""

    def __init__(self, inputs: Split, outputs: Split, kernel: int = 1, *, halve: bool = False) -> None:
        """Make the layers."""
        super().__init__()
        self.conv = OctaveConvolution(inputs, outputs, kernel, halve=halve)
        self.bns = nn.ModuleList(nn.BatchNorm2d(channels) for channels in outputs)
        self.prelus = nn.ModuleList(nn.PReLU(channels) for channels in outputs)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Map (N, inputs[i], ...) to (N, outputs[j], ...), as `OctaveConvolution`."""
        rows = zip(self.prelus, self.bns, self.conv(maps), strict=True)
        return [prelu(bn(x)) for prelu, bn, x in rows]


class Depthwise(nn.Module):
    """A depthwise 3x3 at each resolution; nothing crosses."""

    def __init__(self, channels: Split) -> None:
        """Make the layers."""
        super().__init__()
        self.convs = nn.ModuleList(ScaledConvolution(n, n, 3, padding=1, groups=n, bias=False) for n in channels)
        self.bns = nn.ModuleList(nn.BatchNorm2d(n) for n in channels)
        self.prelus = nn.ModuleList(nn.PReLU(n) for n in channels)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Map (N, channels[i], ...) to the same shapes."""
        rows = zip(self.convs, self.bns, self.prelus, maps, strict=True)
        return [prelu(bn(conv(x))) for conv, bn, prelu, x in rows]


def _ranges(split: Split) -> list[tuple[int, int]]:
    return list(pairwise(accumulate(split, initial=0)))
