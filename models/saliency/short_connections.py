"""Side outputs with short connections, as the Caffe releases of DSS lay them out.

Source: Hou et al., "Deeply Supervised Salient Object Detection with Short Connections", CVPR 2017 (arXiv 1611.04849);
github.com/houqb/DSS (MIT). A side scores the features of one level; the scores of coarser sides, enlarged to its
size, are joined to its own and weighed by a 1x1 convolution; the outcome is enlarged to the image's size.

Keys are the layers' names, beside each other: `conv1-dsn4`, `upsample4_dsn6`, ... `crop` values are explained in
`models.caffe_layers`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.caffe_layers import crop, enlargement


@dataclass(frozen=True, slots=True)
class Connection:
    """A coarser side's score as another side's input.

    Attributes:
        level: the coarser side.
        factor: by which its score is enlarged.
        offset: of the crop that follows.
    """

    level: int
    factor: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side output.

    Attributes:
        level: its number; coarser sides have higher ones.
        inputs: channels of its features.
        width: channels of its convolutions.
        kernel: of its convolutions.
        connections: coarser sides, in the order of the layers.
        joined: their levels, in the order in which their scores follow the side's own into the 1x1 convolution.
        factor: by which its score is enlarged to the image's size; 1 = it has the size already.
        offset: of the crop that follows.
    """

    level: int
    inputs: int
    width: int
    kernel: int
    connections: tuple[Connection, ...] = ()
    joined: tuple[int, ...] = ()
    factor: int
    offset: int


def add_sides(network: nn.Module, sides: Sequence[Side]) -> None:
    """Give `network` the layers of `sides`, coarsest first, and of their weighted fusion."""
    for side in sides:
        name, padding = f"dsn{side.level}", side.kernel // 2
        network.add_module(f"conv1-{name}", nn.Conv2d(side.inputs, side.width, side.kernel, padding=padding))
        network.add_module(f"conv2-{name}", nn.Conv2d(side.width, side.width, side.kernel, padding=padding))
        network.add_module(f"conv3-{name}", nn.Conv2d(side.width, 1, 1))
        for connection in side.connections:
            network.add_module(_enlargement_name(connection), enlargement(connection.factor))
        if side.connections:
            network.add_module(f"conv4-{name}", nn.Conv2d(1 + len(side.connections), 1, 1))
        if side.factor > 1:
            network.add_module(f"upsample{side.factor}_in_{name}", enlargement(side.factor))
    network.add_module("new-score-weighting", nn.Conv2d(len(sides), 1, 1))


def run_sides(
    network: nn.Module, sides: Sequence[Side], features: Sequence[Tensor], image: Tensor
) -> dict[int, Tensor]:
    """Return each side's logit map (N, 1, H, W) by its level.

    Args:
        network: has the layers that `add_sides` made.
        sides: coarsest first.
        features: of each side.
        image: (N, 3, H, W).
    """
    scores: dict[int, Tensor] = {}
    maps: dict[int, Tensor] = {}
    for side, feature in zip(sides, features, strict=True):
        name = f"dsn{side.level}"
        x = functional.relu(network.get_submodule(f"conv1-{name}")(feature))
        x = functional.relu(network.get_submodule(f"conv2-{name}")(x))
        score = network.get_submodule(f"conv3-{name}")(x)  # (N, 1, h, w)
        if side.connections:
            coarser = {
                c.level: crop(network.get_submodule(_enlargement_name(c))(scores[c.level]), score, c.offset)
                for c in side.connections
            }
            joined = torch.cat([score, *(coarser[level] for level in side.joined)], 1)
            score = network.get_submodule(f"conv4-{name}")(joined)
        scores[side.level] = score
        if side.factor > 1:
            score = network.get_submodule(f"upsample{side.factor}_in_{name}")(score)
        maps[side.level] = crop(score, image, side.offset)
    return maps


def fuse(network: nn.Module, maps: Sequence[Tensor]) -> Tensor:
    """Return the weighted fusion (N, 1, H, W) of the sides' logit maps."""
    fused: Tensor = network.get_submodule("new-score-weighting")(torch.cat(list(maps), 1))
    return fused


def _enlargement_name(connection: Connection) -> str:
    return f"upsample{connection.factor}_dsn{connection.level}"
