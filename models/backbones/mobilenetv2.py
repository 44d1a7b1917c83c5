"""MobileNetV2 as a pyramid encoder, batch normalisation folded away.

Source: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018 (arXiv 1801.04381).
Initial weights: the public TensorFlow checkpoints (Apache-2.0), stored as an ordered list of folded convolutions.
Every convolution carries a bias and no batch normalisation remains, so there are no statistics to drift while a
twin is retrained on a handful of frames.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from torch import Tensor, nn
from torch.nn import functional

from models.backbones.encoder import PyramidEncoder

CHANNELS: Final = (16, 24, 32, 96, 160)
"""Channels of the five pyramid levels, at strides 2, 4, 8, 16 and 32."""

# (expansion, output channels, repeats, stride) of each stage; Table 2 of the paper without its last, 320-channel stage.
_STAGES: Final = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2))
_LEVEL_ENDS: Final = (1, 3, 6, 13, 16)
"""Index of the block after which a pyramid level leaves."""


class Convolution(nn.Module):
    """A convolution with TensorFlow's "SAME" padding: uneven, and so a step of its own, where the stride is 2."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        """Make the layer; `groups == inputs` makes it depthwise."""
        super().__init__()
        even = (kernel - 1) // 2 if stride == 1 else 0
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, even, groups=groups)
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, ceil(h / stride), ceil(w / stride))."""
        if self.stride == 1:
            return self.conv(x)
        # int: an exported graph serves one size, and its padding is to be a constant of it
        vertical, horizontal = (same_padding(int(size), self.kernel, self.stride) for size in x.shape[-2:])
        return self.conv(functional.pad(x, (*horizontal, *vertical)))


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return the zeros before and after an axis of `size` pixels, as TensorFlow's "SAME" divides them."""
    steps = -(-size // stride)
    total = max((steps - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class InvertedResidual(nn.Module):
    """Expand by a 1x1, filter depthwise by a 3x3, project by a linear 1x1; add the input where shapes agree."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int) -> None:
        """Make the block; an expansion of 1 leaves the first 1x1 out."""
        super().__init__()
        width = inputs * expansion
        self.expand = Convolution(inputs, width, 1) if expansion > 1 else None
        self.depthwise = Convolution(width, width, 3, stride, groups=width)
        self.project = Convolution(width, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, h / stride, w / stride)."""
        y = x if self.expand is None else functional.relu6(self.expand(x))
        y = self.project(functional.relu6(self.depthwise(y)))
        return x + y if self.residual else y


class MobileNetV2(PyramidEncoder):
    """Encoder: RGB in [-1, 1] to five feature maps at strides 2, 4, 8, 16 and 32 (`CHANNELS`)."""

    def __init__(self) -> None:
        """Make the stem and the sixteen blocks up to the 160-channel stage."""
        super().__init__()
        self.channels = CHANNELS
        self.stem = Convolution(3, 32, 3, 2)
        blocks: list[nn.Module] = []
        inputs = 32
        for expansion, outputs, repeats, stride in _STAGES:
            for repeat in range(repeats):
                blocks.append(InvertedResidual(inputs, outputs, expansion, stride if repeat == 0 else 1))
                inputs = outputs
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, H, W) to features of (N, CHANNELS[i], H / 2**(i + 1), W / 2**(i + 1))."""
        x = functional.relu6(self.stem(x))  # (N, 32, H/2, W/2)
        levels: list[Tensor] = []
        for start, end in pairwise((0, *_LEVEL_ENDS)):
            for block in self.blocks[start:end]:
                x = block(x)
            levels.append(x)
        return tuple(levels)

    def load_public(self, content: object) -> None:
        """Copy the ordered, folded convolutions of a public checkpoint; layers past the last block are left out.

        Args:
            content: a list of dictionaries with `weight` (out, in / groups, k, k) and `bias` (out,), in the network's
                order.

        Raises:
            ValueError: the list is too short, or a shape differs, so it is another network's.
        """
        layers: Sequence[Mapping[str, object]] = content if isinstance(content, list) else []
        own = [module.conv for module in self.modules() if isinstance(module, Convolution)]
        if len(layers) < len(own):
            message = f"expected at least {len(own)} folded MobileNetV2 layers, found {len(layers)}"
            raise ValueError(message)
        for index, (conv, layer) in enumerate(zip(own, layers, strict=False)):
            weight, bias = layer["weight"], layer["bias"]
            if not isinstance(weight, Tensor) or not isinstance(bias, Tensor) or weight.shape != conv.weight.shape:
                message = f"layer {index} does not fit: expected weights {tuple(conv.weight.shape)}"
                raise ValueError(message)
            conv.weight.data.copy_(weight)
            if conv.bias is not None:
                conv.bias.data.copy_(bias)
