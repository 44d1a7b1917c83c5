"""LS, NR and FS of many cameras at once; one at a time: `pipeline/fusion.py`, `pipeline/keyframes.py`."""

import torch
from torch import Tensor

from pipeline.fusion import FinalFusion, Fusion
from pipeline.keyframes import CUT, STEADY


def low_level(motion: Tensor, colour: Tensor, known: Tensor, how: Fusion) -> Tensor:
    """Return LS (Eq. (6)), and what colour says where nothing is known of motion.

    Args:
        motion: (N, 1, h, w) float32 in [0, 1].
        colour: likewise.
        known: (N, 1, 1, 1) bool, whether motion is known.
        how: the maps' product, or its square root.
    """
    product = motion * colour
    return torch.where(known, product.sqrt() if how == "geometric-mean" else product, colour)


def final_maps(
    motion: Tensor, colour: Tensor, twin: Tensor, known: Tensor, nr: Tensor, how: FinalFusion, fusion: Fusion
) -> Tensor:
    """Return FS as `pipeline.fusion.final_map` does.

    Args:
        motion: (N, 1, h, w) float32 in [0, 1].
        colour: likewise, of the original.
        twin: likewise.
        known: (N, 1, 1, 1) bool, whether motion is known.
        nr: (N,), of motion and colour.
        how: the mean, or Eq. (9).
        fusion: of motion and colour.
    """
    if how == "product":
        return twin * low_level(motion, colour, known, fusion)
    trust = (1 - nr).square().view(-1, 1, 1, 1).masked_fill(~known, 1)
    return (twin + low_level(motion, twin.pow(trust), known, fusion)) * 0.5


def decided(final: Tensor) -> Tensor:
    """Return the mean of maps with its contrast raised, as `pipeline.fusion.decided` does."""
    return final * final * (3 - 2 * final)


def non_overlapping_ratios(motion: Tensor, colour: Tensor, known: Tensor) -> Tensor:
    """Return (N,) NR (Eq. (7)) of maps (N, 1, h, w); 1 where nothing is salient or nothing is known of motion."""
    salient = (motion + colour >= CUT).float().sum((1, 2, 3))
    first, second = (one.masked_fill(one < CUT, 0) for one in (motion, colour))
    disagreement = ((first - second).abs() / (first + second + STEADY)).sum((1, 2, 3))
    nothing = (salient == 0) | ~known.view(-1)
    # not `torch.where`, which may copy a number from the host: no CUDA graph may do that
    return (disagreement / salient.clamp(min=1)).masked_fill(nothing, 1)
