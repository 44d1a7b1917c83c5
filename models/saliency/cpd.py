"""CPD: a partial decoder's saliency map attends to the features that a second partial decoder reads.

Source: Wu et al., "Cascaded Partial Decoder for Fast and Accurate Salient Object Detection", CVPR 2019 (arXiv
1904.08739); github.com/wuzhe71/CPD (no licence stated), whose checkpoints' keys these networks have.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.backbones.resnet import CHANNELS as RESNET_CHANNELS
from models.backbones.resnet import ResNetOptions, ResNetStem, make_stage
from models.backbones.vgg import CHANNELS as VGG_CHANNELS
from models.backbones.vgg import named_stage
from models.registry import IMAGENET, Checkpoint, SaliencyEntry, register_saliency

WIDTH: Final = 32
"""Channels of the decoders."""

_SOURCE: Final = "CPD, arXiv 1904.08739; github.com/wuzhe71/CPD (no licence stated)"
_TERMS: Final = "none stated: ask the authors; trained on DUTS-TR"
_BRANCHES: Final = (1, 2)

Kernel = int | tuple[int, int]
Unit = Callable[[int, int, Kernel, int], nn.Module]
"""Makes a convolution of (inputs, outputs, kernel, dilation) that keeps the map's size."""


def plain_unit(inputs: int, outputs: int, kernel: Kernel, dilation: int = 1) -> nn.Module:
    """Return a convolution: the VGG network's unit."""
    return nn.Conv2d(inputs, outputs, kernel, padding=_padding(kernel, dilation), dilation=dilation)


class NormalisedUnit(nn.Module):
    """A convolution and batch normalisation, no activation: the ResNet network's unit."""

    def __init__(self, inputs: int, outputs: int, kernel: Kernel, dilation: int = 1) -> None:
        """Make the layers."""
        super().__init__()
        padding = _padding(kernel, dilation)
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=padding, dilation=dilation, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, h, w)."""
        y: Tensor = self.bn(self.conv(x))
        return y


class ReceptiveField(nn.Module):
    """Four branches of growing receptive field beside a shortcut, after the RFB of Liu et al., ECCV 2018."""

    def __init__(self, inputs: int, unit: Unit) -> None:
        """Make the branches; `WIDTH` channels leave each and the whole."""
        super().__init__()
        self.branch0 = nn.Sequential(unit(inputs, WIDTH, 1, 1))
        for branch in (1, 2, 3):
            reach = 2 * branch + 1
            layers = (
                unit(inputs, WIDTH, 1, 1),
                unit(WIDTH, WIDTH, (1, reach), 1),
                unit(WIDTH, WIDTH, (reach, 1), 1),
                unit(WIDTH, WIDTH, 3, reach),
            )
            self.add_module(f"branch{branch}", nn.Sequential(*layers))
        self.conv_cat = unit(4 * WIDTH, WIDTH, 3, 1)
        self.conv_res = unit(inputs, WIDTH, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, WIDTH, h, w)."""
        branches = [self.get_submodule(f"branch{branch}")(x) for branch in range(4)]
        return functional.relu(self.conv_cat(torch.cat(branches, 1)) + self.conv_res(x))


class Aggregation(nn.Module):
    """The partial decoder: deeper maps gate shallower ones by multiplication (Eq. (2) of CPD), then join them."""

    def __init__(self, unit: Unit) -> None:
        """Make the convolutions for three maps of `WIDTH` channels."""
        super().__init__()
        for number in (1, 2, 3, 4):
            self.add_module(f"conv_upsample{number}", unit(WIDTH, WIDTH, 3, 1))
        self.conv_upsample5 = unit(2 * WIDTH, 2 * WIDTH, 3, 1)
        self.conv_concat2 = unit(2 * WIDTH, 2 * WIDTH, 3, 1)
        self.conv_concat3 = unit(3 * WIDTH, 3 * WIDTH, 3, 1)
        self.conv4 = unit(3 * WIDTH, 3 * WIDTH, 3, 1)
        self.conv5 = nn.Conv2d(3 * WIDTH, 1, 1)

    def forward(self, deep: Tensor, middle: Tensor, shallow: Tensor) -> Tensor:
        """Map (N, WIDTH, ...) of h/4, h/2 and h to a logit map (N, 1, h, w)."""
        first, second, third, fourth = (self.get_submodule(f"conv_upsample{number}") for number in (1, 2, 3, 4))
        deep_up = enlarge(deep, middle)  # (N, WIDTH, h/2, w/2)
        gated_middle = first(deep_up) * middle
        gated_shallow = second(enlarge(deep_up, shallow)) * third(enlarge(middle, shallow)) * shallow
        joined = self.conv_concat2(torch.cat((gated_middle, fourth(deep_up)), 1))  # (N, 2 WIDTH, h/2, w/2)
        joined = torch.cat((gated_shallow, self.conv_upsample5(enlarge(joined, shallow))), 1)  # (N, 3 WIDTH, h, w)
        y: Tensor = self.conv5(self.conv4(self.conv_concat3(joined)))
        return y


class HolisticAttention(nn.Module):
    """Spreads a saliency map by a Gaussian and weighs features by whichever is higher, the spread or the map."""

    def __init__(self) -> None:
        """Make the 31x31 kernel, which is learned from a Gaussian on."""
        super().__init__()
        self.gaussian_kernel = nn.Parameter(gaussian_kernel(31, 4.0)[None, None])

    def forward(self, saliency: Tensor, features: Tensor) -> Tensor:
        """Weigh `features` (N, C, h, w) by `saliency` (N, 1, h, w), probabilities."""
        spread = functional.conv2d(saliency, self.gaussian_kernel, padding=self.gaussian_kernel.shape[-1] // 2)
        low, high = spread.amin((2, 3), keepdim=True), spread.amax((2, 3), keepdim=True)
        return features * torch.maximum((spread - low) / (high - low + 1e-8), saliency)


class TwoBranchVGG(nn.Module):
    """VGG-16 with average pooling whose stages 4 and 5 exist twice."""

    def __init__(self) -> None:
        """Make the shared stages and both branches."""
        super().__init__()
        self.conv1 = named_stage(1)
        self.conv2 = named_stage(2, nn.AvgPool2d(2))
        self.conv3 = named_stage(3, nn.AvgPool2d(2))
        for branch in _BRANCHES:
            self.add_module(f"conv4_{branch}", named_stage(4, nn.AvgPool2d(2), f"_{branch}"))
            self.add_module(f"conv5_{branch}", named_stage(5, nn.AvgPool2d(2), f"_{branch}"))

    def shared(self, x: Tensor) -> Tensor:
        """Map (N, 3, H, W) to (N, 256, H/4, W/4)."""
        y: Tensor = self.conv3(self.conv2(self.conv1(x)))
        return y

    def branch(self, number: int, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map (N, 256, h, w) to (N, 512, h/2, w/2) and (N, 512, h/4, w/4)."""
        middle = self.get_submodule(f"conv4_{number}")(x)
        return middle, self.get_submodule(f"conv5_{number}")(middle)


class TwoBranchResNet(ResNetStem):
    """ResNet-50 whose stages 3 and 4 exist twice."""

    def __init__(self) -> None:
        """Make the shared stages and both branches."""
        options = ResNetOptions()
        super().__init__(options)
        self.layer1 = make_stage(1, options)
        self.layer2 = make_stage(2, options)
        for branch in _BRANCHES:
            self.add_module(f"layer3_{branch}", make_stage(3, options))
            self.add_module(f"layer4_{branch}", make_stage(4, options))

    def shared(self, x: Tensor) -> Tensor:
        """Map (N, 3, H, W) to (N, 512, H/8, W/8)."""
        y: Tensor = self.layer2(self.layer1(self.maxpool(self.stem(x))))
        return y

    def branch(self, number: int, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map (N, 512, h, w) to (N, 1024, h/2, w/2) and (N, 2048, h/4, w/4)."""
        middle = self.get_submodule(f"layer3_{number}")(x)
        return middle, self.get_submodule(f"layer4_{number}")(middle)


class CascadedPartialDecoder(nn.Module):
    """Shared features, a first branch that finds where to look, a second one that detects there."""

    def __init__(self, *, residual: bool) -> None:
        """Make the network on ResNet-50 if `residual`, else on VGG-16."""
        super().__init__()
        if residual:
            self.resnet = TwoBranchResNet()
        else:
            self.vgg = TwoBranchVGG()
        self.residual = residual
        self.levels = (2, 3, 4) if residual else (3, 4, 5)
        unit: Unit = NormalisedUnit if residual else plain_unit
        channels = RESNET_CHANNELS[2:] if residual else VGG_CHANNELS[2:]
        for branch in _BRANCHES:
            for level, inputs in zip(self.levels, channels, strict=True):
                self.add_module(f"rfb{level}_{branch}", ReceptiveField(inputs, unit))
            self.add_module(f"agg{branch}", Aggregation(unit))
        self.HA = HolisticAttention()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map (N, 3, H, W) to the attention's and the detection's logit maps, (N, 1, H, W) each."""
        backbone: TwoBranchResNet | TwoBranchVGG = self.resnet if self.residual else self.vgg
        shared = backbone.shared(x)
        attention = self.decode(1, (shared, *backbone.branch(1, shared)))
        refined = self.HA(torch.sigmoid(attention), shared)
        detection = self.decode(2, (refined, *backbone.branch(2, refined)))
        return enlarge(attention, x, corners=self.residual), enlarge(detection, x, corners=self.residual)

    def decode(self, branch: int, features: tuple[Tensor, ...]) -> Tensor:
        """Return a branch's logit map, (N, 1, h, w), from its features, the shallowest (N, C, h, w) first."""
        fields = [
            self.get_submodule(f"rfb{level}_{branch}")(feature)
            for level, feature in zip(self.levels, features, strict=True)
        ]
        logits: Tensor = self.get_submodule(f"agg{branch}")(*reversed(fields))
        return logits


def gaussian_kernel(size: int, sigmas: float) -> Tensor:
    """Return a (size, size) float32 kernel of sum 1: the root of the product of two normal densities.

    Args:
        size: cells along each side.
        sigmas: half the kernel's width in standard deviations, before the half cell that is added on each side.
    """
    half = sigmas + (2 * sigmas + 1) / (2 * size)
    mass = torch.special.ndtr(torch.linspace(-half, half, size + 1, dtype=torch.float64)).diff()
    kernel = torch.outer(mass, mass).sqrt()
    return (kernel / kernel.sum()).float()


def enlarge(x: Tensor, like: Tensor, *, corners: bool = True) -> Tensor:
    """Return `x` at the height and width of `like`, bilinearly."""
    return functional.interpolate(x, like.shape[-2:], mode="bilinear", align_corners=corners)


def _padding(kernel: Kernel, dilation: int) -> tuple[int, int]:
    height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
    return dilation * (height - 1) // 2, dilation * (width - 1) // 2


def _detection_first(maps: tuple[Tensor, Tensor]) -> tuple[Tensor, ...]:
    attention, detection = maps
    return detection, attention


for _name, _residual, _file, _page in (
    ("cpd_vgg", False, "CPD.pth", "https://drive.google.com/open?id=1ddopz30_sNPOb0MvTCoNwZwL-oQDMGIW"),
    ("cpd_resnet50", True, "CPD-R.pth", "https://drive.google.com/open?id=188sybU9VU5rW2BH2Yzhko4w-G5sPp6yG"),
):
    register_saliency(
        SaliencyEntry(
            name=_name,
            build=partial(CascadedPartialDecoder, residual=_residual),
            select=_detection_first,
            outputs="logits",
            normalisation=IMAGENET,
            size=(352, 352),
            source=_SOURCE,
            checkpoint=Checkpoint(file=_file, url=_page, licence=_TERMS),
        )
    )
