"""Losses of a deeply supervised saliency network."""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

_SURROUNDINGS: Final = 15
"""Side in pixels of a pixel's surroundings."""


def structure_loss(logits: Tensor, mask: Tensor, weight: Tensor) -> Tensor:
    """Return weighted binary cross-entropy (Eq. (3)) plus weighted soft IoU, per image then averaged.

    Args:
        logits: (N, 1, h, w).
        mask: (N, 1, h, w) in [0, 1].
        weight: (N, 1, h, w), how much each pixel counts.
    """
    entropy = functional.binary_cross_entropy_with_logits(logits, mask, reduction="none")
    entropy = (weight * entropy).sum((1, 2, 3)) / weight.sum((1, 2, 3))
    probability = torch.sigmoid(logits)
    overlap = (weight * probability * mask).sum((1, 2, 3))
    union = (weight * (probability + mask - probability * mask)).sum((1, 2, 3))
    return (entropy + 1 - (overlap + 1) / (union + 1)).mean()


def outline_weight(mask: Tensor, emphasis: float) -> Tensor:
    """Return how much each pixel of (N, 1, h, w) `mask` counts: 1 inside areas, more on outlines and thin parts.

    `emphasis` is how much more a pixel counts whose surroundings are all of the other kind; 0 = all count alike.

    Source: Wei et al., "F3Net: Fusion, Feedback and Focus for Salient Object Detection", AAAI 2020, Sec. 3.4.
    """
    if emphasis == 0:
        return torch.ones_like(mask)
    surroundings = mask
    for side in ((_SURROUNDINGS, 1), (1, _SURROUNDINGS)):
        padding = (side[0] // 2, side[1] // 2)
        surroundings = functional.avg_pool2d(surroundings, side, 1, padding, count_include_pad=False)
    return 1 + emphasis * (surroundings - mask).abs()


def deep_supervision(sides: Sequence[Tensor], mask: Tensor, emphasis: float = 0.0, side_weight: float = 0.4) -> Tensor:
    """Return the sum of the side outputs' losses (Eq. (5)); the finest counts 1, each other `side_weight`.

    Args:
        sides: logit maps, finest first, of any sizes; each is enlarged to the mask's.
        mask: (N, 1, h, w) in [0, 1].
        emphasis: on outlines; see `outline_weight`.
        side_weight: weight of the coarser outputs.
    """
    weight = outline_weight(mask, emphasis)
    enlarged = (functional.interpolate(side, size=mask.shape[-2:], mode="bilinear") for side in sides)
    losses = [structure_loss(side, mask, weight) for side in enlarged]
    return losses[0] + side_weight * torch.stack(losses[1:]).sum() if len(losses) > 1 else losses[0]
