"""RAFT's feature and context encoder: a small residual network at stride 8.

Source: Teed and Deng, ECCV 2020 (arXiv 2003.12039); https://github.com/princeton-vl/RAFT (BSD-3-Clause).
"""

from typing import Literal

import torch
from torch import Tensor, nn

Norm = Literal["instance", "batch", "none"]
"""Instance normalisation has no parameters here, batch normalisation has."""


class RaftEncoder(nn.Module):
    """A 7x7 stem and three stages of two blocks."""

    def __init__(
        self, block: Literal["residual", "bottleneck"], channels: tuple[int, int, int, int], outputs: int, norm: Norm
    ) -> None:
        """Make an encoder with `channels` in its stem and stages."""
        super().__init__()
        kind = ResidualBlock if block == "residual" else BottleneckBlock
        stem, one, two, three = channels
        self.norm1 = normalisation(stem, norm)
        self.conv1 = nn.Conv2d(3, stem, 7, stride=2, padding=3)
        self.layer1 = nn.Sequential(kind(stem, one, 1, norm), kind(one, one, 1, norm))
        self.layer2 = nn.Sequential(kind(one, two, 2, norm), kind(two, two, 1, norm))
        self.layer3 = nn.Sequential(kind(two, three, 2, norm), kind(three, three, 1, norm))
        self.conv2 = nn.Conv2d(three, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, 3, H, W) in [-1, 1] to (N, outputs, H / 8, W / 8)."""
        x = torch.relu(self.norm1(self.conv1(x)))  # (N, stem, H / 2, W / 2)
        x = self.layer2(self.layer1(x))  # (N, two, H / 4, W / 4)
        features: Tensor = self.conv2(self.layer3(x))  # (N, outputs, H / 8, W / 8)
        return features


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut, rectified before they meet as well as after."""

    def __init__(self, inputs: int, outputs: int, stride: int, norm: Norm) -> None:
        """Make the block; a stride of 2 puts a 1x1 into the shortcut."""
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.norm1 = normalisation(outputs, norm)
        self.norm2 = normalisation(outputs, norm)
        self.downsample: nn.Sequential | None = None
        if stride > 1:
            # Checkpoints name this one normalisation twice; the second name is registered last, so it wins.
            self.norm3 = normalisation(outputs, norm)
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride), self.norm3)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, h / stride, w / stride)."""
        y = torch.relu(self.norm1(self.conv1(x)))
        y = torch.relu(self.norm2(self.conv2(y)))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class BottleneckBlock(nn.Module):
    """1x1 to a quarter of the channels, 3x3, 1x1 back, beside a shortcut; every one of them rectified."""

    def __init__(self, inputs: int, outputs: int, stride: int, norm: Norm) -> None:
        """Make the block; a stride of 2 puts a 1x1 into the shortcut."""
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs // 4, 1)
        self.conv2 = nn.Conv2d(outputs // 4, outputs // 4, 3, stride, padding=1)
        self.conv3 = nn.Conv2d(outputs // 4, outputs, 1)
        self.norm1 = normalisation(outputs // 4, norm)
        self.norm2 = normalisation(outputs // 4, norm)
        self.norm3 = normalisation(outputs, norm)
        self.downsample: nn.Sequential | None = None
        if stride > 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride), normalisation(outputs, norm))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, h / stride, w / stride)."""
        y = torch.relu(self.norm1(self.conv1(x)))
        y = torch.relu(self.norm2(self.conv2(y)))
        y = torch.relu(self.norm3(self.conv3(y)))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


def normalisation(channels: int, norm: Norm) -> nn.Module:
    """Return a normalisation layer; none is the identity."""
    if norm == "instance":
        return nn.InstanceNorm2d(channels)
    return nn.BatchNorm2d(channels) if norm == "batch" else nn.Identity()
