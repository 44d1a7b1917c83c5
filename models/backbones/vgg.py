"""VGG-16's convolutional stages under the key layouts that public saliency checkpoints use.

Source: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015
(arXiv 1409.1556). Weights come inside the checkpoints of the networks built on it.

Three layouts of the same thirteen 3x3 convolutions:

- numbered: `0, 2, 5, 7, 10, ...`, as torchvision counts convolution, ReLU and pooling (`numbered_layers`);
- staged: `conv1_1`, `conv1_2` inside one module a stage (`named_stage`);
- flat: `conv1_1` to `conv5_3` beside each other, as in Caffe (`FlatVGG16`).
"""

from collections.abc import Callable, Iterable
from typing import Final

from torch import Tensor, nn
from torch.nn import functional

CHANNELS: Final = (64, 128, 256, 512, 512)
"""Channels of the five stages, at strides 1, 2, 4, 8 and 16."""

REPEATS: Final = (2, 2, 3, 3, 3)
"""Convolutions of the five stages."""

STAGE_ENDS: Final = (3, 8, 15, 22, 29)
"""Indices of the ReLUs that end the stages in `numbered_layers`."""


def numbered_layers(pooling: Callable[[int], nn.Module]) -> nn.ModuleList:
    """Return the 31 layers in torchvision's order: convolutions, ReLUs, and a pooling after each stage.

    Args:
        pooling: makes the pooling layer after stage 1 to 5.
    """
    layers: list[nn.Module] = []
    for stage, repeats in enumerate(REPEATS, start=1):
        for position in range(1, repeats + 1):
            layers += [convolution(stage, position), nn.ReLU()]
        layers.append(pooling(stage))
    return nn.ModuleList(layers)


def run_numbered(layers: Iterable[nn.Module], x: Tensor, taps: Iterable[int] = STAGE_ENDS) -> tuple[Tensor, ...]:
    """Return what leaves the layers numbered `taps` when all run on `x` (N, 3, H, W), in order."""
    wanted = frozenset(taps)
    tapped: list[Tensor] = []
    for index, layer in enumerate(layers):
        x = layer(x)
        if index in wanted:
            tapped.append(x)
    return tuple(tapped)


def named_stage(stage: int, pooling: nn.Module | None = None, suffix: str = "") -> nn.Sequential:
    """Return stage 1 to 5 with its convolutions named `conv{stage}_{position}{suffix}`, each followed by a ReLU.

    Args:
        stage: which stage.
        pooling: put before the convolutions.
        suffix: ends each name; tells the copies of a stage apart.
    """
    layers = nn.Sequential()
    if pooling is not None:
        layers.add_module(f"pool{stage - 1}{suffix}", pooling)
    for position in range(1, REPEATS[stage - 1] + 1):
        layers.add_module(f"conv{stage}_{position}{suffix}", convolution(stage, position))
        layers.add_module(f"relu{stage}_{position}{suffix}", nn.ReLU())
    return layers


class FlatVGG16(nn.Module):
    """The thirteen convolutions `conv1_1` to `conv5_3` as direct children; a network with such keys derives from it."""

    def __init__(self, first_padding: int = 1) -> None:
        """Make the convolutions.

        Args:
            first_padding: zeros around the image at `conv1_1`; Caffe's fully convolutional networks have more than 1.
        """
        super().__init__()
        for stage, repeats in enumerate(REPEATS, start=1):
            for position in range(1, repeats + 1):
                padding = first_padding if (stage, position) == (1, 1) else 1
                self.add_module(f"conv{stage}_{position}", convolution(stage, position, padding))

    def stages(self, x: Tensor, pooling: Callable[[Tensor, int], Tensor]) -> tuple[Tensor, ...]:
        """Map (N, 3, H, W) to what the five stages give; `CHANNELS` says the channels.

        Args:
            x: the normalised image.
            pooling: called with features and the stage, 1 to 4, that they left.
        """
        features: list[Tensor] = []
        for stage, repeats in enumerate(REPEATS, start=1):
            x = x if stage == 1 else pooling(x, stage - 1)
            for position in range(1, repeats + 1):
                x = functional.relu(self.get_submodule(f"conv{stage}_{position}")(x))
            features.append(x)
        return tuple(features)


def convolution(stage: int, position: int, padding: int = 1) -> nn.Conv2d:
    """Return the 3x3 convolution at a position, from 1, of stage 1 to 5."""
    outputs = CHANNELS[stage - 1]
    before = CHANNELS[stage - 2] if stage > 1 else 3
    return nn.Conv2d(before if position == 1 else outputs, outputs, 3, padding=padding)
