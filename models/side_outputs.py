"""From a network's side outputs to its saliency map, outside of the graph.

ONNX Runtime enlarges a map and takes its sigmoid ten times slower than OpenCV and NumPy do, and a motion network has
five of them (Eq. (5)).
"""

from collections.abc import Sequence
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

_STEEPEST: Final = np.float32(80)
"""Logits below -80 count as that: their exponential would leave float32."""


def reduce_sides(
    sides: Sequence[NDArray[np.float32]], size: tuple[int, int], outputs: Literal["logits", "probabilities"]
) -> NDArray[np.float32]:
    """Return the (h, w) float32 mean in [0, 1] of maps enlarged bilinearly, as `SaliencyModel.reduce` does in torch.

    Args:
        sides: (h_i, w_i) float32 maps of any sizes.
        size: (h, w) of the result.
        outputs: whether the maps are logits, which are made probabilities once they are enlarged.
    """
    total: NDArray[np.float32] | None = None
    for side in sides:
        enlarged = _enlarge(side, size)
        probability = _sigmoid(enlarged) if outputs == "logits" else enlarged
        total = probability if total is None else np.add(total, probability, out=total)
    if total is None:
        message = "a network without an output has no saliency map"
        raise ValueError(message)
    return total if len(sides) == 1 else np.multiply(total, np.float32(1 / len(sides)), out=total)


def _enlarge(side: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return a map of the caller's own, at `size`."""
    if side.shape == size:
        return side.copy()
    return np.asarray(cv2.resize(side, (size[1], size[0]), interpolation=cv2.INTER_LINEAR), np.float32)


def _sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn logits into probabilities, in place."""
    exponent = np.negative(logits, out=logits)
    np.exp(np.minimum(exponent, _STEEPEST, out=exponent), out=exponent)
    exponent += np.float32(1)
    return np.reciprocal(exponent, out=exponent)
