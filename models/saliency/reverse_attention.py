"""The blocks of RAS on ResNet-50: multi-scale context and reverse attention.

Source: Chen et al., "Reverse Attention-Based Residual Network for Salient Object Detection", IEEE TIP 2020; layout and
key names of the public checkpoints: github.com/ShuhanChen/RAS-pytorch (no licence stated). Version 2 normalises after
every convolution but the last, version 1 nowhere.
"""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH: Final = 64
"""Channels of every block."""


class MultiScaleContext(nn.Module):
    """Four branches, each wider and more dilated than the one before, to the coarsest score."""

    def __init__(self, inputs: int, *, normalised: bool) -> None:
        """Make the block for features of `inputs` channels."""
        super().__init__()
        self.convert = nn.Conv2d(inputs, WIDTH, 1)
        if normalised:
            self.bn = nn.BatchNorm2d(WIDTH)
        self.normalised = normalised
        self.branch1 = _branch(1, 1, normalised=normalised)
        self.branch2 = _branch(3, 2, normalised=normalised)
        self.branch3 = _branch(5, 4, normalised=normalised)
        self.branch4 = _branch(7, 6, normalised=normalised)
        self.score = nn.Conv2d(4 * WIDTH, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to a logit map (N, 1, h, w)."""
        x = self.convert(x)
        if self.normalised:
            x = functional.relu(self.bn(x))
        branches = (self.branch1, self.branch2, self.branch3, self.branch4)
        score: Tensor = self.score(torch.cat([branch(x) for branch in branches], 1))
        return score


class ReverseAttention(nn.Module):
    """Refines a coarser score where it sees no object yet: features are weighted by 1 - sigmoid(score)."""

    def __init__(self, inputs: int, *, normalised: bool) -> None:
        """Make the block for features of `inputs` channels."""
        super().__init__()
        self.convert = nn.Conv2d(inputs, WIDTH, 1)
        if normalised:
            self.bn = nn.BatchNorm2d(WIDTH)
        self.normalised = normalised
        layers: list[nn.Module] = []
        for _ in range(3):
            layers += _convolution(3, 1, normalised=normalised)
        self.convs = nn.Sequential(*layers, nn.Conv2d(WIDTH, 1, 3, padding=1))

    def forward(self, x: Tensor, score: Tensor) -> Tensor:
        """Map features (N, inputs, h, w) and the coarser logit map (N, 1, h', w') to a logit map (N, 1, h, w)."""
        score = enlarge(score, x)
        x = self.convert(x)
        if self.normalised:
            x = functional.relu(self.bn(x))
        residual: Tensor = self.convs(torch.sigmoid(-score) * x)
        return score + residual


def refine(
    features: Sequence[Tensor], context: MultiScaleContext, attentions: Sequence[ReverseAttention], image: Tensor
) -> tuple[Tensor, ...]:
    """Return logit maps (N, 1, H, W) of the image's size, finest first.

    Args:
        features: finest first; the last goes to `context`.
        context: makes the coarsest score.
        attentions: one for each of the others, finest first.
        image: (N, 3, H, W).
    """
    scores = [context(features[-1])]
    for attention, feature in zip(reversed(attentions), reversed(features[:-1]), strict=True):
        scores.append(attention(feature, scores[-1]))
    return tuple(enlarge(score, image) for score in reversed(scores))


def enlarge(score: Tensor, reference: Tensor) -> Tensor:
    """Resize (N, C, h, w) to the reference's height and width."""
    return functional.interpolate(score, size=reference.shape[-2:], mode="bilinear", align_corners=True)


def _branch(kernel: int, dilation: int, *, normalised: bool) -> nn.Sequential:
    return nn.Sequential(
        *_convolution(kernel, 1, normalised=normalised), *_convolution(3, dilation, normalised=normalised)
    )


def _convolution(kernel: int, dilation: int, *, normalised: bool) -> list[nn.Module]:
    layer = nn.Conv2d(WIDTH, WIDTH, kernel, padding=dilation * (kernel // 2), dilation=dilation)
    return [layer, nn.BatchNorm2d(WIDTH), nn.ReLU()] if normalised else [layer, nn.ReLU()]
