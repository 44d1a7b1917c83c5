"""How two saliency maps become one."""

from typing import Literal

import cv2
import numpy as np

from pipeline.values import Map

Fusion = Literal["product", "geometric-mean"]
"""The paper's product, or its square root, which keeps the scale of the maps."""

FinalFusion = Literal["mean", "product"]
"""The mean of the twin's map and of what moves, or the paper's product."""


def fuse(first: Map, second: Map, how: Fusion = "product") -> Map:
    """Fuse motion and colour: LS = MS * CS (Eq. (6))."""
    product = first * second
    return np.sqrt(product) if how == "geometric-mean" else product


def final_map(
    motion: Map | None,
    colour: Map,
    twin: Map | None,
    nr: float,
    how: FinalFusion = "mean",
    fusion: Fusion = "product",
) -> Map:
    """Return the final map FS.

    Args:
        motion: MS; None where nothing is known of motion.
        colour: CS, of the original network.
        twin: of its twin; None while none serves, and the original stands in.
        nr: of motion and colour (Eq. (7)).
        how: `product` is Eq. (9), FS = twin * LS, and LS where no twin serves. `mean` is the mean of the twin's map and
            of what moves in it, MS * twin ** (1 - NR) ** 2: the less motion and colour agree, the more motion decides.
        fusion: of motion and colour, as in LS.
    """
    if how == "product":
        found = low_level(motion, colour, fusion)
        return found if twin is None else twin * found
    served = colour if twin is None else twin
    if motion is None:
        return served
    trusted = np.asarray(cv2.pow(served, (1 - nr) ** 2), np.float32)
    return (served + low_level(motion, trusted, fusion)) * np.float32(0.5)


def decided(final: Map) -> Map:
    """Return a map with its contrast raised, 3 x² - 2 x³: nearer to 0 or 1, and .5 stays.

    A mean lies in the middle wherever one map alone finds something. Which of two pixels is the more salient stays.
    """
    return np.asarray(final * final * (3 - 2 * final), np.float32)


def low_level(motion: Map | None, colour: Map, fusion: Fusion = "product") -> Map:
    """Return LS (Eq. (6)); where nothing is known of motion, it is what colour says."""
    return colour if motion is None else fuse(motion, colour, fusion)
