"""DSS on VGG-16, as in the authors' Caffe release.

Source: Hou et al., "Deeply Supervised Salient Object Detection with Short Connections", CVPR 2017 (arXiv 1611.04849);
github.com/houqb/DSS (MIT). Keys are the layers' names in `deploy.prototxt`. The saliency map is the mean of the fused
map and of sides 3 to 5, as in the authors' tutorial.
"""

from typing import Final

from torch import Tensor
from torch.nn import functional

from models.backbones.vgg import CHANNELS, FlatVGG16
from models.caffe_layers import max_pool
from models.registry import CAFFE, Checkpoint, SaliencyEntry, register_saliency
from models.saliency.short_connections import Connection, Side, add_sides, fuse, run_sides

FIRST_PADDING: Final = 5
"""Zeros around the image at `conv1_1`: every map has a margin that the crops take off again."""

_SIDES: Final = (
    Side(level=6, inputs=CHANNELS[4], width=512, kernel=7, factor=32, offset=32),
    Side(level=5, inputs=CHANNELS[4], width=512, kernel=5, factor=16, offset=16),
    Side(
        level=4,
        inputs=CHANNELS[3],
        width=256,
        kernel=5,
        connections=(Connection(6, 4, 4), Connection(5, 2, 2)),
        joined=(6, 5),
        factor=8,
        offset=8,
    ),
    Side(
        level=3,
        inputs=CHANNELS[2],
        width=256,
        kernel=5,
        connections=(Connection(6, 8, 7), Connection(5, 4, 3)),
        joined=(6, 5),
        factor=4,
        offset=6,
    ),
    Side(
        level=2,
        inputs=CHANNELS[1],
        width=128,
        kernel=3,
        connections=(Connection(6, 16, 14), Connection(5, 8, 6), Connection(4, 4, 2), Connection(3, 2, 1)),
        joined=(5, 4, 6, 3),
        factor=2,
        offset=5,
    ),
    Side(
        level=1,
        inputs=CHANNELS[0],
        width=128,
        kernel=3,
        connections=(Connection(6, 32, 28), Connection(5, 16, 12), Connection(4, 8, 4), Connection(3, 4, 2)),
        joined=(5, 4, 6, 3),
        factor=1,
        offset=4,
    ),
)


class DssCaffe(FlatVGG16):
    """BGR in [0, 255] less the mean to logit maps of the image's size: the fused one, then sides 1 to 6."""

    def __init__(self) -> None:
        """Make an untrained network."""
        super().__init__(first_padding=FIRST_PADDING)
        add_sides(self, _SIDES)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, H, W) to seven logit maps (N, 1, H, W)."""
        maps = run_sides(self, _SIDES, side_features(self, x), x)
        finest_first = tuple(maps[level] for level in (1, 2, 3, 4, 5, 6))
        return (fuse(self, finest_first), *finest_first)


def side_features(network: FlatVGG16, x: Tensor) -> tuple[Tensor, ...]:
    """Return what sides 6 to 1 look at: the pooled and averaged last stage, then stages 5 to 1."""
    stages = network.stages(x, pool)
    last = functional.avg_pool2d(pool(stages[4], 5), 3, 1, 1)  # (N, 512, H/32, W/32)
    return (last, *reversed(stages))


def pool(x: Tensor, stage: int) -> Tensor:
    """Halve what left stage 1 to 5, as this release and RADF do."""
    return max_pool(x, 2) if stage <= 3 else max_pool(x, 3, padding=1)


def _mean_of_four(logits: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    fused, _, _, third, fourth, fifth, _ = logits
    return fused, third, fourth, fifth


DSS_CAFFE: Final = register_saliency(
    SaliencyEntry(
        name="dss-caffe",
        build=DssCaffe,
        select=_mean_of_four,
        outputs="logits",
        normalisation=CAFFE,
        reduction="mean",
        source="DSS, CVPR 2017, arXiv 1611.04849; github.com/houqb/DSS (MIT)",
        checkpoint=Checkpoint(
            file="dss-caffe.safetensors",
            url="https://github.com/houqb/DSS",
            licence="MIT; trained on MSRA-B",
        ),
    )
)
"""DSS on VGG-16, the authors' Caffe weights."""
