"""DiCENet as a pyramid encoder.

Source: Mehta et al., "DiCENet: Dimension-wise Convolutions for Efficient Networks", TPAMI 2020 (arXiv 1906.03516);
the public checkpoints of sacmehta/EdgeNets (MIT), whose parameter names these are.
"""

from math import gcd

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.backbones.encoder import SegmentationEncoder


class NormalisedConvolution(nn.Module):
    """A convolution without bias, batch normalisation, PReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        """Make the layer; padding keeps the size at stride 1."""
        super().__init__()
        self.cbr = nn.Sequential(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs),
            nn.PReLU(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, h / stride, w / stride)."""
        return self.cbr(x)


class Activation(nn.Module):
    """Batch normalisation and PReLU."""

    def __init__(self, channels: int) -> None:
        """Make the layer."""
        super().__init__()
        self.br = nn.Sequential(nn.BatchNorm2d(channels), nn.PReLU(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape."""
        return self.br(x)


class DimensionWise(nn.Module):
    """DiCE unit: filter along channels, rows and columns, and fuse the three."""

    def __init__(self, inputs: int, outputs: int, side: int) -> None:
        """Make the unit; its row and column filters are made for maps of `side` x `side`, others are resampled."""
        super().__init__()
        self.side = side
        self.conv_channel = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
        self.conv_width = nn.Conv2d(side, side, 3, padding=1, groups=side, bias=False)
        self.conv_height = nn.Conv2d(side, side, 3, padding=1, groups=side, bias=False)
        self.br_act = Activation(3 * inputs)
        self.weight_avg_layer = NormalisedConvolution(3 * inputs, inputs, 1, groups=inputs)
        self.proj_layer = NormalisedConvolution(inputs, outputs, 3, groups=gcd(inputs, outputs))
        self.linear_comb_layer = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(inputs, inputs // 4, 1, bias=False),
            nn.ReLU(),
            nn.Conv2d(inputs // 4, outputs, 1, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, h, w)."""
        rows = self._along(x, self.conv_height, 1)
        columns = self._along(x, self.conv_width, 2)
        joined = self.br_act(torch.cat([self.conv_channel(x), rows, columns], 1))
        mixed = self.weight_avg_layer(shuffle(joined, 3))
        return self.proj_layer(mixed) * self.linear_comb_layer(mixed)

    def _along(self, x: Tensor, conv: nn.Conv2d, axis: int) -> Tensor:
        """Filter with rows (axis 1) or columns (axis 2) in the channels' place."""
        height, width = x.shape[-2:]
        size = (self.side, width) if axis == 1 else (height, self.side)
        resampled = functional.interpolate(x, size=size, mode="bilinear", align_corners=True)
        filtered = conv(resampled.transpose(1, axis + 1)).transpose(1, axis + 1)
        return functional.interpolate(filtered, size=(height, width), mode="bilinear", align_corners=True)


def shuffle(x: Tensor, groups: int) -> Tensor:
    """Interleave the channels of `groups` groups."""
    channels = x.shape[1]
    height, width = x.shape[-2:]
    return x.view(-1, groups, channels // groups, height, width).transpose(1, 2).reshape(-1, channels, height, width)


class StridedUnit(nn.Module):
    """Halves the resolution and doubles the channels: a depthwise branch beside a DiCE branch, shuffled."""

    def __init__(self, channels: int, side: int) -> None:
        """Make the unit."""
        super().__init__()
        self.left_layer = nn.Sequential(
            NormalisedConvolution(channels, channels, 3, 2, channels), NormalisedConvolution(channels, channels, 1)
        )
        self.right_layer = nn.Sequential(
            nn.AvgPool2d(3, 2, 1), DimensionWise(channels, channels, side), NormalisedConvolution(channels, channels, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels, h, w) to (N, 2 * channels, h / 2, w / 2)."""
        return shuffle(torch.cat([self.left_layer(x), self.right_layer(x)], 1), 2)


class ShuffleUnit(nn.Module):
    """Half of the channels pass, the other half goes through a DiCE unit; both are shuffled."""

    def __init__(self, inputs: int, outputs: int, side: int) -> None:
        """Make the unit."""
        super().__init__()
        self.passing = round(0.5 * inputs)
        width = outputs - self.passing
        self.layer_right = nn.Sequential(
            NormalisedConvolution(inputs - self.passing, width, 1), DimensionWise(width, width, side)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, h, w)."""
        left, right = x[:, : self.passing], x[:, self.passing :]
        return shuffle(torch.cat([left, self.layer_right(right)], 1), 2)


class DiCENet(SegmentationEncoder):
    """Encoder: normalised RGB to four feature maps at strides 2, 4, 8 and 16."""

    def __init__(self, widths: tuple[int, int, int]) -> None:
        """Make an untrained encoder whose stem and levels have `widths` channels."""
        super().__init__()
        stem, third, fourth = widths
        self.channels = (stem, stem, third, fourth)
        self.level1 = NormalisedConvolution(3, stem, 3, 2)
        self.level3 = nn.Sequential(
            StridedUnit(stem, 28), *(ShuffleUnit(2 * stem if index == 0 else third, third, 28) for index in range(3))
        )
        self.level4 = nn.Sequential(
            StridedUnit(third, 14),
            *(ShuffleUnit(2 * third if index == 0 else fourth, fourth, 14) for index in range(7)),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, H, W) to features of (N, channels[i], H / 2**(i + 1), W / 2**(i + 1))."""
        first = self.level1(x)  # (N, stem, H/2, W/2)
        second = functional.max_pool2d(first, 3, 2, 1)  # (N, stem, H/4, W/4)
        third = self.level3(second)  # (N, third, H/8, W/8)
        return first, second, third, self.level4(third)  # (N, fourth, H/16, W/16)
