"""Dense Lucas-Kanade flow, coarse to fine, for many frame pairs at once and without weights: the flow of a GPU.

Source: Lucas and Kanade, IJCAI 1981, as a pyramid (Bouguet, 2001) with the template's gradients (Baker and Matthews,
"Lucas-Kanade 20 Years On", IJCV 2004), so that a level's normal equations are made once. Windows are compared less
their means, as DIS does, so that brightness may change. What windows cannot tell is settled between the steps: a
median takes out single vectors, and a cross-bilateral mean carries flow to pixels of the same brightness from where
the warped picture says that it is right (after Sun et al., "Secrets of Optical Flow Estimation", CVPR 2010). Half the
input's resolution is the finest level, as in livesal's DIS. Plain tensor operations of fixed shapes, nothing is read
back, so that it can be captured as a CUDA graph.
"""

from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.flow_network import one_thread
from models.registry import FlowEntry, register_flow

ROUNDS: Final = 3
"""Rounds a level: steps, then smoothing."""
STEPS: Final = 2
"""Gauss-Newton steps a round."""

_COARSEST: Final = 20
"""Least pixels of the coarsest level's short side; below it, windows see all of the picture and diverge."""
_WINDOW: Final = 3
"""Radius of the windows in pixels."""
_DAMPING: Final = 20.0
"""Added to the normal equations, in squared grey levels a pixel: where there is no texture, nothing moves."""
_LONGEST: Final = 2.0
"""Pixels that one step may go."""
_REACH: Final = 2
"""Radius of the smoothing, in samples that are two pixels apart."""
_APART: Final = 2
_ALIKE: Final = 20.0
"""Grey levels of difference at which a neighbour counts e^-1/2."""
_WRONG: Final = 10.0
"""Grey levels of mean difference to the warped picture at which flow counts 1 / e."""
_LEAST: Final = 1e-6


class LucasKanadeFlow:
    """The method behind the face that every flow method has, one pair at a time."""

    def __call__(self, previous: NDArray[np.uint8], current: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (h, w, 2) float32 flow in pixels from `previous` to `current`, both (h, w, 3) uint8 RGB."""
        with torch.inference_mode(), one_thread():
            first, second = (
                torch.from_numpy(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)).float()[None, None]
                for image in (previous, current)
            )
            return np.ascontiguousarray(match(first, second)[0].permute(1, 2, 0).numpy())


def match(first: Tensor, second: Tensor) -> Tensor:
    """Return the (N, 2, H, W) float32 flow in pixels from `first` to `second`, (N, 1, H, W) luminance in [0, 255]."""
    return match_pyramids(luminance_pyramid(first), luminance_pyramid(second))


def luminance_pyramid(luminance: Tensor) -> list[Tensor]:
    """Return (N, 1, H, W) and its halves (rounded up), finest first; there are two at least."""
    levels = [luminance, _half(luminance)]
    while min(levels[-1].shape[-2:]) >= 2 * _COARSEST:
        levels.append(_half(levels[-1]))
    return levels


def match_pyramids(first: list[Tensor], second: list[Tensor]) -> Tensor:
    """Return the flow between two pyramids at the size of their finest level; see `match`."""
    coarsest = first[-1]
    flow = coarsest.new_zeros(coarsest.shape[0], 2, *coarsest.shape[-2:])
    for one, two in zip(first[:0:-1], second[:0:-1], strict=True):
        flow = _refine(one, two, _double(flow, one) if flow.shape[-2:] != one.shape[-2:] else flow)
    return _double(flow, first[0])


def fetch(picture: Tensor, flow: Tensor) -> Tensor:
    """Return (N, C, h, w) `picture` from where (N, 2, h, w) `flow` points, linearly; edge pixels go on for ever."""
    height, width = picture.shape[-2:]
    x = torch.arange(width, device=flow.device, dtype=flow.dtype).view(1, 1, width)
    y = torch.arange(height, device=flow.device, dtype=flow.dtype).view(1, height, 1)
    across, down = (flow[:, 0] + x) * (2 / (width - 1)) - 1, (flow[:, 1] + y) * (2 / (height - 1)) - 1
    grid = torch.stack((across, down), 3)  # (N, h, w, 2)
    return functional.grid_sample(picture, grid, padding_mode="border", align_corners=True)


def median_of_nine(x: Tensor) -> Tensor:
    """Return the median of every pixel's 3x3 neighbourhood in (N, C, h, w), by exchanging.

    `torch.median` gives every pixel a block of threads on a GPU, which is a hundred times slower.
    """
    padded = functional.pad(x, (1, 1, 1, 1), mode="replicate")
    height, width = x.shape[-2:]
    p = [padded[..., row : row + height, column : column + width] for row in range(3) for column in range(3)]
    for low, high in _EXCHANGES:
        p[low], p[high] = torch.minimum(p[low], p[high]), torch.maximum(p[low], p[high])
    return p[4]


_EXCHANGES: Final = (
    *((1, 2), (4, 5), (7, 8), (0, 1), (3, 4), (6, 7), (1, 2), (4, 5), (7, 8), (0, 3)),
    *((5, 8), (4, 7), (3, 6), (1, 4), (2, 5), (4, 7), (4, 2), (6, 4), (4, 2)),
)
"""Devillard's network for the median of nine: after each exchange the first is the smaller one."""


def _refine(first: Tensor, second: Tensor, flow: Tensor) -> Tensor:
    """Return `flow` after one level's rounds."""
    horizontal, vertical = _gradients(first)
    moments = _box(
        torch.cat((horizontal.square(), horizontal * vertical, vertical.square(), horizontal, vertical), 1), _WINDOW
    )
    xx, xy, yy, mean_x, mean_y = moments.chunk(5, 1)
    xx, xy, yy = xx - mean_x.square() + _DAMPING, xy - mean_x * mean_y, yy - mean_y.square() + _DAMPING
    scale = 1 / (xx * yy - xy.square())
    for _ in range(ROUNDS):
        for _ in range(STEPS):
            error = fetch(second, flow) - first
            x, y, mean = _box(torch.cat((horizontal * error, vertical * error, error), 1), _WINDOW).chunk(3, 1)
            x, y = x - mean_x * mean, y - mean_y * mean
            step = torch.cat((xy * y - yy * x, xy * x - xx * y), 1) * scale
            flow = flow + step.clamp(-_LONGEST, _LONGEST)
        flow = _settle(median_of_nine(flow), first, second)
    return flow


def _settle(flow: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Average the flow over neighbours that look alike, those where it is right counting most."""
    error = fetch(second, flow) - first
    wrong = _box((error - _box(error, _WINDOW)).abs(), 1)
    unlike = (_neighbours(first) - first[:, :, None, None]).square() * (0.5 / _ALIKE**2)
    weight = torch.exp(-unlike - _neighbours(wrong) * (1 / _WRONG)) + _LEAST  # (N, 1, k, k, h, w)
    return (weight * _neighbours(flow)).sum((2, 3)) / weight.sum((2, 3))


def _neighbours(x: Tensor) -> Tensor:
    """Return a view of (N, C, h, w) as (N, C, k, k, h, w): the samples around every pixel, edge pixels repeated."""
    padded = functional.pad(x, (_REACH * _APART,) * 4, mode="replicate")
    items, channels, rows, columns = padded.stride()
    side = 2 * _REACH + 1
    return padded.as_strided(
        (*x.shape[:2], side, side, *x.shape[2:]), (items, channels, _APART * rows, _APART * columns, rows, columns)
    )


def _gradients(x: Tensor) -> tuple[Tensor, Tensor]:
    padded = functional.pad(x, (1, 1, 1, 1), mode="replicate")
    horizontal = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) * 0.5
    return horizontal, (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) * 0.5


def _box(x: Tensor, radius: int) -> Tensor:
    return functional.avg_pool2d(x, 2 * radius + 1, 1, radius, count_include_pad=False)


def _half(x: Tensor) -> Tensor:
    return functional.avg_pool2d(x, 2, ceil_mode=True)


def _double(flow: Tensor, like: Tensor) -> Tensor:
    """Return flow at twice its size, cut to that of `like`, in pixels of the new size."""
    height, width = like.shape[-2:]
    doubled = functional.interpolate(flow, scale_factor=2.0, mode="bilinear", align_corners=False)
    return 2 * doubled[..., :height, :width]


register_flow(
    FlowEntry(
        name="lucas-kanade",
        build=LucasKanadeFlow,
        source="Lucas and Kanade, IJCAI 1981, on a pyramid, in torch (Apache-2.0)",
    )
)
