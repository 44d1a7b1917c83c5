"""RAS of ECCV 2018 on VGG-16, as in the authors' Caffe release.

Source: Chen et al., "Reverse Attention for Salient Object Detection", ECCV 2018 (arXiv 1807.09940);
github.com/ShuhanChen/RAS_ECCV18 (no licence stated). Keys are the layers' names in `deploy.prototxt`.

From the coarsest score at stride 32, each side adds what it sees where the coarser score, enlarged twice, has no object
yet: its features are weighted by 1 - sigmoid(score). The offsets of the crops follow from the poolings: those of 3x3
with padding shift by half a pixel less than those of 2x2.
"""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.backbones.vgg import CHANNELS, FlatVGG16
from models.caffe_layers import crop, enlargement, max_pool
from models.registry import CAFFE, Checkpoint, SaliencyEntry, register_saliency

_GLOBAL_WIDTH: Final = 256
_WIDTH: Final = 64

# Of each side 5 to 1: the coarser score's enlargement and its crop, then its own to the image's size and its crop.
_COARSER: Final = {
    5: ("upsample2_dsn5", 2),
    4: ("upsample2_dsn4", 2),
    3: ("upsample2_dsn3", 1),
    2: ("upsample2_1-dsn2", 1),
    1: ("upsample2_2-dsn2", 1),
}
_TO_IMAGE: Final = {
    6: ("upsample32_dsn6", 32, 28),
    5: ("upsample16_dsn5", 16, 12),
    4: ("upsample8_dsn4", 8, 4),
    3: ("upsample4_dsn3", 4, 2),
}


class RasEccv18(FlatVGG16):
    """BGR in [0, 255] less the mean to six logit maps of the image's size, finest first."""

    def __init__(self) -> None:
        """Make an untrained network."""
        super().__init__()
        self.add_module("conv1-dsn6", nn.Conv2d(CHANNELS[4], _GLOBAL_WIDTH, 1))
        for position in (2, 3, 4):
            self.add_module(f"conv{position}-dsn6", nn.Conv2d(_GLOBAL_WIDTH, _GLOBAL_WIDTH, 5, padding=2))
        self.add_module("conv5-dsn6", nn.Conv2d(_GLOBAL_WIDTH, 1, 1))
        self.add_module("upsample32_dsn6", enlargement(32))
        for side in (5, 4, 3, 2, 1):
            self.add_module(_COARSER[side][0], enlargement(2))
            self.add_module(f"conv1-dsn{side}", nn.Conv2d(CHANNELS[side - 1], _WIDTH, 1))
            for position in (2, 3):
                self.add_module(f"conv{position}-dsn{side}", nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1))
            self.add_module(f"conv4-dsn{side}", nn.Conv2d(_WIDTH, 1, 3, padding=1))
            if side > 2:
                name, factor, _ = _TO_IMAGE[side]
                self.add_module(name, enlargement(factor))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, H, W) to six logit maps (N, 1, H, W)."""
        features = self.stages(x, _pool)
        score = self._global_score(_pool(features[4], 5))  # (N, 1, H/32, W/32)
        maps = [self._to_image(6, score, x)]
        for side in (5, 4, 3, 2, 1):
            feature = features[side - 1]
            name, offset = _COARSER[side]
            coarser = crop(self.get_submodule(name)(score), feature, offset)  # (N, 1, H/2**(side-1), ...)
            score = coarser + self._residual(side, torch.sigmoid(-coarser) * feature)
            if side > 2:
                maps.append(self._to_image(side, score, x))
        # Side 2 enlarged to the image is also what side 1 starts from.
        return (score, coarser, *reversed(maps))

    def _global_score(self, x: Tensor) -> Tensor:
        x = self.get_submodule("conv1-dsn6")(x)
        for position in (2, 3, 4):
            x = functional.relu(self.get_submodule(f"conv{position}-dsn6")(x))
        score: Tensor = self.get_submodule("conv5-dsn6")(x)
        return score

    def _residual(self, side: int, x: Tensor) -> Tensor:
        x = self.get_submodule(f"conv1-dsn{side}")(x)
        for position in (2, 3):
            x = functional.relu(self.get_submodule(f"conv{position}-dsn{side}")(x))
        residual: Tensor = self.get_submodule(f"conv4-dsn{side}")(x)
        return residual

    def _to_image(self, side: int, score: Tensor, image: Tensor) -> Tensor:
        name, _, offset = _TO_IMAGE[side]
        return crop(self.get_submodule(name)(score), image, offset)


def _pool(x: Tensor, stage: int) -> Tensor:
    return max_pool(x, 2) if stage <= 3 else max_pool(x, 3, padding=1)


def _sides(logits: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return logits


RAS_ECCV18: Final = register_saliency(
    SaliencyEntry(
        name="ras-eccv18",
        build=RasEccv18,
        select=_sides,
        outputs="logits",
        normalisation=CAFFE,
        source="RAS, ECCV 2018, arXiv 1807.09940; github.com/ShuhanChen/RAS_ECCV18 (no licence stated)",
        checkpoint=Checkpoint(
            file="ras-eccv18.safetensors",
            url="https://github.com/ShuhanChen/RAS_ECCV18",
            licence="no licence stated: ask the authors; trained on MSRA-B",
        ),
    )
)
"""RAS on VGG-16."""
