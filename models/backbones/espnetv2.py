"""ESPNetv2 as a pyramid encoder.

Source: Mehta et al., "ESPNetv2: A Light-weight, Power Efficient, and General Purpose Convolutional Neural Network",
CVPR 2019 (arXiv 1811.11431); the public checkpoints of sacmehta/EdgeNets (MIT), whose parameter names these are.
"""

from itertools import accumulate
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.backbones.encoder import SegmentationEncoder

_BRANCHES: Final = 4
"""Parallel dilated convolutions of a block."""
_REACH: Final = {"level2": 13, "level3": 11, "level4": 9}
"""Largest receptive field of a branch, by the level at whose end it stands."""


class NormalisedConvolution(nn.Module):
    """A convolution without bias, batch normalisation and, unless `linear`, PReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, *, linear: bool = False
    ) -> None:
        """Make the layer; padding keeps the size at stride 1."""
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.act = nn.Identity() if linear else nn.PReLU(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, h / stride, w / stride)."""
        return self.act(self.bn(self.conv(x)))


class Activation(nn.Module):
    """Batch normalisation and PReLU."""

    def __init__(self, channels: int) -> None:
        """Make the layer."""
        super().__init__()
        self.bn = nn.BatchNorm2d(channels)
        self.act = nn.PReLU(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape."""
        return self.act(self.bn(x))


class _Dilated(nn.Module):
    def __init__(self, channels: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride, dilation, dilation=dilation, groups=channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class DilatedPyramid(nn.Module):
    """EESP: reduce by a grouped 1x1, filter depthwise at four dilations, fuse them by sums, expand by a grouped 1x1."""

    def __init__(self, inputs: int, outputs: int, reach: int, stride: int = 1) -> None:
        """Make the block.

        Args:
            inputs: channels that come.
            outputs: channels that leave.
            reach: largest receptive field of a branch in pixels; what would reach farther does not dilate.
            stride: 2 leaves out the residual and the last activation, which the down-sampler does after its sum.
        """
        super().__init__()
        width = outputs // _BRANCHES
        fields = sorted(field if (field := 3 + 2 * branch) <= reach else 3 for branch in range(_BRANCHES))
        self.proj_1x1 = NormalisedConvolution(inputs, width, 1, groups=_BRANCHES)
        self.spp_dw = nn.ModuleList(_Dilated(width, stride, (field - 1) // 2) for field in fields)
        self.conv_1x1_exp = NormalisedConvolution(outputs, outputs, 1, groups=_BRANCHES, linear=True)
        self.br_after_cat = Activation(outputs)
        self.module_act = nn.PReLU(outputs)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, h / stride, w / stride)."""
        reduced = self.proj_1x1(x)
        branches = accumulate(branch(reduced) for branch in self.spp_dw)  # each adds the one before: no gridding
        expanded = self.conv_1x1_exp(self.br_after_cat(torch.cat(list(branches), 1)))
        return expanded if self.stride > 1 else self.module_act(expanded + x)


class DownSampler(nn.Module):
    """Halves the resolution: averaged input beside a strided EESP, with the shrunken picture added."""

    def __init__(self, inputs: int, outputs: int, reach: int) -> None:
        """Make the block."""
        super().__init__()
        self.eesp = DilatedPyramid(inputs, outputs - inputs, reach, stride=2)
        self.inp_reinf = nn.Sequential(
            NormalisedConvolution(3, 3, 3), NormalisedConvolution(3, outputs, 1, linear=True)
        )
        self.act = nn.PReLU(outputs)

    def forward(self, x: Tensor, picture: Tensor) -> Tensor:
        """Map (N, inputs, h, w), and the (N, 3, h, w) picture at that size, to (N, outputs, h / 2, w / 2)."""
        joined = torch.cat([shrink(x), self.eesp(x)], 1)
        return self.act(joined + self.inp_reinf(shrink(picture)))


def shrink(x: Tensor) -> Tensor:
    """Halve the resolution by averaging 3x3."""
    return functional.avg_pool2d(x, 3, 2, 1)


class ESPNetV2(SegmentationEncoder):
    """Encoder: normalised RGB to four feature maps at strides 2, 4, 8 and 16."""

    def __init__(self, widths: tuple[int, int, int, int]) -> None:
        """Make an untrained encoder whose levels have `widths` channels, finest first."""
        super().__init__()
        self.channels = widths
        self.level1 = NormalisedConvolution(3, widths[0], 3, 2)
        self.level2_0 = DownSampler(widths[0], widths[1], _REACH["level2"])
        self.level3_0 = DownSampler(widths[1], widths[2], _REACH["level3"])
        self.level3 = nn.ModuleList(DilatedPyramid(widths[2], widths[2], _REACH["level4"]) for _ in range(3))
        self.level4_0 = DownSampler(widths[2], widths[3], _REACH["level4"])
        self.level4 = nn.ModuleList(DilatedPyramid(widths[3], widths[3], 7) for _ in range(7))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, H, W) to features of (N, channels[i], H / 2**(i + 1), W / 2**(i + 1))."""
        halves = [shrink(x)]
        for _ in range(2):
            halves.append(shrink(halves[-1]))
        first = self.level1(x)  # (N, widths[0], H/2, W/2)
        second = self.level2_0(first, halves[0])  # (N, widths[1], H/4, W/4)
        third = self.level3_0(second, halves[1])  # (N, widths[2], H/8, W/8)
        for block in self.level3:
            third = block(third)
        fourth = self.level4_0(third, halves[2])  # (N, widths[3], H/16, W/16)
        for block in self.level4:
            fourth = block(fourth)
        return first, second, third, fourth
