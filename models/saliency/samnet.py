"""SAMNet: a light network whose units attend to several dilations at once.

Source: Liu et al., "SAMNet: Stereoscopically Attentive Multi-scale Network for Lightweight Salient Object Detection",
IEEE TIP 2021; github.com/yun-liu/FastSaliency (no licence stated), whose checkpoint's keys this network has.
"""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.registry import IMAGENET, Checkpoint, SaliencyEntry, register_saliency
from models.saliency.cell_means import cell_means

_STAGES: Final = ((16, 1, 3), (32, 1, 3), (64, 3, 3), (96, 6, 3), (128, 3, 2))
"""Channels, attentive units, and dilations (1, 2, ...) of each stage."""

_DECODER: Final = ((128, 96, 3, 1), (96, 64, 3, 2), (64, 32, 5, 2), (32, 16, 5, 2), (16, 16, 5, 2))
"""Inputs, outputs, kernel and dilation of each fusion, coarsest first."""


class Unit(nn.Module):
    """Convolution, batch normalisation and, unless linear, ReLU."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        *,
        linear: bool = False,
    ) -> None:
        """Make the layers; zeros around the map keep its size."""
        super().__init__()
        padding = dilation * (kernel - 1) // 2
        layers: list[nn.Module] = [
            nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups, bias=False),
            nn.BatchNorm2d(outputs),
        ]
        self.conv = nn.Sequential(*layers, *([] if linear else [nn.ReLU()]))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, ceil(h / stride), ceil(w / stride))."""
        y: Tensor = self.conv(x)
        return y


class SeparableUnit(nn.Module):
    """A depthwise unit followed by a 1x1 unit."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, dilation: int = 1) -> None:
        """Make both units."""
        super().__init__()
        self.conv = nn.Sequential(Unit(inputs, inputs, kernel, stride, dilation, inputs), Unit(inputs, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, ceil(h / stride), ceil(w / stride))."""
        y: Tensor = self.conv(x)
        return y


class AttentiveUnit(nn.Module):
    """Stereoscopically attentive multi-scale module: which branch counts is decided for each channel and pixel."""

    def __init__(self, channels: int, dilations: int) -> None:
        """Make branches of dilation 1 to `dilations`, beside the undilated one."""
        super().__init__()
        quarter = channels // 4
        self.conv = SeparableUnit(channels, channels)
        self.branches = nn.ModuleList(
            SeparableUnit(channels, channels, dilation=dilation) for dilation in range(1, dilations + 1)
        )
        self.fc1 = Unit(channels, channels)
        self.fc2 = nn.Conv2d(channels, (dilations + 1) * channels, 1, bias=False)
        self.fuse = Unit(channels, channels, linear=True)
        self.convs = nn.Sequential(
            Unit(channels, quarter),
            SeparableUnit(quarter, quarter, dilation=2),
            SeparableUnit(quarter, quarter, dilation=4),
            nn.Conv2d(quarter, 1, 1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels, h, w) to the same shape."""
        entry = self.conv(x)
        branches = torch.stack([*(branch(entry) for branch in self.branches), entry], 1)  # (N, B, C, h, w)
        gathered = branches.sum(1)
        channel = self.fc2(self.fc1(gathered.mean((2, 3), keepdim=True)))  # (N, B * C, 1, 1)
        channel = channel.unflatten(1, (branches.shape[1], -1))  # (N, B, C, 1, 1)
        pixel = self.convs(gathered).unsqueeze(1)  # (N, 1, 1, h, w)
        attention = torch.softmax(channel * pixel, 1)  # (N, B, C, h, w)
        y: Tensor = self.fuse((branches * attention).sum(1)) + x
        return y


class Backbone(nn.Module):
    """Five stages at strides 2 to 32."""

    def __init__(self) -> None:
        """Make the stages."""
        super().__init__()
        inputs = 3
        for number, (channels, units, dilations) in enumerate(_STAGES, start=1):
            entry = Unit(3, 16, 3, 2) if number == 1 else SeparableUnit(inputs, channels, stride=2)
            stage = nn.Sequential(entry, *(AttentiveUnit(channels, dilations) for _ in range(units)))
            self.add_module(f"layer{number}", stage)
            inputs = channels

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, H, W) to five features, finest first: (N, C_i, ceil(H / 2**i), ceil(W / 2**i)), i = 1..5."""
        features: list[Tensor] = []
        for number in range(1, len(_STAGES) + 1):
            x = self.get_submodule(f"layer{number}")(x)
            features.append(x)
        return tuple(features)


class PyramidPooling(nn.Module):
    """Means over 1x1, 2x2, 3x3 and 6x6 cells beside the map itself."""

    def __init__(self, channels: int) -> None:
        """Make one unit a grid, and one that joins them."""
        super().__init__()
        self.conv1 = Unit(channels, channels // 4)
        self.conv2 = Unit(channels, channels // 4)
        self.conv3 = Unit(channels, channels // 4)
        self.conv4 = Unit(channels, channels // 4)
        self.out = Unit(2 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels, h, w) to the same shape."""
        grids = ((self.conv1, 1), (self.conv2, 2), (self.conv3, 3), (self.conv4, 6))
        pooled = [enlarge(unit(cell_means(x, cells)), x.shape[-2:]) for unit, cells in grids]
        y: Tensor = self.out(torch.cat([x, *pooled], 1))
        return y


class Head(nn.Module):
    """A saliency probability for each pixel."""

    def __init__(self, channels: int) -> None:
        """Make the 1x1 convolution; the dropout before it is active in training."""
        super().__init__()
        self.conv = nn.Sequential(nn.Dropout2d(0.1), nn.Conv2d(channels, 1, 1), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels, h, w) to (N, 1, h, w) probabilities."""
        y: Tensor = self.conv(x)
        return y


class SamNet(nn.Module):
    """Backbone, pyramid pooling, and a top-down decoder with a head on each level."""

    def __init__(self) -> None:
        """Make an untrained network."""
        super().__init__()
        self.context_path = Backbone()
        self.pyramid_pooling = PyramidPooling(128)
        self.prepare = nn.ModuleList(Unit(inputs, inputs, linear=True) for inputs, _, _, _ in _DECODER)
        self.fuse = nn.ModuleList(
            SeparableUnit(inputs, outputs, kernel, dilation=dilation) for inputs, outputs, kernel, dilation in _DECODER
        )
        self.heads = nn.ModuleList(Head(outputs) for _, outputs, _, _ in _DECODER)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, H, W) to five probability maps (N, 1, H, W), the prediction first, then coarsest to finer."""
        size = x.shape[-2:]
        features = self.context_path(x)
        above = self.pyramid_pooling(features[-1])  # (N, 128, H/32, W/32)
        sides: list[Tensor] = []
        for level, (prepare, fuse, head) in enumerate(zip(self.prepare, self.fuse, self.heads, strict=True), start=1):
            beside = features[-level]
            above = fuse(prepare(beside) + enlarge(above, beside.shape[-2:]))  # (N, outputs, H / 2**i, W / 2**i)
            sides.append(enlarge(head(above), size))
        return sides[-1], *sides[:-1]


def enlarge(x: Tensor, size: Sequence[int]) -> Tensor:
    """Return `x` at height and width `size`, bilinearly with aligned corners."""
    return functional.interpolate(x, tuple(size), mode="bilinear", align_corners=True)


def _sides(maps: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return maps


SAMNET: Final = register_saliency(
    SaliencyEntry(
        name="samnet",
        build=SamNet,
        select=_sides,
        outputs="probabilities",
        normalisation=IMAGENET,
        size=(336, 336),
        source="SAMNet, IEEE TIP 2021; github.com/yun-liu/FastSaliency (no licence stated)",
        checkpoint=Checkpoint(
            file="SAMNet_with_ImageNet_pretrain.pth",
            url="https://github.com/yun-liu/FastSaliency/tree/master/Pretrained",
            licence="none stated: ask the authors; trained on DUTS-TR",
        ),
    )
)
"""Colour saliency of an image."""
