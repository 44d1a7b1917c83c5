"""The frame path of a fixed number of cameras as one piece of work for a GPU; one at a time: `pipeline/frame_path.py`.

Frames go to the device, maps come back; all that is between them stays there, the frames before included, and is
captured as one CUDA graph. Networks run in half precision; flow, homographies, coordinates and fusion in float32.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from configs.method import MethodSettings
from models.captured import Captured
from models.saliency_model import SaliencyModel
from models.torch_batch import TorchBatch, served_model
from pipeline.batched.camera import without_cameras
from pipeline.batched.flows import BatchFlow
from pipeline.batched.fusion import decided, final_maps, low_level, non_overlapping_ratios
from pipeline.batched.picture import flow_and_luminance
from pipeline.batched.shrinking import Shrinking, luminance
from pipeline.batched.smoothing import BatchSmoothing
from pipeline.errors import BatchError
from pipeline.frame_path import Sizes

MAPS: Final = ("motion", "colour", "twin", "low_level", "final")
"""The maps that come back for each camera, in their order."""


@dataclass(frozen=True, slots=True, eq=False)
class BatchMaps:
    """What was found in one frame of each of N cameras.

    Half precision is what the networks work in: 8 bits would halve what is copied back, which is a thirtieth of the
    time, and take from LS, the twins' label, what Eq. (8) learns from.

    Attributes:
        maps: (N, 5, h, w) in [0, 1], in the order of `MAPS`; float16 from a GPU, else float32.
        nr: (N,) float32, NR (Eq. (7)).
        support: (N,) float32, the share of flow vectors that the fit of the camera's motion is supported by.
    """

    maps: Tensor
    nr: Tensor
    support: Tensor

    def numpy(self) -> tuple[NDArray[np.floating], NDArray[np.float32], NDArray[np.float32]]:
        """Return the three as arrays on the host; they share memory with these where these are there."""
        return self.maps.cpu().numpy(), self.nr.cpu().numpy(), self.support.cpu().numpy()


class BatchPath:
    """What every frame of `cameras` cameras goes through, all of them at once; one thread calls it.

    Attributes:
        frames: (N, H, W, 3) uint8 RGB on the device at the size of flow, to be written before `compute`.
        fresh: (N,) bool on the device: a new scene begins at this camera, so that nothing is known of its motion.
    """

    def __init__(
        self,
        colour: TorchBatch,
        motion: SaliencyModel,
        flow: BatchFlow,
        cameras: int,
        sizes: Sizes,
        settings: MethodSettings,
    ) -> None:
        """Put a path together on the device of `colour`; `capture` makes it a graph.

        Args:
            colour: the colour network and the cameras' twins.
            motion: the motion network; it is copied.
            flow: of as many cameras at `sizes.flow`.
            cameras: how many.
            sizes: that frames are worked on at.
            settings: of the method; what they say of networks and flow is not looked at.

        Raises:
            BatchError: the settings ask for coded flow, which is not here.
        """
        if settings.motion_coding != "flow-and-luminance":
            message = f"a batch shows its motion network flow and luminance, not {settings.motion_coding}"
            raise BatchError(message)
        device = colour.device
        self.frames = torch.zeros(cameras, *sizes.flow, 3, dtype=torch.uint8, device=device)
        self.fresh = torch.zeros(cameras, dtype=torch.bool, device=device)
        self._seen = torch.zeros(cameras, dtype=torch.bool, device=device)
        self._colour = colour
        self._motion = served_model(motion, device, colour.precision)
        self._flow = flow
        self._settings = settings
        self._shrinking = Shrinking(sizes.flow, sizes.working, device)
        past, grey = torch.zeros(2, cameras, 1, *sizes.working, device=device)
        self._smoothing = BatchSmoothing(settings.smoothing, past, grey) if settings.smoothing else None
        self._work: Captured[BatchMaps] | None = None
        self._host: BatchMaps | None = None

    def swap(self, camera: int, state: Mapping[str, Tensor]) -> None:
        """Give a camera another twin between two batches; see `TorchBatch.swap`."""
        self._colour.swap(camera, state)

    def capture(self) -> None:
        """Record the work as a CUDA graph, where the device is a GPU, and forget all frames."""
        self._work = Captured(self._compute, self.frames.device, urgent=True)
        self.forget()

    def forget(self) -> None:
        """Forget the frames before: every camera's next one begins a scene."""
        self._seen.zero_()

    def __call__(self, frames: NDArray[np.uint8] | Tensor, fresh: NDArray[np.bool_] | None = None) -> BatchMaps:
        """Return the maps of one frame of each camera, on the host.

        Args:
            frames: (N, H, W, 3) uint8 RGB at the size of flow; in pinned memory they are copied fastest.
            fresh: (N,), where a new scene begins; by default nowhere but at a camera's first frame.

        Returns:
            The maps, which the next call overwrites.
        """
        self.frames.copy_(torch.as_tensor(frames), non_blocking=True)
        if fresh is None:
            self.fresh.zero_()
        else:
            self.fresh.copy_(torch.from_numpy(fresh))
        return self.download(self.compute())

    def compute(self) -> BatchMaps:
        """Return what is found in `frames`, on the device; the next call overwrites it where the work is captured."""
        return self._compute() if self._work is None else self._work()

    def download(self, found: BatchMaps) -> BatchMaps:
        """Return what was found on the host, in pinned memory that the next call overwrites, once it is there."""
        if found.maps.device.type == "cpu":
            return found
        if self._host is None:
            self._host = BatchMaps(*(_pinned_like(one) for one in (found.maps, found.nr, found.support)))
        host = self._host
        for there, here in ((found.maps, host.maps), (found.nr, host.nr), (found.support, host.support)):
            here.copy_(there, non_blocking=True)
        torch.cuda.current_stream(found.maps.device).synchronize()
        return host

    def _compute(self) -> BatchMaps:
        with torch.inference_mode():
            fine = self.frames.permute(0, 3, 1, 2).float().contiguous()  # (N, 3, H, W) in [0, 255]
            small = self._shrinking.picture(fine)  # (N, 3, h, w)
            flow = self._shrinking.flow(-self._flow(fine))  # (N, 2, h, w), that arrives at each pixel
            return self._saliency(small, flow)

    def _saliency(self, small: Tensor, flow: Tensor) -> BatchMaps:
        """Return the maps of (N, 3, h, w) frames that (N, 2, h, w) flow arrives at."""
        settings, grey = self._settings, luminance(small)
        known = (self._seen & ~self.fresh).view(-1, 1, 1, 1)
        self._seen.fill_(True)  # noqa: FBT003 - a tensor's value
        residual, support = without_cameras(flow, settings.camera_motion)
        picture = flow_and_luminance(residual, grey).to(self._colour.precision) / 255
        found = self._motion(picture.contiguous(memory_format=torch.channels_last)).float()
        motion = found.masked_fill(~known, 0)
        colour, twin = (maps.float() for maps in self._colour.maps(small / 255))
        low = low_level(motion, colour, known, settings.fusion)
        nr = non_overlapping_ratios(motion, colour, known)
        final = final_maps(motion, colour, twin, known, nr, settings.final, settings.fusion)
        if self._smoothing is not None:
            final = self._smoothing(final, grey, flow, known)
        if settings.final == "mean":
            final = decided(final)
        maps = torch.cat((motion, colour, twin, low, final), 1).to(self._colour.precision)
        return BatchMaps(maps, nr, support)


def _pinned_like(there: Tensor) -> Tensor:
    return torch.empty(there.shape, dtype=there.dtype, pin_memory=True)
