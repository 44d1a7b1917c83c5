"""ResDSS: DSS on ResNet-101, as in the authors' Caffe release; the paper's choice for its motion network.

Source: Hou et al., "Deeply Supervised Salient Object Detection with Short Connections", IEEE TPAMI 2019
(arXiv 1611.04849); github.com/houqb/DSS (MIT), folder `resnet`. Keys are the layers' names in `deploy_resnet.prototxt`;
batch normalisation is frozen, as there.

The published layers do not fit each other: stage 5 is dilated and stays at stride 16, but its side 6 is enlarged as if
it were at stride 32, for its own map and for sides 4, 3 and 2, so its map is magnified twice and what lies in the lower
right is cropped away. livesal keeps that; the decision record on ResDSS says why. The saliency map is the mean of the
fused map and of sides 3 to 5, which the authors use for DSS on VGG-16; side 6 is not in it.
"""

from typing import Final, cast

from torch import Tensor, nn
from torch.nn import functional

from models.backbones.resnet import CHANNELS
from models.caffe_layers import FrozenBatchNorm, FrozenScale, max_pool
from models.registry import CAFFE, Checkpoint, SaliencyEntry, register_saliency
from models.saliency.short_connections import Connection, Side, add_sides, fuse, run_sides

# Of stages 2 to 5: names of the blocks, stride of the first, dilation.
_STAGES: Final = (
    (2, ("a", "b", "c"), 1, 1),
    (3, ("a", *(f"b{index}" for index in range(1, 4))), 2, 1),
    (4, ("a", *(f"b{index}" for index in range(1, 23))), 2, 1),
    (5, ("a", "b", "c"), 1, 2),
)

_SIDES: Final = (
    Side(level=6, inputs=CHANNELS[4], width=512, kernel=7, factor=32, offset=28),
    Side(level=5, inputs=CHANNELS[3], width=512, kernel=5, factor=16, offset=14),
    Side(
        level=4,
        inputs=CHANNELS[2],
        width=256,
        kernel=5,
        connections=(Connection(6, 4, 3), Connection(5, 2, 2)),
        joined=(6, 5),
        factor=8,
        offset=6,
    ),
    Side(
        level=3,
        inputs=CHANNELS[1],
        width=256,
        kernel=5,
        connections=(Connection(6, 8, 7), Connection(5, 4, 4)),
        joined=(6, 5),
        factor=4,
        offset=2,
    ),
    Side(
        level=2,
        inputs=CHANNELS[0],
        width=128,
        kernel=3,
        connections=(Connection(6, 16, 14), Connection(5, 8, 7), Connection(4, 4, 3), Connection(3, 2, 1)),
        joined=(5, 4, 6, 3),
        factor=2,
        offset=2,
    ),
)


class ResDss(nn.Module):
    """BGR in [0, 255] less the mean to logit maps of the image's size: the fused one, then sides 2 to 6."""

    def __init__(self) -> None:
        """Make an untrained network."""
        super().__init__()
        self._add("conv1", "_conv1", nn.Conv2d(3, CHANNELS[0], 7, 2, 3, bias=False))
        for stage, blocks, stride, dilation in _STAGES:
            inputs, outputs = CHANNELS[stage - 2], CHANNELS[stage - 1]
            for block in blocks:
                self._add_block(f"{stage}{block}", inputs, outputs, stride if block == "a" else 1, dilation)
                inputs = outputs
        add_sides(self, _SIDES)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, H, W) to six logit maps (N, 1, H, W)."""
        features = [functional.relu(self._unit("conv1", "_conv1", x))]  # (N, 64, H/2, W/2)
        y = max_pool(features[0], 3)  # (N, 64, H/4, W/4)
        for stage, blocks, _, _ in _STAGES:
            for block in blocks:
                y = self._block(f"{stage}{block}", y)
            features.append(y)  # (N, CHANNELS[stage - 1], ...), strides 4, 8, 16, 16
        maps = run_sides(self, _SIDES, features[::-1], x)
        fused = fuse(self, [maps[level] for level in (6, 2, 3, 4, 5)])
        return (fused, *(maps[level] for level in (2, 3, 4, 5, 6)))

    def _add_block(self, name: str, inputs: int, outputs: int, stride: int, dilation: int) -> None:
        width = outputs // 4
        if name.endswith("a"):
            self._add_branch(f"{name}_branch1", nn.Conv2d(inputs, outputs, 1, stride, bias=False))
        self._add_branch(f"{name}_branch2a", nn.Conv2d(inputs, width, 1, stride, bias=False))
        middle = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation, bias=False)
        self._add_branch(f"{name}_branch2b", middle)
        self._add_branch(f"{name}_branch2c", nn.Conv2d(width, outputs, 1, bias=False))

    def _add_branch(self, name: str, convolution: nn.Conv2d) -> None:
        self._add(f"res{name}", name, convolution)

    def _add(self, name: str, suffix: str, convolution: nn.Conv2d) -> None:
        self.add_module(name, convolution)
        self.add_module(f"bn{suffix}", FrozenBatchNorm(convolution.out_channels))
        self.add_module(f"scale{suffix}", FrozenScale(convolution.out_channels))

    def _block(self, name: str, x: Tensor) -> Tensor:
        """Run a bottleneck: 1x1, 3x3, 1x1 around a shortcut, which is projected in each stage's first block."""
        shortcut = self._branch(f"{name}_branch1", x) if name.endswith("a") else x
        y = functional.relu(self._branch(f"{name}_branch2a", x))
        y = functional.relu(self._branch(f"{name}_branch2b", y))
        return functional.relu(shortcut + self._branch(f"{name}_branch2c", y))

    def _branch(self, name: str, x: Tensor) -> Tensor:
        return self._unit(f"res{name}", name, x)

    def _unit(self, name: str, suffix: str, x: Tensor) -> Tensor:
        norm = cast("FrozenBatchNorm", self.get_submodule(f"bn{suffix}"))
        scale = cast("FrozenScale", self.get_submodule(f"scale{suffix}"))
        return scale.after(norm, self.get_submodule(name)(x))


def _mean_of_four(logits: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    fused, _, third, fourth, fifth, _ = logits
    return fused, third, fourth, fifth


RESDSS: Final = register_saliency(
    SaliencyEntry(
        name="resdss",
        build=ResDss,
        select=_mean_of_four,
        outputs="logits",
        normalisation=CAFFE,
        reduction="mean",
        source="ResDSS, IEEE TPAMI 2019, arXiv 1611.04849; github.com/houqb/DSS (MIT)",
        checkpoint=Checkpoint(
            file="resdss.safetensors",
            url="https://github.com/houqb/DSS",
            licence="MIT; trained on MSRA-B",
        ),
    )
)
"""DSS on ResNet-101."""
