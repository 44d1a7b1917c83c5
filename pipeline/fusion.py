"""How two saliency maps become one."""

from typing import Literal

import numpy as np

from pipeline.values import Map

Fusion = Literal["product", "geometric-mean"]
"""The paper's product, or its square root, which keeps the scale of the maps."""


def fuse(first: Map, second: Map, how: Fusion = "product") -> Map:
    """Fuse two maps: LS = MS * CS (Eq. (6)), FS = EM' * LS (Eq. (9))."""
    product = first * second
    return np.sqrt(product) if how == "geometric-mean" else product
