"""How two saliency maps become one."""

from typing import Literal

import numpy as np

from pipeline.values import Map

Fusion = Literal["product", "geometric-mean"]
"""The paper's product, or its square root, which keeps the scale of the maps."""

FinalFusion = Literal["mean", "product"]
"""The mean, in which one map can make up for what the other misses, or the paper's product."""


def fuse(first: Map, second: Map, how: Fusion = "product") -> Map:
    """Fuse motion and colour: LS = MS * CS (Eq. (6))."""
    product = first * second
    return np.sqrt(product) if how == "geometric-mean" else product


def final_map(colour: Map, twin: Map | None, low_level: Map, how: FinalFusion) -> Map:
    """Return the final map FS.

    Args:
        colour: of the original network.
        twin: of its twin; None while none serves.
        low_level: LS.
        how: `product` is Eq. (9), FS = twin * LS, and LS where no twin serves; `mean` is that of LS and the twin's map,
            or the original's where no twin serves, which is the twin before it has learned anything.
    """
    if how == "mean":
        return (low_level + (colour if twin is None else twin)) * np.float32(0.5)
    return low_level if twin is None else twin * low_level
