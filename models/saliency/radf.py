"""RADF on VGG-16, as in the authors' Caffe release.

Source: Hu et al., "Recurrently Aggregating Deep Features for Salient Object Detection", AAAI 2018;
github.com/xw-hu/RADF (no licence stated). Keys are the layers' names in `deploy.prototxt`.

The features of six levels, 32 channels each at the image's size, are aggregated; each level is refined with the
aggregate; the refined levels are aggregated again. The saliency map is the mean of all thirteen maps, as in the
authors' notebook: both rounds' six and the fused one.
"""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.backbones.vgg import CHANNELS, FlatVGG16
from models.caffe_layers import crop, enlargement
from models.registry import CAFFE, Checkpoint, SaliencyEntry, register_saliency
from models.saliency.dss_caffe import FIRST_PADDING, side_features

_WIDTH: Final = 32
_FIRST_AGGREGATE: Final = 16
_SECOND_AGGREGATE: Final = 8
_LEVELS: Final = (6, 5, 4, 3, 2, 1)

# Of levels 6 to 1: inputs, width, kernel, enlargement to the image's size, offset of the crop.
_SIDES: Final = {
    6: (CHANNELS[4], 512, 7, 32, 32),
    5: (CHANNELS[4], 512, 5, 16, 16),
    4: (CHANNELS[3], 256, 5, 8, 8),
    3: (CHANNELS[2], 256, 5, 4, 6),
    2: (CHANNELS[1], 128, 3, 2, 5),
    1: (CHANNELS[0], 128, 3, 1, 4),
}


class Radf(FlatVGG16):
    """BGR in [0, 255] less the mean to thirteen logit maps of the image's size.

    The fused one is first, then levels 1 to 6 of the second round, then levels 1 to 6 of the first.
    """

    def __init__(self) -> None:
        """Make an untrained network."""
        super().__init__(first_padding=FIRST_PADDING)
        for level in _LEVELS:
            inputs, width, kernel, _, _ = _SIDES[level]
            self.add_module(f"conv1-dsn{level}", nn.Conv2d(inputs, width, kernel, padding=kernel // 2))
            self.add_module(f"conv2-dsn{level}", nn.Conv2d(width, width, kernel, padding=kernel // 2))
            self.add_module(f"conv3-dsn{level}", nn.Conv2d(width, _WIDTH, 1))
        for level in _LEVELS[:-1]:
            factor = _SIDES[level][3]
            self.add_module(f"upsample{factor}_in_dsn{level}", enlargement(factor, _WIDTH, bias=False))
        self.conv_global = nn.Conv2d(len(_LEVELS) * _WIDTH, _FIRST_AGGREGATE, 1)
        for level in _LEVELS:
            refinement = nn.Conv2d(_FIRST_AGGREGATE + _WIDTH, _WIDTH, 3, padding=1)
            self.add_module(f"conv_concat{level}_1", refinement)
            self.add_module(f"conv-dsn{level}a", nn.Conv2d(_WIDTH, 1, 1))
        self.conv_global2 = nn.Conv2d(len(_LEVELS) * _WIDTH, _SECOND_AGGREGATE, 1)
        for level in _LEVELS:
            self.add_module(f"conv-dsn{level}", nn.Conv2d(_SECOND_AGGREGATE + _WIDTH, 1, 1))
        self.add_module("new-score-weighting", nn.Conv2d(len(_LEVELS), 1, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, H, W) to thirteen logit maps (N, 1, H, W)."""
        features = zip(_LEVELS, side_features(self, x), strict=True)
        levels = {level: self._enlarged(level, feature, x) for level, feature in features}  # (N, 32, H, W) each
        finest_first = _LEVELS[::-1]
        aggregate = functional.relu(self.conv_global(torch.cat([levels[level] for level in finest_first], 1)))
        refined = {level: self._refined(level, aggregate, levels[level]) for level in finest_first}
        first = [self.get_submodule(f"conv-dsn{level}a")(refined[level]) for level in finest_first]
        aggregate = functional.relu(self.conv_global2(torch.cat(list(refined.values()), 1)))
        second = [
            self.get_submodule(f"conv-dsn{level}")(torch.cat([aggregate, refined[level]], 1)) for level in finest_first
        ]
        return (self.get_submodule("new-score-weighting")(torch.cat(second, 1)), *second, *first)

    def _enlarged(self, level: int, feature: Tensor, image: Tensor) -> Tensor:
        x = functional.relu(self.get_submodule(f"conv1-dsn{level}")(feature))
        x = functional.relu(self.get_submodule(f"conv2-dsn{level}")(x))
        x = self.get_submodule(f"conv3-dsn{level}")(x)
        _, _, _, factor, offset = _SIDES[level]
        if factor > 1:
            x = self.get_submodule(f"upsample{factor}_in_dsn{level}")(x)
        return functional.relu(crop(x, image, offset))

    def _refined(self, level: int, aggregate: Tensor, feature: Tensor) -> Tensor:
        joined = torch.cat([aggregate, feature], 1)
        return functional.relu(self.get_submodule(f"conv_concat{level}_1")(joined))


def _all(logits: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return logits


RADF: Final = register_saliency(
    SaliencyEntry(
        name="radf",
        build=Radf,
        select=_all,
        outputs="logits",
        normalisation=CAFFE,
        reduction="mean",
        source="RADF, AAAI 2018; github.com/xw-hu/RADF (no licence stated)",
        checkpoint=Checkpoint(
            file="radf.safetensors",
            url="https://github.com/xw-hu/RADF",
            licence="no licence stated: ask the authors; trained on MSRA10K",
        ),
    )
)
"""RADF on VGG-16."""
