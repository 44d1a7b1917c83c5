"""The flow that arrives at many cameras' frames; the frames before are kept on the device."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Final, Protocol

import torch
from torch import Tensor

from models.flow.lucas_kanade import luminance_pyramid, match_pyramids
from models.flow.raft import FORM, SMALL, Raft
from models.flow_network import load_network
from models.layout import channels_last
from models.registry import flow_entry
from pipeline.batched.shrinking import luminance
from pipeline.errors import BatchError

RAFT_ITERATIONS: Final = 3
"""Refinements: 4 or 6 serve the motion network no better (docs/performance.md)."""


class BatchFlow(Protocol):
    """Flow from a batch of frames back to the one before."""

    def __call__(self, frames: Tensor) -> Tensor:
        """Return (N, 2, H, W) float32 pixels from (N, 3, H, W) float32 RGB in [0, 255] back to the call before."""
        ...


class LucasKanadeBatch:
    """Pyramid Lucas-Kanade, without weights."""

    def __init__(self, cameras: int, size: tuple[int, int], device: torch.device) -> None:
        """Make room for the pyramids of the frames before."""
        self._before = luminance_pyramid(torch.zeros(cameras, 1, *size, device=device))

    def __call__(self, frames: Tensor) -> Tensor:
        """Return the flow; see `BatchFlow`."""
        now = luminance_pyramid(luminance(frames))
        flow = match_pyramids(now, self._before)
        for kept, level in zip(self._before, now, strict=True):
            kept.copy_(level)
        return flow


class RaftBatch:
    """RAFT-small, its networks in half precision on a GPU, positions and correlations in float32.

    What a frame's features are does not depend on the other frame, so each frame is encoded for matching once.
    """

    def __init__(
        self,
        network: Raft,
        cameras: int,
        size: tuple[int, int],
        device: torch.device,
        precision: torch.dtype,
        iterations: int = RAFT_ITERATIONS,
    ) -> None:
        """Copy `network` to `device` and make room for the features of the frames before.

        Raises:
            BatchError: the sides are no multiples of 8, or less than 128.
        """
        if FORM.working_size(size) != size:
            message = (
                f"RAFT in a batch takes frames whose sides are multiples of 8 from 128 on, not {size[1]}x{size[0]}"
            )
            raise BatchError(message)
        self._network = channels_last(deepcopy(network).eval().requires_grad_(requires_grad=False)).to(
            device, precision
        )
        self._precision, self._iterations = precision, iterations
        height, width = (side // 8 for side in size)
        self._before = torch.zeros(cameras, network.size.features, height, width, device=device, dtype=precision)

    def __call__(self, frames: Tensor) -> Tensor:
        """Return the flow; see `BatchFlow`."""
        signed = (frames * (2 / 255) - 1).to(self._precision).contiguous(memory_format=torch.channels_last)
        now = self._network.fnet(signed)
        flow = self._network.refine_features(signed, now, self._before, self._iterations)[1]
        self._before.copy_(now)
        return flow


def make_batch_flow(
    name: str, cameras: int, size: tuple[int, int], device: torch.device, precision: torch.dtype
) -> BatchFlow:
    """Return the flow called `name` for `cameras` cameras' frames of `size` = (H, W).

    Args:
        name: one of `BATCH_FLOWS`.
        cameras: how many.
        size: of the frames.
        device: that it works on.
        precision: of its networks.

    Raises:
        BatchError: there is none of that name, or it does not take frames of that size.
        CheckpointError: its weights are missing.
    """
    make = BATCH_FLOWS.get(name.replace("_", "-"))
    if make is None:
        message = f"no flow of a batch is named '{name}'; there are: {', '.join(BATCH_FLOWS)}"
        raise BatchError(message)
    return make(cameras, size, device, precision)


def _lucas_kanade(cameras: int, size: tuple[int, int], device: torch.device, precision: torch.dtype) -> BatchFlow:
    del precision  # of networks: it has none
    return LucasKanadeBatch(cameras, size, device)


def _raft_small(cameras: int, size: tuple[int, int], device: torch.device, precision: torch.dtype) -> BatchFlow:
    checkpoint = flow_entry("raft-small").checkpoint
    if checkpoint is None:
        message = "raft-small has no weights registered"
        raise BatchError(message)
    network = load_network(Raft(SMALL), FORM, checkpoint).network
    if not isinstance(network, Raft):
        message = "raft-small is no RAFT"
        raise BatchError(message)
    return RaftBatch(network, cameras, size, device, precision)


BATCH_FLOWS: Final[Mapping[str, Callable[[int, tuple[int, int], torch.device, torch.dtype], BatchFlow]]] = {
    "lucas-kanade": _lucas_kanade,
    "raft-small": _raft_small,
}
"""Flows of a batch by the names that they have one at a time."""
