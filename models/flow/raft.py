"""RAFT: all-pairs correlation looked up by a recurrent unit that refines the flow.

Source: Teed and Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", ECCV 2020 (arXiv 2003.12039);
https://github.com/princeton-vl/RAFT (BSD-3-Clause), whose checkpoints' keys these are. Frames enter as RGB in [0, 255],
sides multiples of 8.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.flow_network import FlowForm, NetworkFlow, load_network
from models.raft_encoder import RaftEncoder
from models.raft_update import LargeUpdate, SmallUpdate
from models.registry import Checkpoint, FlowEntry, register_flow

ITERATIONS: Final = 12
"""Refinements a frame pair gets; the paper trains with 12 and reports with up to 32."""

LEVELS: Final = 4
"""Levels of the correlation pyramid."""

FORM: Final = FlowForm(multiple=8, minimum=128, fit="pad", scale=255.0)
"""Below 128 pixels a side the coarsest correlation level would vanish."""

_SOURCE: Final = "RAFT, arXiv 2003.12039; https://github.com/princeton-vl/RAFT (BSD-3-Clause)"
_MODELS: Final = "https://github.com/princeton-vl/RAFT (download_models.sh)"


@dataclass(frozen=True, slots=True, kw_only=True)
class RaftSize:
    """What the two published sizes differ in.

    Attributes:
        block: kind of the encoders' residual blocks.
        channels: of the encoders' stem and three stages.
        features: channels that are correlated.
        hidden: channels of the recurrent state.
        context: channels of the first frame's context.
        context_norm: normalisation in the context encoder.
        radius: of the correlation look-up, in pixels of each level.
    """

    block: Literal["residual", "bottleneck"]
    channels: tuple[int, int, int, int]
    features: int
    hidden: int
    context: int
    context_norm: Literal["batch", "none"]
    radius: int


LARGE: Final = RaftSize(
    block="residual", channels=(64, 64, 96, 128), features=256, hidden=128, context=128, context_norm="batch", radius=4
)
"""RAFT, 5.3 million parameters."""

SMALL: Final = RaftSize(
    block="bottleneck", channels=(32, 32, 64, 96), features=128, hidden=96, context=64, context_norm="none", radius=3
)
"""RAFT-small, 1.0 million parameters."""


class Raft(nn.Module):
    """Two frames to the flow between them."""

    def __init__(self, size: RaftSize, iterations: int = ITERATIONS) -> None:
        """Make an untrained network of `size`."""
        super().__init__()
        self.size, self.iterations = size, iterations
        update = SmallUpdate if size is SMALL else LargeUpdate
        self.fnet = RaftEncoder(size.block, size.channels, size.features, "instance")
        self.cnet = RaftEncoder(size.block, size.channels, size.hidden + size.context, size.context_norm)
        self.update_block = update(size.hidden, size.context, LEVELS * (2 * size.radius + 1) ** 2)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Map two (N, 3, H, W) RGB frames in [0, 255] to (N, 2, H, W) flow in pixels, first to second."""
        return self.refine(first, second, self.iterations)[1]

    def refine(self, first: Tensor, second: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
        """Return the flow after `iterations` at stride 8 in pixels of that stride, and at full size in its pixels."""
        first, second = first * (2 / 255) - 1, second * (2 / 255) - 1
        return self.refine_features(first, self.fnet(first), self.fnet(second), iterations)

    def refine_features(
        self, first: Tensor, first_features: Tensor, second_features: Tensor, iterations: int
    ) -> tuple[Tensor, Tensor]:
        """Return what `refine` does, from the features that `fnet` found in both frames.

        Networks work in the frame's precision; correlations, positions and flow are float32.

        Args:
            first: (N, 3, H, W) RGB in [-1, 1].
            first_features: (N, C, H / 8, W / 8) of it.
            second_features: likewise of the second frame.
            iterations: refinements.
        """
        pyramid = correlation_pyramid(first_features, second_features)
        state, context = self.cnet(first).split((self.size.hidden, self.size.context), 1)  # (N, C, H / 8, W / 8)
        state, context = torch.tanh(state), torch.relu(context)
        start = pixel_grid(state.float())
        position = start
        mask = None
        for _ in range(iterations):
            found = look_up(pyramid, position, self.size.radius)
            state, step, mask = self.update_block(
                state, context, found.to(state.dtype), (position - start).to(state.dtype)
            )
            position = position + step
        flow = position - start
        return flow, enlarge(flow) if mask is None else enlarge_convexly(flow, mask.float())


def pixel_grid(like: Tensor) -> Tensor:
    """Return the (N, 2, h, w) coordinates (x, y) of the pixels of an (N, C, h, w) tensor."""
    height, width = like.shape[-2:]
    x = torch.arange(width, device=like.device, dtype=like.dtype).view(1, 1, 1, width).expand(1, 1, height, width)
    y = torch.arange(height, device=like.device, dtype=like.dtype).view(1, 1, height, 1).expand(1, 1, height, width)
    return torch.cat((x, y), 1).expand(like.shape[0], 2, height, width)


def correlation_pyramid(first: Tensor, second: Tensor) -> list[Tensor]:
    """Correlate every pixel of one (N, C, h, w) feature map with every pixel of another.

    Returns:
        `LEVELS` float32 tensors (N * h * w, 1, h / 2**i, w / 2**i), finest first: a map over the second frame for each
        pixel of the first, divided by the square root of C.
    """
    count, channels, height, width = first.shape
    volume = first.flatten(2).transpose(1, 2) @ second.flatten(2)  # (N, h * w, h * w)
    pyramid = [(volume.float() / math.sqrt(channels)).view(count * height * width, 1, height, width)]
    for _ in range(LEVELS - 1):
        pyramid.append(functional.avg_pool2d(pyramid[-1], 2))
    return pyramid


def look_up(pyramid: Sequence[Tensor], position: Tensor, radius: int) -> Tensor:
    """Sample a (2 * radius + 1)-sided square around `position` from each level of the correlation pyramid.

    Args:
        pyramid: as `correlation_pyramid` makes it.
        position: (N, 2, h, w), where each pixel of the first frame is thought to be in the second, (x, y).
        radius: of the square, in pixels of each level.

    Returns:
        (N, levels * (2 * radius + 1)**2, h, w); within a level x varies slowest, as the checkpoints have it. Outside
        the second frame the correlation is zero.
    """
    count, _, height, width = position.shape
    centre = position.permute(0, 2, 3, 1).reshape(-1, 1, 1, 2)  # (N * h * w, 1, 1, 2)
    steps = torch.arange(-radius, radius + 1, device=position.device, dtype=position.dtype)
    offsets = torch.stack(torch.meshgrid(steps, steps, indexing="ij"), 2)[None]  # (1, 2r + 1, 2r + 1, 2)
    found = []
    for level, correlation in enumerate(pyramid):
        near = centre / 2**level + offsets  # (N * h * w, 2r + 1, 2r + 1, 2)
        # side by side: a tensor of both would be copied from the host, which no CUDA graph may do
        across, down = ((2 * near[..., axis] + 1) / correlation.shape[-1 - axis] - 1 for axis in (0, 1))
        grid = torch.stack((across, down), 3)
        samples = functional.grid_sample(correlation, grid, align_corners=False)  # (N * h * w, 1, 2r + 1, 2r + 1)
        found.append(samples.view(count, height, width, -1))
    return torch.cat(found, 3).permute(0, 3, 1, 2)


def enlarge(flow: Tensor) -> Tensor:
    """Enlarge (N, 2, h, w) flow bilinearly to (N, 2, 8 h, 8 w), in pixels of the new size."""
    height, width = flow.shape[-2:]
    return 8 * functional.interpolate(flow, size=(8 * height, 8 * width), mode="bilinear", align_corners=True)


def enlarge_convexly(flow: Tensor, mask: Tensor) -> Tensor:
    """Enlarge (N, 2, h, w) flow to (N, 2, 8 h, 8 w), each new pixel a learned convex mix of its 3x3 coarse neighbours.

    Args:
        flow: (N, 2, h, w) in pixels of its own size.
        mask: (N, 9 * 8 * 8, h, w) logits of the mix: neighbour, then row and column inside the coarse pixel.
    """
    count, _, height, width = flow.shape
    weights = mask.view(count, 1, 9, 8, 8, height, width).softmax(2)
    neighbours = functional.unfold(8 * flow, 3, padding=1).view(count, 2, 9, 1, 1, height, width)
    mixed = (weights * neighbours).sum(2)  # (N, 2, 8, 8, h, w)
    return mixed.permute(0, 1, 4, 2, 5, 3).reshape(count, 2, 8 * height, 8 * width)


def _build(size: RaftSize, checkpoint: Checkpoint) -> NetworkFlow:
    return load_network(Raft(size), FORM, checkpoint)


for _name, _size, _file in (("raft", LARGE, "raft-things.pth"), ("raft-small", SMALL, "raft-small.pth")):
    _checkpoint = Checkpoint(file=_file, url=_MODELS, licence="BSD-3-Clause")
    register_flow(
        FlowEntry(
            name=_name,
            build=partial(_build, _size, _checkpoint),
            source=_SOURCE,
            checkpoint=_checkpoint,
            network=partial(Raft, _size),
        )
    )
