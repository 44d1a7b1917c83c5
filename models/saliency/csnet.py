"""CSNet-L: convolutions over several resolutions at once, pruned to 94,000 and 141,000 parameters.

Source: Gao et al., "Highly Efficient Salient Object Detection with 100K Parameters", ECCV 2020 (arXiv 2003.05643);
github.com/MCG-NKU/SOD100K (CC BY-NC-SA 4.0), whose checkpoints' keys and pruned channels these networks have.

The real weights hold denormal numbers: `torch.set_flush_denormal(True)` in the thread that runs them makes it faster.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.registry import IMAGENET, Checkpoint, SaliencyEntry, register_saliency
from models.saliency.octave import Depthwise, Octave, ScaledConvolution, Split

_DILATIONS: Final = (1, 2, 4, 8, 16)


class Pruned(NamedTuple):
    """Channels that pruning left: of each stage's blocks, the fusion, each dilation at each resolution, the head."""

    stages: tuple[tuple[Split, ...], ...]
    fused: Split
    dilated: tuple[tuple[int, ...], ...]
    head: int


X1: Final = Pruned(
    stages=(
        ((8, 10),),
        ((9, 10), (10, 10), (10, 10)),
        ((19, 13), (19, 17), (20, 12), (34,)),
        ((24, 21), (26, 27), (22, 18), (19, 18), (23, 18), (38,)),
        ((18, 29), (25, 24), (26, 20), (50,)),
    ),
    fused=(12, 24, 24),
    dilated=((1, 2, 2, 2, 4), (1, 4, 4, 4, 5), (2, 2, 4, 5, 4)),
    head=60,
)
X2: Final = Pruned(
    stages=(
        ((13, 10),),
        ((13, 12), (18, 11), (18, 12)),
        ((28, 21), (34, 22), (31, 29), (51,)),
        ((23, 26), (27, 26), (25, 20), (17, 21), (19, 25), (38,)),
        ((18, 31), (31, 27), (26, 44), (64,)),
    ),
    fused=(17, 38, 32),
    dilated=((2, 1, 2, 2, 1), (0, 6, 6, 7, 5), (0, 1, 3, 7, 7)),
    head=79,
)


class Block(nn.Module):
    """An octave convolution and two depthwise ones: the paper's in-layer multi-scale block."""

    def __init__(self, inputs: Split, outputs: Split, kernel: int, *, halve: bool) -> None:
        """Make the layers; `halve` starts a stage of half the size."""
        super().__init__()
        self.conv1x1 = Octave(inputs, outputs, kernel, halve=halve)
        self.conv3x3_1 = Depthwise(outputs)
        self.conv3x3_2 = Depthwise(outputs)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Map (N, inputs[i], ...) to (N, outputs[j], ...)."""
        y: list[Tensor] = self.conv3x3_2(self.conv3x3_1(self.conv1x1(maps)))
        return y


class Dilated(nn.Module):
    """3x3 convolutions of dilation 1, 2, 4, 8 and 16 beside each other; pruning may have left one out."""

    def __init__(self, inputs: int, outputs: tuple[int, ...]) -> None:
        """Make those convolutions that have outputs."""
        super().__init__()
        self.msconv = nn.ModuleDict(
            {
                str(index): ScaledConvolution(inputs, channels, 3, padding=dilation, dilation=dilation, bias=False)
                for index, (channels, dilation) in enumerate(zip(outputs, _DILATIONS, strict=True))
                if channels
            }
        )
        self.bn = nn.BatchNorm2d(sum(outputs))
        self.prelu = nn.PReLU(sum(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, sum(outputs), h, w)."""
        y: Tensor = self.prelu(self.bn(torch.cat([conv(x) for conv in self.msconv.values()], 1)))
        return y


class Pyramid(nn.Module):
    """A `Dilated` at each resolution."""

    def __init__(self, inputs: Split, outputs: tuple[tuple[int, ...], ...]) -> None:
        """Make them."""
        super().__init__()
        self.convs = nn.ModuleList(Dilated(*channels) for channels in zip(inputs, outputs, strict=True))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Map (N, inputs[i], ...) to (N, sum(outputs[i]), ...)."""
        return [conv(x) for conv, x in zip(self.convs, maps, strict=True)]


class CrossStageFusion(nn.Module):
    """Joins the last three stages across their resolutions."""

    def __init__(self, inputs: Split, pruned: Pruned) -> None:
        """Make the layers."""
        super().__init__()
        self.fuse = Octave(inputs, pruned.fused)
        self.ms = Pyramid(pruned.fused, pruned.dilated)
        self.fuse1x1 = Octave(tuple(sum(channels) for channels in pruned.dilated), (pruned.head,))

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Map (N, inputs[i], h / 2**i, w / 2**i) to (N, head, h, w)."""
        y: Tensor = self.fuse1x1(self.ms(self.fuse(maps)))[0]
        return y


class CsNet(nn.Module):
    """Five stages, the first two at full size, their fusion, and a score."""

    def __init__(self, pruned: Pruned) -> None:
        """Make an untrained network."""
        super().__init__()
        inputs: Split = (3,)
        for number, stage in enumerate(pruned.stages):
            blocks = nn.ModuleList()
            for position, outputs in enumerate(stage):
                enters = position == 0 and number != 1
                blocks.append(Block(inputs, outputs, 3 if enters else 1, halve=enters and number > 0))
                inputs = outputs
            self.add_module(f"stage{number}", blocks)
        self.stages = len(pruned.stages)
        self.oct_fuse = CrossStageFusion(tuple(stage[-1][0] for stage in pruned.stages[2:]), pruned)
        self.cls_layer = nn.Conv2d(pruned.head, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, 3, H, W), H and W multiples of 16, to a logit map (N, 1, H, W)."""
        maps: Sequence[Tensor] = (x,)
        ends: list[Tensor] = []
        for stage in range(self.stages):
            for block in self.get_submodule(f"stage{stage}").children():
                maps = block(maps)
            ends.append(maps[0])  # (N, C, H / 2**(stage - 1), W / 2**(stage - 1)) from stage 2 on, where C is all
        score = self.cls_layer(self.oct_fuse(ends[2:]))  # (N, 1, H/2, W/2)
        return functional.interpolate(score, x.shape[-2:], mode="bilinear", align_corners=False)


def _only(logits: Tensor) -> tuple[Tensor, ...]:
    return (logits,)


for _name, _pruned, _file, _sha256 in (
    ("csnet_x1", X1, "csnet-L-x1", "581f02dad8f7333329264fcdf5710111db947246ad43852d3aa0518393157995"),
    ("csnet_x2", X2, "csnet-L-x2", "8d72d13a0edbbd6e5a682ea3e39f4193077f570c8c4c147201083316e0c9490f"),
):
    register_saliency(
        SaliencyEntry(
            name=_name,
            build=partial(CsNet, _pruned),
            select=_only,
            outputs="logits",
            normalisation=IMAGENET,
            size=(224, 224),
            source="CSNet, arXiv 2003.05643; github.com/MCG-NKU/SOD100K (CC BY-NC-SA 4.0)",
            checkpoint=Checkpoint(
                file=f"{_file}.pth.tar",
                url=f"https://github.com/MCG-NKU/SOD100K/tree/master/CSNet/checkpoints/{_file}",
                licence="CC BY-NC-SA 4.0: research and education only; trained on DUTS-TR",
                sha256=_sha256,
            ),
        )
    )
