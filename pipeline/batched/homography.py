"""The camera's motion of many flows at once: homographies by iteratively reweighted least squares.

RANSAC draws and counts, which differs from camera to camera and cannot be captured. Here every flow is fitted from
several beginnings, each the vectors that are like one of them, or the picture's border, or all. From fit to fit, closer
vectors only are trusted (graduated non-convexity, Blake and Zisserman, 1987; the weights are Geman and McClure's), and
the fit that most vectors support is taken. What is solved for is the
homography less the identity, in coordinates of about [-1, 1]: it is as small as the flow, which keeps float32 exact.
"""

from typing import Final

import torch
from torch import Tensor

from pipeline.camera_motion import SPACING, TOLERANCE

_SCALES: Final = (2.0, 2.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5)
"""Pixels of error at which a vector counts a quarter, fit by fit."""
_AFFINE: Final = 3
"""Fits without perspective, which few vectors cannot tell."""
_ALIKE: Final = 2.0
"""Pixels of difference at which a vector counts a quarter to begin with."""
_SEEDS: Final = (0.12, 0.5, 0.88)
"""Where in the picture, across and down, the vectors are whose likes make beginnings."""
_RIDGE: Final = 1e-5
"""Added to the normal equations, whose weights sum to 1: a flow with hardly a vector that agrees has a solution too."""
_STIFF: Final = 1e3
"""Added for the two numbers of perspective, where there is to be none."""
_BORDER: Final = 0.8
"""Coordinate from which a vector belongs to the picture's border, where the background is likely."""


def fit_homographies(flow: Tensor) -> tuple[Tensor, Tensor]:
    """Fit a homography to each of (N, 2, h, w) float32 flows in pixels.

    Returns:
        (N, 8) float32, row by row, the homography in centred coordinates (`_coordinates`) less the identity; and (N,),
        the share of vectors that follow it within `TOLERANCE`.
    """
    count, _, height, width = flow.shape
    x, y = _coordinates(height, width, SPACING, flow)  # (n,) each
    radius = max(height, width) / 2
    vectors = flow[:, :, SPACING // 2 :: SPACING, SPACING // 2 :: SPACING].reshape(count, 2, -1)
    moved = (vectors / radius).unsqueeze(0)  # (1, N, 2, n)
    fitted = _solve_for(x, y, moved, _beginnings(flow, vectors, x, y), affine=True)
    for index, scale in enumerate(_SCALES, 1):
        weights = _trust(_squared_error(fitted, x, y, moved) * radius**2, scale)
        fitted = _solve_for(x, y, moved, weights, affine=index < _AFFINE)
    close = _squared_error(fitted, x, y, moved) <= (TOLERANCE / radius) ** 2
    support, best = close.float().mean(2).max(0)  # (N,)
    return fitted.gather(0, best.view(1, count, 1).expand(1, count, 8))[0], support


def homography_flows(fitted: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the (N, 2, h, w) float32 flow in pixels that (N, 8) fitted homographies make of a picture of `size`."""
    height, width = size
    x, y = _coordinates(height, width, 1, fitted)
    across, down = _moves(fitted, x, y)
    return torch.stack((across, down), 1).view(-1, 2, height, width) * (max(height, width) / 2)


def _beginnings(flow: Tensor, vectors: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Return (starts, N, n) weights of the (N, 2, n) vectors of (N, 2, h, w) flow to begin with."""
    height, width = flow.shape[-2:]
    positions = [(int(down * height), int(across * width)) for down in _SEEDS for across in _SEEDS]
    seeds = torch.stack([flow[:, :, row, column] for row, column in positions])  # (9, N, 2)
    alike = _trust((vectors - seeds[..., None]).square().sum(2), _ALIKE)  # (9, N, n)
    inside = torch.maximum(x.abs(), y.abs() * (width / height)) <= _BORDER
    border = torch.ones_like(x).masked_fill(inside, 0.05).expand_as(alike[:1])
    return torch.cat((alike, border, torch.ones_like(border)))


def _coordinates(height: int, width: int, spacing: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return x and y of a grid's pixels from the centre, in halves of the longer side: (n,) each, row by row."""
    radius, half = max(height, width) / 2, spacing // 2
    x = (torch.arange(half, width, spacing, device=like.device, dtype=torch.float32) - (width - 1) / 2) / radius
    y = (torch.arange(half, height, spacing, device=like.device, dtype=torch.float32) - (height - 1) / 2) / radius
    return x.expand(len(y), -1).reshape(-1), y[:, None].expand(-1, len(x)).reshape(-1)


def _moves(fitted: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return how far (…, 8) homographies move the points: (…, n) each."""
    a, b, c, d, e, f, g, h = (fitted[..., index, None] for index in range(8))
    depth = g * x + h * y
    # far from the truth a point may get behind the camera: it is to miss, not to be infinitely far
    scale = 1 / (1 + depth).clamp(min=0.1)
    return (a * x + b * y + c - x * depth) * scale, (d * x + e * y + f - y * depth) * scale


def _squared_error(fitted: Tensor, x: Tensor, y: Tensor, moved: Tensor) -> Tensor:
    """Return (starts, N, n): how far the points are from where (starts, N, 8) homographies move them."""
    across, down = _moves(fitted, x, y)
    return (moved[:, :, 0] - across).square() + (moved[:, :, 1] - down).square()


def _trust(squared_error: Tensor, scale: float) -> Tensor:
    return (1 + squared_error * (1 / scale**2)).square().reciprocal()


def _solve_for(x: Tensor, y: Tensor, moved: Tensor, weights: Tensor, *, affine: bool) -> Tensor:
    """Return the (starts, N, 8) least-squares fits of (1, N, 2, n) moves with (starts, N, n) weights."""
    weights = weights / weights.sum(2, keepdim=True).clamp(min=1e-9)
    zero, one = torch.zeros_like(moved[:, :, 0]), torch.ones_like(moved[:, :, 0])
    u, v = moved[:, :, 0], moved[:, :, 1]
    xs, ys = x.expand_as(u), y.expand_as(u)
    # a point (x, y) moves by (u, v): each equation is linear in the eight numbers
    first = torch.stack((xs, ys, one, zero, zero, zero, -xs * (xs + u), -ys * (xs + u), u), 3)  # (1, N, n, 9)
    second = torch.stack((zero, zero, zero, xs, ys, one, -xs * (ys + v), -ys * (ys + v), v), 3)
    rows = torch.cat((first, second), 2)  # (1, N, 2n, 9)
    weighted = rows[..., :8] * torch.cat((weights, weights), 2)[..., None]
    normal = weighted.transpose(2, 3) @ rows  # (starts, N, 8, 9)
    ridge = torch.eye(8, 9, device=x.device) * _RIDGE
    if affine:
        ridge[6:] *= _STIFF / _RIDGE
    return _gauss_jordan(normal + ridge)


def _gauss_jordan(system: Tensor) -> Tensor:
    """Solve (…, 8, 9) symmetric positive definite systems, the right side last, for (…, 8).

    Unrolled: `torch.linalg` looks at its result on the host, which cannot be captured.
    """
    for pivot in range(8):
        row = system[..., pivot : pivot + 1, :] / system[..., pivot : pivot + 1, pivot : pivot + 1]
        column = system[..., pivot : pivot + 1].clone()
        column[..., pivot, :] -= 1  # the pivot's own row becomes `row`
        system = system - column * row
    return system[..., 8]
