"""A flow network behind the face that every flow method has: two uint8 frames in, flow in pixels out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from models.checkpoint import load_into, locate, read_state
from models.registry import Checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowForm:
    """What a flow network wants its frames to be.

    Attributes:
        multiple: height and width are multiples of this.
        minimum: least height and width, itself a multiple.
        fit: how frames of other sizes get there: edge pixels are repeated all around and cut off again, or the frames
            are resized and the flow is scaled back. Each network does what its public pipeline does.
        scale: what RGB in [0, 1] is multiplied by.
        order: the channels' order.
    """

    multiple: int
    minimum: int
    fit: Literal["pad", "resize"]
    scale: float = 1.0
    order: Literal["RGB", "BGR"] = "RGB"

    def working_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the (h, w) at which frames of `size` = (h, w) enter the network."""
        height, width = (max(self.minimum, -(-side // self.multiple) * self.multiple) for side in size)
        return height, width


class NetworkFlow:
    """A network that maps two (1, 3, H, W) frames to (1, 2, h, w) flow in pixels of its input, as a `FlowEstimator`."""

    def __init__(self, network: nn.Module, form: FlowForm) -> None:
        """Take `network`, its weights loaded; it runs where its parameters are, in evaluation mode."""
        self.network = network.eval().requires_grad_(requires_grad=False)
        self.form = form

    def __call__(self, previous: NDArray[np.uint8], current: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (h, w, 2) float32 flow in pixels from `previous` to `current`, both (h, w, 3) uint8 RGB."""
        with torch.inference_mode(), one_thread():
            first, second = self.prepare(previous), self.prepare(current)
            flow = restore(self.network(first, second), tuple(first.shape[-2:]), previous.shape[:2], self.form.fit)
            return np.ascontiguousarray(flow[0].permute(1, 2, 0).cpu().numpy())

    def prepare(self, image: NDArray[np.uint8]) -> Tensor:
        """Turn an (h, w, 3) uint8 RGB image into the (1, 3, H, W) float32 that the network wants."""
        device = next(self.network.parameters()).device
        ordered = np.ascontiguousarray(image[..., ::-1] if self.form.order == "BGR" else image)
        x = torch.from_numpy(ordered).to(device).permute(2, 0, 1)[None] * (self.form.scale / 255)
        height, width = self.form.working_size((image.shape[0], image.shape[1]))
        if self.form.fit == "resize":
            return resize(x, (height, width))
        return functional.pad(x, _margins((image.shape[0], image.shape[1]), (height, width)), mode="replicate")


def restore(flow: Tensor, working: tuple[int, ...], size: tuple[int, ...], fit: Literal["pad", "resize"]) -> Tensor:
    """Bring a network's flow back to its frames.

    Args:
        flow: (1, 2, h, w) flow in pixels of the working size, at that size or coarser.
        working: (H, W) that the frames entered the network at.
        size: (height, width) of the frames.
        fit: how the frames got from `size` to `working`.

    Returns:
        (1, 2, height, width) flow in pixels of the frames.
    """
    if fit == "resize":
        ratio = flow.new_tensor([size[1] / working[1], size[0] / working[0]]).view(1, 2, 1, 1)
        return resize(flow, size) * ratio
    left, _, top, _ = _margins(size, working)
    return resize(flow, working)[..., top : top + size[0], left : left + size[1]]


def resize(x: Tensor, size: tuple[int, ...]) -> Tensor:
    """Resize (N, C, h, w) to `size` = (H, W), bilinearly; values stay."""
    if tuple(x.shape[-2:]) == tuple(size):
        return x
    return functional.interpolate(x, size=size, mode="bilinear", align_corners=False)


def load_network(network: nn.Module, form: FlowForm, checkpoint: Checkpoint) -> NetworkFlow:
    """Return an estimator of `network` with the weights of `checkpoint`.

    Raises:
        CheckpointError: the file is missing, damaged or another network's.
    """
    path = locate(checkpoint)
    load_into(network, read_flow_state(path), str(path))
    return NetworkFlow(network, form)


def read_flow_state(path: Path) -> dict[str, Tensor]:
    """Read a flow network's weights.

    Keys that begin their parts with `module` where the network has `net`, as older public files do, are renamed.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    return {key.replace("module", "net"): value for key, value in read_state(path).items()}


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch on one thread inside, and on as many as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _margins(size: tuple[int, ...], working: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return the pixels added left, right, above and below."""
    rows, columns = working[0] - size[0], working[1] - size[1]
    return columns // 2, columns - columns // 2, rows // 2, rows - rows // 2
