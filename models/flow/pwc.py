"""PWC-Net: a feature pyramid, warping and a cost volume at every level.

Source: Sun et al., "PWC-Net: CNNs for Optical Flow Using Pyramid, Warping, and Cost Volume", CVPR 2018 (arXiv
1709.02371). The keys are those of the PyTorch conversion at https://github.com/sniklaus/pytorch-pwc. The weights are
CC BY-NC-SA 4.0. Frames enter as BGR in [0, 1], sides multiples of 64; the flow leaves at a quarter of their size.
"""

from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.flow_network import FlowForm, NetworkFlow, load_network
from models.matching import backwarp, local_correlation
from models.registry import Checkpoint, FlowEntry, register_flow

CHANNELS: Final = (3, 16, 32, 64, 96, 128, 196)
"""Of the frame and of the pyramid's levels 1 to 6, at strides 2 to 64."""

DENSE: Final = (128, 128, 96, 64, 32)
"""Channels that a decoder's dense layers add, in order."""

RADIUS: Final = 4
"""Of the cost volume, in pixels of its level."""

GAIN: Final = 20.0
"""Pixels of the frame to a unit of flow inside the network."""

FORM: Final = FlowForm(multiple=64, minimum=64, fit="resize", order="BGR")

CHECKPOINT: Final = Checkpoint(
    file="pwc-default.pytorch",
    url="http://content.sniklaus.com/github/pytorch-pwc/network-default.pytorch",
    licence="CC BY-NC-SA 4.0: non-commercial (PWC-Net's authors)",
)

_NAMES: Final = ("netOne", "netTwo", "netThr", "netFou", "netFiv", "netSix")
_SLOPE: Final = 0.1
_COST: Final = (2 * RADIUS + 1) ** 2
_INSIDE: Final = 0.999
"""Share of a warped pixel that must come from inside the frame for it to count."""


def _convolution(inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=dilation, dilation=dilation)
    return [convolution, nn.LeakyReLU(_SLOPE)]


class FeaturePyramid(nn.ModuleDict):
    """Six levels of three 3x3 convolutions, each level at half the size of the one before."""

    def __init__(self) -> None:
        """Make an untrained pyramid."""
        super().__init__()
        for name, (inputs, outputs) in zip(_NAMES, pairwise(CHANNELS), strict=True):
            layers = _convolution(inputs, outputs, 2) + _convolution(outputs, outputs) + _convolution(outputs, outputs)
            self[name] = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map (N, 3, H, W) to the levels (N, CHANNELS[i], H / 2**i, W / 2**i), i = 1..6."""
        levels = []
        for level in self.values():
            x = level(x)
            levels.append(x)
        return levels


class Decoder(nn.Module):
    """From one level's features, and the flow and features of the coarser level, to this level's."""

    def __init__(self, level: int) -> None:
        """Make the decoder of a level; level 6 starts from nothing."""
        super().__init__()
        self.step = GAIN / 2**level
        inputs = decoder_inputs(level)
        if level < len(CHANNELS) - 1:
            self.netUpflow = nn.ConvTranspose2d(2, 2, 4, 2, padding=1)
            self.netUpfeat = nn.ConvTranspose2d(decoder_inputs(level + 1) + sum(DENSE), 2, 4, 2, padding=1)
        for name, outputs in zip(_NAMES, DENSE, strict=False):
            self.add_module(name, nn.Sequential(*_convolution(inputs, outputs)))
            inputs += outputs
        self.netSix = nn.Sequential(nn.Conv2d(inputs, 2, 3, padding=1))

    def forward(self, first: Tensor, second: Tensor, coarser: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor]:
        """Return the level's (N, 2, h, w) flow in units of `GAIN` pixels of the frame, and its features.

        Args:
            first: (N, C, h, w) features of the first frame.
            second: of the second frame.
            coarser: what the coarser level returned; None for the coarsest.
        """
        if coarser is None:
            x = cost_volume(first, second)
        else:
            flow, features = self.netUpflow(coarser[0]), self.netUpfeat(coarser[1])
            x = torch.cat((cost_volume(first, warp_inside(second, self.step * flow)), first, flow, features), 1)
        for name in _NAMES[: len(DENSE)]:
            x = torch.cat((self.get_submodule(name)(x), x), 1)
        return self.netSix(x), x


class Refiner(nn.Module):
    """Dilated convolutions that see a wide context."""

    def __init__(self) -> None:
        """Make an untrained refiner of level 2."""
        super().__init__()
        inputs, layers = decoder_inputs(2) + sum(DENSE), list[nn.Module]()
        for outputs, dilation in ((128, 1), (128, 2), (128, 4), (96, 8), (64, 16), (32, 1)):
            layers += _convolution(inputs, outputs, dilation=dilation)
            inputs = outputs
        self.netMain = nn.Sequential(*layers, nn.Conv2d(inputs, 2, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """Map level 2's features to a (N, 2, h, w) correction of its flow."""
        correction: Tensor = self.netMain(x)
        return correction


class PwcNet(nn.Module):
    """Two frames to the flow between them."""

    def __init__(self) -> None:
        """Make an untrained network."""
        super().__init__()
        self.netExtractor = FeaturePyramid()
        self.netTwo, self.netThr, self.netFou, self.netFiv, self.netSix = (Decoder(level) for level in range(2, 7))
        self.netRefiner = Refiner()

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Map two (N, 3, H, W) BGR frames in [0, 1] to (N, 2, H / 4, W / 4) flow in pixels of the frames."""
        firsts, seconds = self.netExtractor(first), self.netExtractor(second)
        flow, features = self.netSix(firsts[5], seconds[5], None)
        for level, decoder in ((4, self.netFiv), (3, self.netFou), (2, self.netThr), (1, self.netTwo)):
            flow, features = decoder(firsts[level], seconds[level], (flow, features))
        refined: Tensor = GAIN * (flow + self.netRefiner(features))
        return refined


def decoder_inputs(level: int) -> int:
    """Return the channels that enter the decoder of a level: the cost volume, features, flow and coarser features."""
    return _COST if level == len(CHANNELS) - 1 else _COST + CHANNELS[level] + 2 + 2


def cost_volume(first: Tensor, second: Tensor) -> Tensor:
    """Return the (N, 81, h, w) rectified correlation of (N, C, h, w) features with their neighbourhood."""
    return functional.leaky_relu(local_correlation(first, second, RADIUS), _SLOPE)


def warp_inside(x: Tensor, flow: Tensor) -> Tensor:
    """Warp (N, C, h, w) by (N, 2, h, w) flow in pixels; what comes from outside, even in part, is zero."""
    inside = backwarp(torch.ones_like(x[:, :1]), flow) > _INSIDE
    return backwarp(x, flow) * inside


def _build() -> NetworkFlow:
    return load_network(PwcNet(), FORM, CHECKPOINT)


register_flow(
    FlowEntry(
        name="pwc",
        build=_build,
        source="PWC-Net, arXiv 1709.02371 (weights: CC BY-NC-SA)",
        checkpoint=CHECKPOINT,
        network=PwcNet,
    )
)
