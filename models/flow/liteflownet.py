"""LiteFlowNet: feature warping, cascaded flow inference and flow regularisation by feature-driven local filters.

Source: Hui et al., "LiteFlowNet: A Lightweight Convolutional Neural Network for Optical Flow Estimation", CVPR 2018
(arXiv 1805.07036); the paper's [53]. The keys are those of the PyTorch conversion at
https://github.com/sniklaus/pytorch-liteflownet. The weights are for research only. Frames enter as BGR in [0, 1], sides
multiples of 32; the flow leaves at half their size.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.flow_network import FlowForm, NetworkFlow, load_network, resize
from models.matching import backwarp, local_correlation
from models.registry import Checkpoint, FlowEntry, register_flow

GAIN: Final = 20.0
"""Pixels of the frame to a unit of flow inside the network."""

RADIUS: Final = 3
"""Of the correlation, in steps."""

FIRST_MEAN: Final = (0.411618, 0.434631, 0.454253)
"""BGR means of the first frames of the training set."""

SECOND_MEAN: Final = (0.410782, 0.433645, 0.452793)
"""BGR means of the second frames."""

FORM: Final = FlowForm(multiple=32, minimum=32, fit="resize", order="BGR")

CHECKPOINT: Final = Checkpoint(
    file="liteflownet-default.pytorch",
    url="http://content.sniklaus.com/github/pytorch-liteflownet/network-default.pytorch",
    licence="research only (LiteFlowNet's authors)",
)

_SLOPE: Final = 0.1
_COST: Final = (2 * RADIUS + 1) ** 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level of the pyramid.

    Attributes:
        number: 2 (half the frame's size) to 6 (a thirty-second).
        channels: of its features.
        matched: channels of the features that are matched.
        described: channels of the features that steer the regularisation.
        kernel: side of the last convolution and of the local filters.
    """

    number: int
    channels: int
    matched: int
    described: int
    kernel: int

    @property
    def step(self) -> float:
        """Pixels of the level to a unit of flow."""
        return GAIN / (1 << (self.number - 1))


LEVELS: Final = (
    Level(number=2, channels=32, matched=64, described=128, kernel=7),
    Level(number=3, channels=64, matched=64, described=128, kernel=5),
    Level(number=4, channels=96, matched=96, described=128, kernel=5),
    Level(number=5, channels=128, matched=128, described=128, kernel=3),
    Level(number=6, channels=192, matched=192, described=192, kernel=3),
)


def _convolutions(*channels: int, stride: int = 1, kernel: int = 3) -> list[nn.Module]:
    """Return rectified convolutions from each number of channels to the next; the first has the stride."""
    layers: list[nn.Module] = []
    for index, (inputs, outputs) in enumerate(pairwise(channels)):
        step = stride if index == 0 else 1
        layers += [nn.Conv2d(inputs, outputs, kernel, step, padding=kernel // 2), nn.LeakyReLU(_SLOPE)]
    return layers


def _adapter(inputs: int, outputs: int) -> nn.Sequential:
    """Return a rectified 1x1 convolution, or nothing where the channels agree."""
    return nn.Sequential(*(_convolutions(inputs, outputs, kernel=1) if inputs != outputs else ()))


def _flow_head(inputs: int, kernel: int) -> nn.Sequential:
    layers = _convolutions(inputs, 128, 64, 32)
    return nn.Sequential(*layers, nn.Conv2d(32, 2, kernel, padding=kernel // 2))


class FeaturePyramid(nn.ModuleDict):
    """Features of a frame at six sizes."""

    def __init__(self) -> None:
        """Make an untrained pyramid."""
        super().__init__()
        self["netOne"] = nn.Sequential(*_convolutions(3, 32, kernel=7))
        self["netTwo"] = nn.Sequential(*_convolutions(32, 32, 32, 32, stride=2))
        self["netThr"] = nn.Sequential(*_convolutions(32, 64, 64, stride=2))
        self["netFou"] = nn.Sequential(*_convolutions(64, 96, 96, stride=2))
        self["netFiv"] = nn.Sequential(*_convolutions(96, 128, stride=2))
        self["netSix"] = nn.Sequential(*_convolutions(128, 192, stride=2))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map (N, 3, H, W) to levels 1 to 6: (N, C_i, H / 2**(i - 1), W / 2**(i - 1))."""
        levels = []
        for level in self.values():
            x = level(x)
            levels.append(x)
        return levels


class Matching(nn.Module):
    """Correct the coarser level's flow by where the features match."""

    def __init__(self, level: Level) -> None:
        """Make the level's matching; the two finest correlate every other pixel, the coarsest starts from nothing."""
        super().__init__()
        self.step = level.step
        self.netFeat = _adapter(level.channels, level.matched)
        if level.number < 6:
            self.netUpflow = nn.ConvTranspose2d(2, 2, 4, 2, padding=1, groups=2, bias=False)
        self.stride = 2 if level.number < 4 else 1
        self.netUpcorr = nn.Identity() if self.stride == 1 else _enlarge_correlation()
        self.netMain = _flow_head(_COST, level.kernel)

    def forward(self, first: Tensor, second: Tensor, coarser: Tensor | None) -> Tensor:
        """Return (N, 2, h, w) flow from (N, C, h, w) features and the coarser level's (N, 2, h / 2, w / 2) flow."""
        first, second = self.netFeat(first), self.netFeat(second)
        flow = None if coarser is None else self.netUpflow(coarser)
        if flow is not None:
            second = backwarp(second, self.step * flow)
        cost = functional.leaky_relu(local_correlation(first, second, RADIUS, self.stride), _SLOPE)
        correction: Tensor = self.netMain(self.netUpcorr(cost))  # (N, 2, h, w)
        return correction if flow is None else flow + correction


class Subpixel(nn.Module):
    """Correct the flow by what the warped features still differ in."""

    def __init__(self, level: Level) -> None:
        """Make the level's refinement."""
        super().__init__()
        self.step = level.step
        self.netFeat = _adapter(level.channels, level.matched)
        self.netMain = _flow_head(2 * level.matched + 2, level.kernel)

    def forward(self, first: Tensor, second: Tensor, flow: Tensor) -> Tensor:
        """Return the corrected (N, 2, h, w) flow, from (N, C, h, w) features."""
        first, second = self.netFeat(first), self.netFeat(second)
        corrected: Tensor = flow + self.netMain(torch.cat((first, backwarp(second, self.step * flow), flow), 1))
        return corrected


class Regularisation(nn.Module):
    """Smooth the flow by a filter for each pixel, which features, flow and photometric error choose."""

    def __init__(self, level: Level) -> None:
        """Make the level's regularisation; the three finest levels make their filters separably."""
        super().__init__()
        self.step, self.kernel = level.step, level.kernel
        taps, half = level.kernel**2, level.kernel // 2
        self.netFeat = _adapter(level.channels, level.described)
        self.netMain = nn.Sequential(*_convolutions(level.described + 3, 128, 128, 64, 64, 32, 32))
        if level.number < 5:
            upright = nn.Conv2d(32, taps, (level.kernel, 1), padding=(half, 0))
            self.netDist = nn.Sequential(upright, nn.Conv2d(taps, taps, (1, level.kernel), padding=(0, half)))
        else:
            self.netDist = nn.Sequential(nn.Conv2d(32, taps, level.kernel, padding=half))
        self.netScaleX = nn.Conv2d(taps, 1, 1)
        self.netScaleY = nn.Conv2d(taps, 1, 1)

    def forward(self, frames: tuple[Tensor, Tensor], features: Tensor, flow: Tensor) -> Tensor:
        """Return the smoothed (N, 2, h, w) flow, from (N, 3, h, w) frames and the first's (N, C, h, w) features."""
        first, second = frames
        error = (first - backwarp(second, self.step * flow)).square().sum(1, keepdim=True).sqrt()  # (N, 1, h, w)
        centred = flow - flow.mean((2, 3), keepdim=True)
        distance = self.netDist(self.netMain(torch.cat((error, centred, self.netFeat(features)), 1)))
        weights = torch.softmax(-distance.square(), 1)  # (N, kernel**2, h, w)
        x, y = flow[:, :1], flow[:, 1:]
        return torch.cat((self._smooth(self.netScaleX, weights, x), self._smooth(self.netScaleY, weights, y)), 1)

    def _smooth(self, scale: nn.Conv2d, weights: Tensor, axis: Tensor) -> Tensor:
        """Return one (N, 1, h, w) component of the flow, smoothed."""
        neighbours = functional.unfold(axis, self.kernel, padding=self.kernel // 2).view_as(weights)
        # The published layer adds its bias before it divides by the sum of exp(smallest distance - distance), which is
        # the reciprocal of the largest weight.
        largest = weights.amax(1, keepdim=True)
        mixed: Tensor = scale(weights * neighbours / largest) * largest
        return mixed


class LiteFlowNet(nn.Module):
    """Two frames to the flow between them."""

    first_mean: Tensor
    second_mean: Tensor

    def __init__(self) -> None:
        """Make an untrained network."""
        super().__init__()
        self.netFeatures = FeaturePyramid()
        self.netMatching = nn.ModuleList(Matching(level) for level in LEVELS)
        self.netSubpixel = nn.ModuleList(Subpixel(level) for level in LEVELS)
        self.netRegularization = nn.ModuleList(Regularisation(level) for level in LEVELS)
        self.register_buffer("first_mean", torch.tensor(FIRST_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("second_mean", torch.tensor(SECOND_MEAN).view(1, 3, 1, 1), persistent=False)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Map two (N, 3, H, W) BGR frames in [0, 1] to (N, 2, H / 2, W / 2) flow in pixels of the frames."""
        first, second = first - self.first_mean, second - self.second_mean
        ones, twos = self.netFeatures(first)[1:], self.netFeatures(second)[1:]
        firsts, seconds = _shrunk(first, ones), _shrunk(second, twos)
        flow = self._infer(-1, (firsts[-1], seconds[-1]), (ones[-1], twos[-1]), None)
        for index in range(len(LEVELS) - 2, -1, -1):
            flow = self._infer(index, (firsts[index], seconds[index]), (ones[index], twos[index]), flow)
        return GAIN * flow

    def _infer(
        self, index: int, frames: tuple[Tensor, Tensor], features: tuple[Tensor, Tensor], coarser: Tensor | None
    ) -> Tensor:
        """Return the flow of a level: matched, refined, regularised."""
        flow = self.netMatching[index](*features, coarser)
        flow = self.netSubpixel[index](*features, flow)
        regular: Tensor = self.netRegularization[index](frames, features[0], flow)
        return regular


def _shrunk(frame: Tensor, features: list[Tensor]) -> list[Tensor]:
    """Return the frame at the size of each level's features, each made from the one before."""
    frames = []
    for level in features:
        frame = resize(frame, tuple(level.shape[-2:]))
        frames.append(frame)
    return frames


def _enlarge_correlation() -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(_COST, _COST, 4, 2, padding=1, groups=_COST, bias=False)


def _build() -> NetworkFlow:
    return load_network(LiteFlowNet(), FORM, CHECKPOINT)


register_flow(
    FlowEntry(
        name="liteflownet",
        build=_build,
        source="LiteFlowNet, arXiv 1805.07036 (weights: research only)",
        checkpoint=CHECKPOINT,
        network=LiteFlowNet,
    )
)
