"""SPyNet: a spatial pyramid in which small networks correct the flow, coarse to fine.

Source: Ranjan and Black, "Optical Flow Estimation Using a Spatial Pyramid Network", CVPR 2017 (arXiv 1611.00850). The
keys are those of the PyTorch conversion at https://github.com/sniklaus/pytorch-spynet. The weights are for
non-commercial research. Frames enter as BGR in [0, 1], sides multiples of 32.
"""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.flow_network import FlowForm, NetworkFlow, load_network
from models.matching import backwarp
from models.registry import IMAGENET, Checkpoint, FlowEntry, register_flow

LEVELS: Final = 6
"""Most levels of the pyramid; it stops where both sides are at most `COARSEST` pixels."""

COARSEST: Final = 32

FORM: Final = FlowForm(multiple=32, minimum=32, fit="resize", order="BGR")

CHECKPOINT: Final = Checkpoint(
    file="spynet-sintel-final.pytorch",
    url="http://content.sniklaus.com/github/pytorch-spynet/network-sintel-final.pytorch",
    licence="free for non-commercial research (SPyNet's authors)",
)


class CorrectionNetwork(nn.Module):
    """Five 7x7 convolutions from two frames and a flow to a correction of the flow."""

    def __init__(self) -> None:
        """Make an untrained network."""
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in ((8, 32), (32, 64), (64, 32), (32, 16), (16, 2)):
            layers += [nn.Conv2d(inputs, outputs, 7, padding=3), nn.ReLU()]
        self.netBasic = nn.Sequential(*layers[:-1])

    def forward(self, first: Tensor, warped: Tensor, flow: Tensor) -> Tensor:
        """Map two (N, 3, h, w) frames, the second warped by the (N, 2, h, w) flow, to (N, 2, h, w)."""
        correction: Tensor = self.netBasic(torch.cat((first, warped, flow), 1))
        return correction


class SPyNet(nn.Module):
    """Two frames to the flow between them."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        """Make an untrained network."""
        super().__init__()
        self.netBasic = nn.ModuleList(CorrectionNetwork() for _ in range(LEVELS))
        self.register_buffer("mean", torch.tensor(IMAGENET.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET.std).view(1, 3, 1, 1), persistent=False)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Map two (N, 3, H, W) BGR frames in [0, 1] to (N, 2, H, W) flow in pixels, first to second."""
        firsts, seconds = self._pyramid(first), self._pyramid(second)
        flow = torch.zeros_like(firsts[0][:, :2])
        for level, (one, two) in enumerate(zip(firsts, seconds, strict=True)):
            if level > 0:
                flow = 2 * functional.interpolate(flow, size=one.shape[-2:], mode="bilinear", align_corners=True)
            flow = flow + self.netBasic[level](one, backwarp(two, flow, "border"), flow)
        return flow

    def _pyramid(self, frame: Tensor) -> list[Tensor]:
        """Return the normalised frame at each level as (N, 3, h, w), coarsest first."""
        pyramid = [(frame.flip(1) - self.mean) / self.std]
        while len(pyramid) < LEVELS and max(pyramid[0].shape[-2:]) > COARSEST:
            pyramid.insert(0, functional.avg_pool2d(pyramid[0], 2))
        return pyramid


def _build() -> NetworkFlow:
    return load_network(SPyNet(), FORM, CHECKPOINT)


register_flow(
    FlowEntry(
        name="spynet",
        build=_build,
        source="SPyNet, arXiv 1611.00850 (weights: research)",
        checkpoint=CHECKPOINT,
        network=SPyNet,
    )
)
