"""A number burnt into a picture, so that whoever sees it on a screen knows which picture of the source it is.

A strip of black and white cells along the bottom edge: white, black, 24 bits of the number, 8 bits of its check sum. It
survives shrinking to half the size, H.264 and what an overlay lays over it; what does not survive is found by the sum.
"""

from binascii import crc32
from typing import Final

import numpy as np
from numpy.typing import NDArray

_BITS: Final = 24
_CHECK: Final = 8
_CELLS: Final = 2 + _BITS + _CHECK
_SHARE: Final = 80
"""Cells that would fit into a picture's width."""


def burn(image: NDArray[np.uint8], number: int) -> None:
    """Write the last 24 bits of `number` into an (H, W, 3) uint8 picture, in place."""
    side = max(image.shape[1] // _SHARE, 1)
    number %= 1 << _BITS
    value = number << _CHECK | _check(number)
    bits = [1, 0, *(value >> shift & 1 for shift in reversed(range(_BITS + _CHECK)))]
    strip = np.repeat(np.array(bits, np.uint8) * 255, side)
    image[-side:, side : side + len(strip)] = strip[:, None]


def read(grey: NDArray[np.uint8]) -> int | None:
    """Return the number in an (H, W) uint8 luminance picture; None where there is none, or it cannot be read."""
    height, width = grey.shape
    side = width / _SHARE
    row = grey[min(height - 1, round(height - side / 2))]
    levels = [int(row[min(width - 1, round(side * (1.5 + cell)))]) for cell in range(_CELLS)]
    if levels[0] - levels[1] < 64:
        return None
    middle = (levels[0] + levels[1]) / 2
    value = 0
    for level in levels[2:]:
        value = value << 1 | (level > middle)
    number, check = value >> _CHECK, value & ((1 << _CHECK) - 1)
    return number if check == _check(number) else None


def _check(number: int) -> int:
    return crc32(number.to_bytes(_BITS // 8, "big")) & ((1 << _CHECK) - 1)
