"""SSAV, a video network: pyramid dilated convolutions over ResNet-50, then convolutional LSTMs in both directions.

Source: Fan et al., "Shifting More Attention to Video Salient Object Detection", CVPR 2019;
github.com/DengPingFan/DAVSOD (academic use only). Keys are the layers' names in its `test.prototxt`; an LSTM's blobs
are named after what they do. The backbone is PSPNet's ResNet-50 (Zhao et al., CVPR 2017), its normalisation frozen.

The paper that livesal implements takes SSAV's maps as they are for its colour saliency. `forward` makes them for clips
(N, T, 3, H, W), T = 3 in the release. livesal's colour networks see one image at a time, so an image (N, 3, H, W) runs
as a clip of three equal frames, of which the middle one's map is kept; the backbone runs once. The second head, which
predicts where people look, has no labels here and is not trained.
"""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.caffe_layers import FrozenAffineNorm, max_pool
from models.registry import CAFFE, Checkpoint, SaliencyEntry, register_saliency

CLIP: Final = 3
"""Frames of a clip in the release."""

_WIDTH: Final = 32
_GRID: Final = 60
"""Height and width of the features at the release's 473x473, which the peepholes are made for."""

# Of stages 2 to 5: blocks, width, stride of the first block, dilation.
_STAGES: Final = ((2, 3, 64, 1, 1), (3, 4, 128, 2, 1), (4, 6, 256, 1, 2), (5, 3, 512, 1, 4))
_STEM: Final = 128
_PYRAMID: Final = (16, 8, 4, 2)


class ConvLstm(nn.Module):
    """A convolutional LSTM whose gates see the cell through one weight a position, shared by the channels."""

    def __init__(self, dilation: int) -> None:
        """Make the layer with 3x3 convolutions of `dilation`."""
        super().__init__()
        gates = 4 * _WIDTH
        self.input = nn.Conv2d(_WIDTH, gates, 3, padding=dilation, dilation=dilation, bias=False)
        self.hidden = nn.Conv2d(_WIDTH, gates, 3, padding=dilation, dilation=dilation)
        self.peephole_input = nn.Parameter(torch.ones(_GRID, _GRID))
        self.peephole_forget = nn.Parameter(torch.ones(_GRID, _GRID))
        self.peephole_output = nn.Parameter(torch.ones(_GRID, _GRID))

    def forward(self, frames: Tensor, *, backward: bool = False) -> Tensor:
        """Map (N, T, 32, h, w) to hidden states of the same shape, from the last frame to the first if `backward`."""
        count, length = frames.shape[:2]
        given = self.input(frames.flatten(0, 1))  # (N * T, 128, h, w)
        given = given.view(count, length, *given.shape[1:])
        peepholes = self._peepholes(frames)
        hidden = torch.zeros_like(frames[:, 0])
        cell = hidden
        states: list[Tensor] = []
        for step in reversed(range(length)) if backward else range(length):
            hidden, cell = _advance(given[:, step] + self.hidden(hidden), cell, peepholes)
            states.append(hidden)
        return torch.stack(states[::-1] if backward else states, 1)

    def _peepholes(self, frames: Tensor) -> Tensor:
        """Return (3, 1, h, w): the weights of input, forget and output gate, resized where the image is not 473x473."""
        weights = torch.stack([self.peephole_input, self.peephole_forget, self.peephole_output]).unsqueeze(1)
        if tuple(frames.shape[-2:]) == (_GRID, _GRID):
            return weights
        return functional.interpolate(weights, size=frames.shape[-2:], mode="bilinear", align_corners=True)


class Ssav(nn.Module):
    """BGR in [0, 255] less the mean to logit maps of the image's size: saliency, and where people look."""

    def __init__(self) -> None:
        """Make an untrained network."""
        super().__init__()
        self._add("conv1_1_3x3_s2", nn.Conv2d(3, 64, 3, 2, 1, bias=False))
        self._add("conv1_2_3x3", nn.Conv2d(64, 64, 3, 1, 1, bias=False))
        self._add("conv1_3_3x3", nn.Conv2d(64, _STEM, 3, 1, 1, bias=False))
        inputs = _STEM
        for stage, blocks, width, stride, dilation in _STAGES:
            for block in range(1, blocks + 1):
                self._add_block(f"conv{stage}_{block}", inputs, width, stride if block == 1 else 1, dilation)
                inputs = 4 * width
        for dilation in _PYRAMID:
            pyramid = nn.Conv2d(inputs, 512, 3, padding=dilation, dilation=dilation, bias=False)
            self._add(f"conv5_3_d{dilation}_conv", pyramid)
        self.conv5_4_ = nn.Conv2d(inputs + 512 * len(_PYRAMID), _WIDTH, 1, bias=False)
        self.add_module("conv5_4/bn_", FrozenAffineNorm(_WIDTH))
        self.encode1 = ConvLstm(1)
        self.encode2 = ConvLstm(2)
        self.encode3 = ConvLstm(1)
        self.encode4 = ConvLstm(2)
        self.conv7 = nn.Conv2d(2 * _WIDTH, 2, 1)
        self.conv8 = nn.Conv2d(_WIDTH, 2, 1).requires_grad_(requires_grad=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map images (N, 3, H, W), or clips (N, T, 3, H, W), to two logit maps (N, 1, H, W), or (N * T, 1, H, W)."""
        if x.ndim == 4:
            frames = self._features(x).unsqueeze(1).expand(-1, CLIP, -1, -1, -1)  # (N, 3, 32, H/8, W/8)
            near, far = (states[:, CLIP // 2] for states in self._states(frames))
        else:
            features = self._features(x.flatten(0, 1))  # (N * T, 32, H/8, W/8)
            frames = features.view(*x.shape[:2], *features.shape[1:])
            near, far = (states.flatten(0, 1) for states in self._states(frames))
        size = x.shape[-2:]
        return self._head("conv7", torch.cat([near, far], 1), size), self._head("conv8", near, size)

    def _features(self, x: Tensor) -> Tensor:
        for name in ("conv1_1_3x3_s2", "conv1_2_3x3", "conv1_3_3x3"):
            x = functional.relu(self._unit(name, x))  # (N, 128, H/2, W/2)
        x = max_pool(x, 3, padding=1)  # (N, 128, H/4, W/4)
        for stage, blocks, _, _, _ in _STAGES:
            for block in range(1, blocks + 1):
                x = self._block(f"conv{stage}_{block}", x)  # (N, 2048, H/8, W/8) in the end
        pyramid = [functional.relu(self._unit(f"conv5_3_d{dilation}_conv", x)) for dilation in reversed(_PYRAMID)]
        joined = self.conv5_4_(torch.cat([x, *pyramid], 1))
        return functional.relu(self.get_submodule("conv5_4/bn_")(joined))

    def _states(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Return the states (N, T, 32, h, w) at dilation 1 and at dilation 2, both directions summed."""
        near, far = self.encode1(frames), self.encode2(frames)
        return near + self.encode3(near, backward=True), far + self.encode4(far, backward=True)

    def _head(self, name: str, x: Tensor, size: torch.Size) -> Tensor:
        logits = self.get_submodule(name)(x)[:, 1:]  # the second of two channels is the map
        return functional.interpolate(logits, size=size, mode="bilinear", align_corners=True)

    def _add_block(self, name: str, inputs: int, width: int, stride: int, dilation: int) -> None:
        self._add(f"{name}_1x1_reduce", nn.Conv2d(inputs, width, 1, stride, bias=False))
        self._add(f"{name}_3x3", nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation, bias=False))
        self._add(f"{name}_1x1_increase", nn.Conv2d(width, 4 * width, 1, bias=False))
        if name.endswith("_1"):
            self._add(f"{name}_1x1_proj", nn.Conv2d(inputs, 4 * width, 1, stride, bias=False))

    def _add(self, name: str, convolution: nn.Conv2d) -> None:
        self.add_module(name, convolution)
        self.add_module(f"{name}/bn", FrozenAffineNorm(convolution.out_channels))

    def _block(self, name: str, x: Tensor) -> Tensor:
        y = functional.relu(self._unit(f"{name}_1x1_reduce", x))
        y = functional.relu(self._unit(f"{name}_3x3", y))
        shortcut = self._unit(f"{name}_1x1_proj", x) if name.endswith("_1") else x
        return functional.relu(shortcut + self._unit(f"{name}_1x1_increase", y))

    def _unit(self, name: str, x: Tensor) -> Tensor:
        y: Tensor = self.get_submodule(f"{name}/bn")(self.get_submodule(name)(x))
        return y


def _advance(gates: Tensor, cell: Tensor, peepholes: Tensor) -> tuple[Tensor, Tensor]:
    """Return hidden state and cell (N, 32, h, w) after one step.

    Args:
        gates: (N, 128, h, w) of input, forget, output and content, before the peepholes.
        cell: before the step; all three gates look at it.
        peepholes: (3, 1, h, w) weights of input, forget and output gate.
    """
    enter, forget, leave, content = gates.chunk(4, 1)
    kept = torch.sigmoid(forget + peepholes[1] * cell) * cell
    new = kept + torch.sigmoid(enter + peepholes[0] * cell) * torch.tanh(content)
    return torch.sigmoid(leave + peepholes[2] * cell) * torch.tanh(new), new


def _saliency(logits: tuple[Tensor, Tensor]) -> tuple[Tensor, ...]:
    return logits[:1]


SSAV: Final = register_saliency(
    SaliencyEntry(
        name="ssav",
        build=Ssav,
        select=_saliency,
        outputs="logits",
        normalisation=CAFFE,
        size=(473, 473),
        source="SSAV, CVPR 2019; github.com/DengPingFan/DAVSOD (academic use only)",
        checkpoint=Checkpoint(
            file="ssav.safetensors",
            url="https://github.com/DengPingFan/DAVSOD",
            licence="academic communication only, not commercial; trained on DAVSOD and DAVIS",
        ),
    )
)
"""SSAV on images."""
