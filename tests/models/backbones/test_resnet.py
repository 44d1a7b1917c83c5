"""ResNet's options: keys stay torchvision's, sizes follow strides, dilation and pooling."""

import pytest
import torch

from models.backbones.resnet import CHANNELS, Bottleneck, ResNet, ResNetOptions
from tests.fakes.golden import read_manifest


@pytest.mark.parametrize("options", [ResNetOptions(), ResNetOptions(strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2))])
def test_keys_are_torchvisions_whatever_the_options(options: ResNetOptions) -> None:
    with torch.device("meta"):
        keys = list(ResNet(options).state_dict())
    assert keys == [key.removeprefix("resnet.") for key in read_manifest("ras_v1") if key.startswith("resnet.")]


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        (ResNetOptions(), (33, 17, 9, 5, 3)),
        (ResNetOptions(strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2)), (33, 17, 9, 5, 5)),
        (ResNetOptions(stride_in_first=True), (33, 17, 9, 5, 3)),
    ],
)
def test_each_stage_has_its_size_and_channels(options: ResNetOptions, sizes: tuple[int, ...]) -> None:
    with torch.device("meta"):
        features = ResNet(options)(torch.empty(1, 3, 66, 65))
    assert [feature.shape for feature in features] == [
        (1, channels, size, size) for channels, size in zip(CHANNELS, sizes, strict=True)
    ]


def test_ceil_pooling_keeps_the_last_column() -> None:
    with torch.device("meta"):
        floor, ceil = (
            ResNet(ResNetOptions(ceil_pooling=rounds))(torch.empty(1, 3, 64, 64))[1] for rounds in (False, True)
        )
    assert (floor.shape[-1], ceil.shape[-1]) == (16, 17)  # the stem gives 32; (32 + 2 - 3) / 2 = 15.5


def test_blocks_stride_where_they_are_told_to() -> None:
    with torch.device("meta"):
        usual, caffe = (Bottleneck(64, 32, 2, project=True, stride_in_first=first) for first in (False, True))
    assert (usual.conv1.stride, usual.conv2.stride) == ((1, 1), (2, 2))
    assert (caffe.conv1.stride, caffe.conv2.stride) == ((2, 2), (1, 1))
