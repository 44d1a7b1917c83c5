"""PoolNet trained jointly with edge detection: the edges' features sharpen the saliency map.

Source: Liu et al., "A Simple Pooling-Based Design for Real-Time Salient Object Detection", CVPR 2019 (arXiv
1904.09569), Sec. 4.3; github.com/backseason/PoolNet (MIT), whose checkpoints' keys these networks have.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.registry import CAFFE, Checkpoint, SaliencyEntry, register_saliency
from models.saliency.poolnet import (
    RESNET,
    VGG,
    Converter,
    Locator,
    Score,
    Shape,
    enlarge,
    make_aggregations,
    merge_down,
    only,
)

_SOURCE: Final = "PoolNet with joint edge training, arXiv 1904.09569; github.com/backseason/PoolNet (MIT)"
_EDGE: Final = 16
"""Channels of an edge feature."""


class EdgeBlock(nn.Module):
    """Two residual bottlenecks, then few channels of edge features; no normalisation, no biases."""

    def __init__(self, channels: int) -> None:
        """Make the block; each convolution sits in a list of one, as the checkpoint's keys count."""
        super().__init__()
        quarter = channels // 4
        self.block_in1 = nn.ModuleList([nn.Conv2d(channels, quarter, 1, bias=False)])
        self.block_in2 = nn.ModuleList([nn.Conv2d(channels, quarter, 1, bias=False)])
        self.block_mid1 = nn.ModuleList([_bottleneck(quarter, channels)])
        self.block_mid2 = nn.ModuleList([_bottleneck(quarter, channels)])
        self.block_out = nn.ModuleList([nn.Conv2d(channels, _EDGE, 1, bias=False)])

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels, h, w) to (N, 16, h, w)."""
        x = functional.relu(x + self.block_mid1[0](self.block_in1[0](x)))
        x = functional.relu(x + self.block_mid2[0](self.block_in2[0](x)))
        y: Tensor = self.block_out[0](x)
        return y


class EdgeFusion(nn.Module):
    """An edge map from each level's edge features, and their weighted sum."""

    def __init__(self, levels: int) -> None:
        """Make the weights."""
        super().__init__()
        self.trans = nn.ModuleList(nn.Conv2d(_EDGE, 1, 1) for _ in range(levels))
        self.fuse = nn.Conv2d(levels, 1, 1)

    def forward(self, edges: Sequence[Tensor], size: Sequence[int]) -> Tensor:
        """Map edge features (N, 16, h_i, w_i) to an edge logit map (N, 1, *size)."""
        sides = [enlarge(trans(edge), size) for trans, edge in zip(self.trans, edges, strict=True)]
        y: Tensor = self.fuse(torch.cat(sides, 1))
        return y


class EdgeInformation(nn.Module):
    """Edge features of all levels, made ready for the saliency score."""

    def __init__(self, inputs: int, outputs: int) -> None:
        """Make four 3x3 convolutions."""
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in ((inputs, inputs), (inputs, outputs), (outputs, outputs), (outputs, outputs)):
            layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.ReLU()]
        self.trans = nn.Sequential(*layers)

    def forward(self, edges: Sequence[Tensor], size: Sequence[int]) -> Tensor:
        """Map edge features (N, 16, h_i, w_i) to (N, outputs, *size)."""
        y: Tensor = self.trans(torch.cat([enlarge(edge, size) for edge in edges], 1))
        return y


class JointPoolNet(nn.Module):
    """PoolNet with an edge branch; images are at least 128 pixels on each side.

    Saliency does not train the edge branch (`block`, `fuse`): its features enter detached, as published, so a twin
    keeps the edges of its original.
    """

    def __init__(self, shape: Shape) -> None:
        """Make an untrained network."""
        super().__init__()
        merged, last = shape.outputs[:-1], shape.outputs[-1]
        self.base = Locator(shape)
        self.block = nn.ModuleList(EdgeBlock(channels) for channels in merged)
        self.deep_pool = make_aggregations(shape)
        self.fuse = EdgeFusion(len(merged))
        self.edgeinfo = EdgeInformation(_EDGE * len(merged), last)
        self.score = Score(2 * last, 3)
        self.convert = Converter(shape) if shape.converted else None

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, 3, H, W) to a saliency logit map (N, 1, H, W)."""
        merged = self.merge(x)
        finest = self.deep_pool[-1](merged[-1])
        edges = [edge.detach() for edge in self.edge_features(merged)]
        y: Tensor = self.score(torch.cat((finest, self.edgeinfo(edges, finest.shape[-2:])), 1), x.shape[-2:])
        return y

    def edges(self, x: Tensor) -> Tensor:
        """Map (N, 3, H, W) to an edge logit map (N, 1, H, W)."""
        y: Tensor = self.fuse(self.edge_features(self.merge(x)), x.shape[-2:])
        return y

    def merge(self, x: Tensor) -> list[Tensor]:
        """Return the decoder's features, coarsest first."""
        features, guidance = self.base(x)
        return merge_down(self.deep_pool, self.convert(features) if self.convert else features, guidance)

    def edge_features(self, merged: Sequence[Tensor]) -> list[Tensor]:
        """Return (N, 16, h_i, w_i) for each of the decoder's features."""
        return [block(x) for block, x in zip(self.block, merged, strict=True)]


def _bottleneck(quarter: int, channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(quarter, quarter, 3, padding=1, bias=False), nn.Conv2d(quarter, channels, 1, bias=False)
    )


for _name, _shape, _page, _terms in (
    (
        "poolnet_joint_vgg",
        VGG,
        "https://github.com/backseason/PoolNet",
        "MIT; no trained file is published, so train one",
    ),
    (
        "poolnet_joint_resnet",
        RESNET,
        "https://drive.google.com/open?id=1sH5RKEt6SnG33Z4sI-hfLs2d21GmegwR",
        "MIT; trained on DUTS-TR and on the edges of BSDS and PASCAL; final.pth in that folder",
    ),
):
    register_saliency(
        SaliencyEntry(
            name=_name,
            build=partial(JointPoolNet, _shape),
            select=only,
            outputs="logits",
            normalisation=CAFFE,
            minimum=128,  # its widest pooling leaves nothing of less
            source=_SOURCE,
            checkpoint=Checkpoint(file=f"{_name}.pth", url=_page, licence=_terms),
        )
    )
