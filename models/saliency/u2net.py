"""U2-Net and U2-NetP: nested U-structures, trained from scratch.

Source: Qin et al., "U2-Net: Going Deeper with Nested U-Structure for Salient Object Detection", Pattern Recognition
2020 (arXiv 2005.09007); github.com/xuebinqin/U-2-Net (Apache-2.0), whose checkpoints' keys this network has.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.registry import IMAGENET, Checkpoint, SaliencyEntry, register_saliency

_SOURCE: Final = "U2-Net, arXiv 2005.09007; github.com/xuebinqin/U-2-Net (Apache-2.0)"


class Stage(NamedTuple):
    """One nested U: its levels, channels, and whether it dilates where the others pool."""

    levels: int
    inputs: int
    middle: int
    outputs: int
    dilated: bool = False


_FULL: Final = (
    Stage(7, 3, 32, 64),
    Stage(6, 64, 32, 128),
    Stage(5, 128, 64, 256),
    Stage(4, 256, 128, 512),
    Stage(4, 512, 256, 512, dilated=True),
    Stage(4, 512, 256, 512, dilated=True),
    Stage(4, 1024, 256, 512, dilated=True),
    Stage(4, 1024, 128, 256),
    Stage(5, 512, 64, 128),
    Stage(6, 256, 32, 64),
    Stage(7, 128, 16, 64),
)
"""Encoder stages 1 to 6 and decoder stages 5 to 1 of U2-Net (Table 1)."""

_SMALL: Final = (
    Stage(7, 3, 16, 64),
    Stage(6, 64, 16, 64),
    Stage(5, 64, 16, 64),
    Stage(4, 64, 16, 64),
    Stage(4, 64, 16, 64, dilated=True),
    Stage(4, 64, 16, 64, dilated=True),
    Stage(4, 128, 16, 64, dilated=True),
    Stage(4, 128, 16, 64),
    Stage(5, 128, 16, 64),
    Stage(6, 128, 16, 64),
    Stage(7, 128, 16, 64),
)
"""The same of U2-NetP."""


class Unit(nn.Module):
    """3x3 convolution, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, dilation: int = 1) -> None:
        """Make the layers."""
        super().__init__()
        self.conv_s1 = nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation)
        self.bn_s1 = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, h, w)."""
        return functional.relu(self.bn_s1(self.conv_s1(x)))


class ResidualU(nn.Module):
    """A U-Net added to its input: the paper's RSU, or RSU-4F where it dilates in place of pooling."""

    def __init__(self, stage: Stage) -> None:
        """Make `stage.levels` units downward and one less upward."""
        super().__init__()
        levels, inputs, middle, outputs, self.dilated = stage
        self.levels = levels
        self.rebnconvin = Unit(inputs, outputs)
        for level in range(1, levels + 1):
            bottom = 2 if level == levels else 1
            dilation = 2 ** (level - 1) if self.dilated else bottom
            self.add_module(f"rebnconv{level}", Unit(outputs if level == 1 else middle, middle, dilation))
        for level in range(levels - 1, 0, -1):
            dilation = 2 ** (level - 1) if self.dilated else 1
            self.add_module(f"rebnconv{level}d", Unit(2 * middle, outputs if level == 1 else middle, dilation))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, h, w)."""
        entry = self.rebnconvin(x)
        x = entry
        down: list[Tensor] = []
        for level in range(1, self.levels):
            if level > 1 and not self.dilated:
                x = halve(x)
            x = self.get_submodule(f"rebnconv{level}")(x)  # (N, middle, h / 2**(level - 1), w / 2**(level - 1))
            down.append(x)
        x = self.get_submodule(f"rebnconv{self.levels}")(x)
        for level in range(self.levels - 1, 0, -1):
            beside = down[level - 1]
            x = self.get_submodule(f"rebnconv{level}d")(torch.cat((enlarge(x, beside), beside), 1))
        y: Tensor = x + entry
        return y


class U2Net(nn.Module):
    """Six nested Us down, five up, a saliency map from each of the last six, and their fusion."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        """Make the network of encoder stages 1 to 6 and decoder stages 5 to 1."""
        super().__init__()
        encoder, decoder = stages[:6], stages[6:]
        for number, stage in enumerate(encoder, start=1):
            self.add_module(f"stage{number}", ResidualU(stage))
        for number, stage in zip(range(5, 0, -1), decoder, strict=True):
            self.add_module(f"stage{number}d", ResidualU(stage))
        for number, stage in enumerate((*reversed(decoder), encoder[-1]), start=1):
            self.add_module(f"side{number}", nn.Conv2d(stage.outputs, 1, 3, padding=1))
        self.outconv = nn.Conv2d(6, 1, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, H, W) to seven logit maps (N, 1, H, W): the fusion, then the sides, finest first."""
        image = x
        down: list[Tensor] = []
        for number in range(1, 7):
            x = self.get_submodule(f"stage{number}")(x if number == 1 else halve(x))
            down.append(x)  # (N, outputs, H / 2**(number - 1), W / 2**(number - 1))
        sides = [self.get_submodule("side6")(x)]
        for number in range(5, 0, -1):
            beside = down[number - 1]
            x = self.get_submodule(f"stage{number}d")(torch.cat((enlarge(x, beside), beside), 1))
            sides.append(self.get_submodule(f"side{number}")(x))
        maps = [enlarge(side, image) for side in reversed(sides)]
        return self.outconv(torch.cat(maps, 1)), *maps


def halve(x: Tensor) -> Tensor:
    """Return (N, C, ceil(h / 2), ceil(w / 2)) maxima."""
    return functional.max_pool2d(x, 2, 2, ceil_mode=True)


def enlarge(x: Tensor, like: Tensor) -> Tensor:
    """Return `x` at the height and width of `like`, bilinearly."""
    if x.shape[-2:] == like.shape[-2:]:
        return x
    return functional.interpolate(x, like.shape[-2:], mode="bilinear", align_corners=False)


def _sides(logits: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return logits


for _name, _stages, _file in (("u2net", _FULL, "u2net.pth"), ("u2netp", _SMALL, "u2netp.pth")):
    register_saliency(
        SaliencyEntry(
            name=_name,
            build=partial(U2Net, _stages),
            select=_sides,
            outputs="logits",
            normalisation=IMAGENET,
            size=(320, 320),
            source=_SOURCE,
            checkpoint=Checkpoint(
                file=_file, url="https://github.com/xuebinqin/U-2-Net", licence="Apache-2.0; trained on DUTS-TR"
            ),
        )
    )
