"""DSS on VGG-16, as in a PyTorch reimplementation that others build on.

Source: Hou et al., "Deeply Supervised Salient Object Detection with Short Connections", CVPR 2017 (arXiv 1611.04849);
layout and key names: github.com/AceCoooool/DSS-pytorch (MIT), its second version, whose fusion is learnt. It differs
from the authors' Caffe network: images have no margin, every deconvolution is trained, and a side's score reaches a
finer one before its own connections. The saliency map is the mean of the fused map and of sides 2 to 4, as there.
"""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.backbones.vgg import CHANNELS, STAGE_ENDS, numbered_layers, run_numbered
from models.registry import IMAGENET, Checkpoint, SaliencyEntry, register_saliency

_LAST_POOLING: Final = 30

# Of sides 1 to 6: inputs, width, kernel, and the coarser sides (from 0) that are joined to it.
_SIDES: Final = (
    (CHANNELS[0], 128, 3, (2, 3, 4, 5)),
    (CHANNELS[1], 128, 3, (2, 3, 4, 5)),
    (CHANNELS[2], 256, 5, (4, 5)),
    (CHANNELS[3], 256, 5, (4, 5)),
    (CHANNELS[4], 512, 5, ()),
    (CHANNELS[4], 512, 7, ()),
)


class SideScore(nn.Module):
    """Two convolutions and a score."""

    def __init__(self, inputs: int, width: int, kernel: int) -> None:
        """Make the layers."""
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(inputs, width, kernel, padding=kernel // 2),
            nn.ReLU(),
            nn.Conv2d(width, width, kernel, padding=kernel // 2),
            nn.ReLU(),
            nn.Conv2d(width, 1, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to a score (N, 1, h, w)."""
        score: Tensor = self.main(x)
        return score


class ShortConnection(nn.Module):
    """Joins coarser scores to a side's own and enlarges the outcome to the image's size."""

    def __init__(self, factors: Sequence[int], stride: int) -> None:
        """Make the layers.

        Args:
            factors: by which the coarser scores are enlarged to the side's size.
            stride: of the side.
        """
        super().__init__()
        self.upconv = nn.ModuleList(_deconvolution(factor) for factor in factors)
        self.conv = nn.Conv2d(1 + len(factors), 1, 1)
        self.deconv = _deconvolution(stride) if stride > 1 else nn.Identity()

    def forward(self, score: Tensor, coarser: Sequence[Tensor]) -> Tensor:
        """Map scores (N, 1, h, w) and (N, 1, h / factor, w / factor) to a logit map (N, 1, h * stride, w * stride)."""
        enlarged = [layer(other) for layer, other in zip(self.upconv, coarser, strict=True)]
        enlarged_score: Tensor = self.deconv(self.conv(torch.cat([score, *enlarged], 1)))
        return enlarged_score


class WeightedSum(nn.Module):
    """The fused map: a learnt weight a side."""

    def __init__(self, count: int) -> None:
        """Make equal weights."""
        super().__init__()
        self.weights = nn.Parameter(torch.full((count,), 1 / count))

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Map logit maps (N, 1, H, W) to one."""
        return (torch.cat(list(maps), 1) * self.weights.view(1, -1, 1, 1)).sum(1, keepdim=True)


class Dss(nn.Module):
    """RGB, ImageNet-normalised, to logit maps of the image's size: the fused one, then sides 1 to 6."""

    def __init__(self) -> None:
        """Make an untrained network."""
        super().__init__()
        self.base = numbered_layers(lambda _: nn.MaxPool2d(2, 2))
        self.feat = nn.ModuleList(SideScore(inputs, width, kernel) for inputs, width, kernel, _ in _SIDES)
        self.comb = nn.ModuleList(
            ShortConnection([2 ** (other - side) for other in coarser], 2**side)
            for side, (_, _, _, coarser) in enumerate(_SIDES)
        )
        self.fuse = WeightedSum(len(_SIDES))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, H, W), H and W multiples of 32, to seven logit maps (N, 1, H, W)."""
        features = list(run_numbered(self.base, x, (*STAGE_ENDS, _LAST_POOLING)))
        features[-1] = functional.avg_pool2d(features[-1], 3, 1, 1)  # (N, 512, H/32, W/32)
        scores = [layer(feature) for layer, feature in zip(self.feat, features, strict=True)]
        maps = [
            layer(score, [scores[other] for other in coarser])
            for layer, score, (_, _, _, coarser) in zip(self.comb, scores, _SIDES, strict=True)
        ]
        return (self.fuse(maps), *maps)


def _deconvolution(factor: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(1, 1, 2 * factor, factor, factor // 2)


def _mean_of_four(logits: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    fused, _, second, third, fourth, _, _ = logits
    return fused, second, third, fourth


DSS: Final = register_saliency(
    SaliencyEntry(
        name="dss",
        build=Dss,
        select=_mean_of_four,
        outputs="logits",
        normalisation=IMAGENET,
        size=(256, 256),
        multiple=32,
        reduction="mean",
        source="DSS, CVPR 2017, arXiv 1611.04849; github.com/AceCoooool/DSS-pytorch (MIT)",
        checkpoint=Checkpoint(
            file="dss.pth",
            url="https://github.com/AceCoooool/DSS-pytorch",
            licence="MIT; trained on MSRA-B",
        ),
    )
)
"""DSS on VGG-16, PyTorch weights."""
