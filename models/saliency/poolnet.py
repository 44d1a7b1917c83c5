"""PoolNet: pooling pyramids guide and thicken a top-down decoder; on VGG-16 or ResNet-50.

Source: Liu et al., "A Simple Pooling-Based Design for Real-Time Salient Object Detection", CVPR 2019 (arXiv
1904.09569); github.com/backseason/PoolNet (MIT), whose checkpoints' keys these networks have. The variant that
learns edges beside saliency is `poolnet_joint`.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.backbones.resnet import CHANNELS, ResNet, ResNetOptions
from models.backbones.vgg import STAGE_ENDS, numbered_layers, run_numbered
from models.registry import CAFFE, Checkpoint, SaliencyEntry, register_saliency
from models.saliency.cell_means import CellMeans

_SOURCE: Final = "PoolNet, arXiv 1904.09569; github.com/backseason/PoolNet (MIT)"
_POOLS: Final = (2, 4, 8)
_CELLS: Final = (1, 3, 5)
_LOCATION: Final = 512
"""Channels of the location features, the pyramid pooling's outcome."""


class Shape(NamedTuple):
    """Channels of the decoder: into each pooling block, out of each, and of the guidance at each level."""

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    guidance: tuple[int, ...]
    converted: tuple[int, ...] = ()


VGG: Final = Shape((512, 512, 256, 128), (512, 256, 128, 128), (512, 256, 128))
RESNET: Final = Shape(
    (512, 512, 256, 256, 128), (512, 256, 256, 128, 128), (512, 256, 256, 128), (128, 256, 256, 512, 512)
)


class NumberedVGG(nn.Module):
    """VGG-16 with overlapping 3x3 pooling, the last of stride 1."""

    def __init__(self) -> None:
        """Make the 31 layers; the last pooling's output is not used."""
        super().__init__()
        self.base = numbered_layers(lambda stage: nn.MaxPool2d(3, 1 if stage == 5 else 2, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, H, W) to the features of stages 2 to 5, at strides 2, 4, 8 and 16."""
        return run_numbered(self.base, x, STAGE_ENDS[1:])


class Locator(nn.Module):
    """A backbone and the pyramid pooling that says, at each level, where the object is."""

    def __init__(self, shape: Shape) -> None:
        """Make the backbone, ResNet-50 where `shape` has converted channels, and the pyramid."""
        super().__init__()
        self.residual = bool(shape.converted)
        if self.residual:
            options = ResNetOptions(
                strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2), stride_in_first=True, ceil_pooling=True
            )
            self.resnet = ResNet(options)
            self.ppms_pre = nn.Conv2d(CHANNELS[-1], _LOCATION, 1, bias=False)
        else:
            self.vgg16 = NumberedVGG()
        self.ppms = nn.ModuleList(
            nn.Sequential(CellMeans(cells), nn.Conv2d(_LOCATION, _LOCATION, 1, bias=False), nn.ReLU())
            for cells in _CELLS
        )
        self.ppm_cat = nn.Sequential(nn.Conv2d(4 * _LOCATION, _LOCATION, 3, padding=1, bias=False), nn.ReLU())
        self.infos = nn.ModuleList(
            nn.Sequential(nn.Conv2d(_LOCATION, outputs, 3, padding=1, bias=False), nn.ReLU())
            for outputs in shape.guidance
        )

    def forward(self, x: Tensor) -> tuple[tuple[Tensor, ...], list[Tensor]]:
        """Map (N, 3, H, W) to the backbone's features, finest first, and the guidance, coarsest first."""
        features: tuple[Tensor, ...] = self.resnet(x) if self.residual else self.vgg16(x)
        deepest = self.ppms_pre(features[-1]) if self.residual else features[-1]  # (N, 512, H/16, W/16)
        pyramid = [deepest, *(enlarge(pool(deepest), deepest.shape[-2:]) for pool in self.ppms)]
        location = self.ppm_cat(torch.cat(pyramid, 1))  # (N, 512, H/16, W/16)
        below = reversed(features[:-1])
        guidance = [
            info(enlarge(location, feature.shape[-2:])) for info, feature in zip(self.infos, below, strict=True)
        ]
        return features, guidance


class FeatureAggregation(nn.Module):
    """Means over 2, 4 and 8 pixels thicken a feature before the next finer one is added."""

    def __init__(self, inputs: int, outputs: int, *, last: bool) -> None:
        """Make the convolutions; the last block of a decoder has nothing finer to add."""
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(inputs, inputs, 3, padding=1, bias=False) for _ in _POOLS)
        self.conv_sum = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        if not last:
            self.conv_sum_c = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)

    def thicken(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w), h and w at least 8, to the same shape."""
        size = x.shape[-2:]
        total = x
        for conv, pool in zip(self.convs, _POOLS, strict=True):
            total = total + enlarge(conv(functional.avg_pool2d(x, pool)), size)
        return functional.relu(total)

    def forward(self, x: Tensor, finer: Tensor | None = None, guidance: Tensor | None = None) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, h', w'); the size is that of what is added, if anything is.

        Args:
            x: what the coarser block gave.
            finer: the next finer feature, (N, outputs, h', w').
            guidance: where the object is at that level, (N, outputs, h', w').
        """
        y: Tensor
        thick = self.thicken(x)
        if finer is None or guidance is None:
            y = self.conv_sum(thick)
        else:
            y = self.conv_sum_c(self.conv_sum(enlarge(thick, finer.shape[-2:])) + finer + guidance)
        return y


class Score(nn.Module):
    """A logit for each pixel."""

    def __init__(self, inputs: int, kernel: int) -> None:
        """Make the convolution."""
        super().__init__()
        self.score = nn.Conv2d(inputs, 1, kernel, padding=kernel // 2)

    def forward(self, x: Tensor, size: Sequence[int]) -> Tensor:
        """Map (N, inputs, h, w) to (N, 1, *size)."""
        return enlarge(self.score(x), size)


class Converter(nn.Module):
    """A 1x1 convolution a level: from a ResNet's channels to the decoder's."""

    def __init__(self, shape: Shape) -> None:
        """Make the convolutions."""
        super().__init__()
        self.convert0 = nn.ModuleList(
            nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.ReLU())
            for inputs, outputs in zip(CHANNELS, shape.converted, strict=True)
        )

    def forward(self, features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Map features of `CHANNELS` to features of `shape.converted`."""
        return tuple(convert(feature) for convert, feature in zip(self.convert0, features, strict=True))


class PoolNet(nn.Module):
    """Locator and pooling decoder; images are at least 128 pixels on each side."""

    def __init__(self, shape: Shape) -> None:
        """Make an untrained network."""
        super().__init__()
        self.base = Locator(shape)
        self.deep_pool = make_aggregations(shape)
        self.score = Score(shape.outputs[-1], 1)
        self.convert = Converter(shape) if shape.converted else None

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, 3, H, W) to a logit map (N, 1, H, W)."""
        features, guidance = self.base(x)
        merged = merge_down(self.deep_pool, self.convert(features) if self.convert else features, guidance)
        y: Tensor = self.score(self.deep_pool[-1](merged[-1]), x.shape[-2:])
        return y


def make_aggregations(shape: Shape) -> nn.ModuleList:
    """Return the decoder's blocks, coarsest first."""
    last = len(shape.inputs) - 1
    return nn.ModuleList(
        FeatureAggregation(inputs, outputs, last=index == last)
        for index, (inputs, outputs) in enumerate(zip(shape.inputs, shape.outputs, strict=True))
    )


def merge_down(blocks: nn.ModuleList, features: Sequence[Tensor], guidance: Sequence[Tensor]) -> list[Tensor]:
    """Return what leaves each block but the last, coarsest first, from features with the finest first."""
    merged: list[Tensor] = []
    x = features[-1]
    for block, finer, guide in zip(list(blocks)[:-1], reversed(features[:-1]), guidance, strict=True):
        x = block(x, finer, guide)
        merged.append(x)
    return merged


def enlarge(x: Tensor, size: Sequence[int]) -> Tensor:
    """Return `x` at height and width `size`, bilinearly with aligned corners."""
    return functional.interpolate(x, tuple(size), mode="bilinear", align_corners=True)


def only(logits: Tensor) -> tuple[Tensor, ...]:
    """Return the one map that the network gives."""
    return (logits,)


for _name, _shape, _page, _terms in (
    ("poolnet_vgg", VGG, "https://github.com/backseason/PoolNet", "MIT; no trained file is published, so train one"),
    (
        "poolnet_resnet",
        RESNET,
        "https://drive.google.com/open?id=12Zgth_CP_kZPdXwnBJOu4gcTyVgV2Nof",
        "MIT; trained on DUTS-TR; final.pth in that folder",
    ),
):
    register_saliency(
        SaliencyEntry(
            name=_name,
            build=partial(PoolNet, _shape),
            select=only,
            outputs="logits",
            normalisation=CAFFE,
            minimum=128,  # its widest pooling leaves nothing of less
            source=_SOURCE,
            checkpoint=Checkpoint(file=f"{_name}.pth", url=_page, licence=_terms),
        )
    )
