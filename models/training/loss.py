"""Losses of a deeply supervised saliency network."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def structure_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """Return binary cross-entropy (Eq. (3)) plus soft IoU, per image then averaged.

    Args:
        logits: (N, 1, h, w).
        mask: (N, 1, h, w) in [0, 1].
    """
    entropy = functional.binary_cross_entropy_with_logits(logits, mask)
    probability = torch.sigmoid(logits)
    overlap = (probability * mask).sum((1, 2, 3))
    union = (probability + mask - probability * mask).sum((1, 2, 3))
    return entropy + (1 - (overlap + 1) / (union + 1)).mean()


def deep_supervision(sides: Sequence[Tensor], mask: Tensor, side_weight: float = 0.4) -> Tensor:
    """Return the sum of the side outputs' losses (Eq. (5)); the finest counts 1, each other `side_weight`.

    Args:
        sides: logit maps, finest first, of any sizes; each is enlarged to the mask's.
        mask: (N, 1, h, w) in [0, 1].
        side_weight: weight of the coarser outputs.
    """
    losses = [
        structure_loss(functional.interpolate(side, size=mask.shape[-2:], mode="bilinear"), mask) for side in sides
    ]
    return losses[0] + side_weight * torch.stack(losses[1:]).sum() if len(losses) > 1 else losses[0]
