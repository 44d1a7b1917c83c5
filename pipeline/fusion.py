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
            of what moves of all that either network finds; what they find counts as much as motion and colour agree.
        fusion: of motion and colour, as in LS.
    """
    if how == "product":
        found = low_level(motion, colour, fusion)
        return found if twin is None else twin * found
    served = colour if twin is None else twin
    either = np.maximum(colour, served)
    if motion is not None:
        either = np.asarray(cv2.pow(either, 1 - nr), np.float32)
    return (served + low_level(motion, either, fusion)) * np.float32(0.5)


def decided(final: Map) -> Map:
    """Return the mean of maps with its contrast raised, 3 x² - 2 x³: nearer to 0 or 1, and .5 stays.

    A mean lies in the middle wherever one map alone finds something. Which of two pixels is the more salient stays.
    """
    return final * final * (3 - 2 * final)


def low_level(motion: Map | None, colour: Map, fusion: Fusion = "product") -> Map:
    """Return LS (Eq. (6)); where nothing is known of motion, it is what colour says."""
    return colour if motion is None else fuse(motion, colour, fusion)
