"""ResNets of bottleneck blocks, under torchvision's key names.

Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016 (arXiv 1512.03385). Weights come inside
the checkpoints of the networks built on it. The options are what saliency networks change: where a block strides,
dilation in place of stride, and how the first pooling rounds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from torch import Tensor, nn
from torch.nn import functional

CHANNELS: Final = (64, 256, 512, 1024, 2048)
"""Channels of the stem and of the four stages."""

RESNET50: Final = (3, 4, 6, 3)
"""Blocks of the four stages of ResNet-50."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResNetOptions:
    """How a ResNet differs from torchvision's.

    Attributes:
        blocks: of each stage.
        strides: of each stage's first block.
        dilations: of every 3x3 in a stage.
        stride_in_first: a block strides in its first 1x1, as in the paper and Caffe, not in its 3x3.
        ceil_pooling: the first pooling rounds sizes up.
    """

    blocks: Sequence[int] = RESNET50
    strides: Sequence[int] = (1, 2, 2, 2)
    dilations: Sequence[int] = (1, 1, 1, 1)
    stride_in_first: bool = False
    ceil_pooling: bool = False


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 with batch normalisation around a shortcut; four times `width` channels leave it."""

    def __init__(
        self, inputs: int, width: int, stride: int = 1, dilation: int = 1, *, project: bool, stride_in_first: bool
    ) -> None:
        """Make the block; `project` puts a 1x1 on the shortcut."""
        super().__init__()
        first, second = (stride, 1) if stride_in_first else (1, stride)
        self.conv1 = nn.Conv2d(inputs, width, 1, first, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, second, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample: nn.Module | None = None
        if project:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, 4 * width, ceil(h / stride), ceil(w / stride))."""
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return functional.relu(y + (x if self.downsample is None else self.downsample(x)))


def make_stage(index: int, options: ResNetOptions) -> nn.Sequential:
    """Return stage 1 to 4; it takes `CHANNELS[index - 1]` and gives `CHANNELS[index]` channels."""
    inputs, outputs = CHANNELS[index - 1], CHANNELS[index]
    widths = [inputs] + [outputs] * options.blocks[index - 1]
    return nn.Sequential(
        *(
            Bottleneck(
                before,
                after // 4,
                options.strides[index - 1] if position == 0 else 1,
                options.dilations[index - 1],
                project=position == 0,
                stride_in_first=options.stride_in_first,
            )
            for position, (before, after) in enumerate(pairwise(widths))
        )
    )


class ResNetStem(nn.Module):
    """`conv1` and `bn1`: the layers before the stages; a network with other stages than the usual derives from it."""

    def __init__(self, options: ResNetOptions) -> None:
        """Make the 7x7 convolution of stride 2, its normalisation, and the pooling."""
        super().__init__()
        self.conv1 = nn.Conv2d(3, CHANNELS[0], 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(CHANNELS[0])
        self.maxpool = nn.MaxPool2d(3, 2, 1, ceil_mode=options.ceil_pooling)

    def stem(self, x: Tensor) -> Tensor:
        """Map (N, 3, H, W) to (N, 64, ceil(H / 2), ceil(W / 2)), before the pooling."""
        return functional.relu(self.bn1(self.conv1(x)))


class ResNet(ResNetStem):
    """The stem and `layer1` to `layer4`, without classifier."""

    def __init__(self, options: ResNetOptions | None = None) -> None:
        """Make a ResNet, by default torchvision's ResNet-50."""
        options = ResNetOptions() if options is None else options
        super().__init__(options)
        self.layer1 = make_stage(1, options)
        self.layer2 = make_stage(2, options)
        self.layer3 = make_stage(3, options)
        self.layer4 = make_stage(4, options)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, H, W) to the stem's and the stages' features: (N, CHANNELS[i], ...), strides 2, 4, 8, 16, 32."""
        stem = self.stem(x)  # (N, 64, H/2, W/2)
        first = self.layer1(self.maxpool(stem))  # (N, 256, H/4, W/4)
        second = self.layer2(first)  # (N, 512, H/8, W/8)
        third = self.layer3(second)  # (N, 1024, H/16, W/16)
        return stem, first, second, third, self.layer4(third)  # (N, 2048, H/32, W/32)
