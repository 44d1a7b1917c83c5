"""What readers give, before time is put in order: pictures as they leave a decoder."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class DecodedPicture:
    """One decoded picture with its own idea of time.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        pts: presentation time in units of `time_base`; None where the stream carries none.
        time_base: seconds per unit of `pts`.
    """

    image: NDArray[np.uint8]
    pts: int | None
    time_base: Fraction


class Reader(Protocol):
    """Something open that pictures are read from, by one thread.

    Attributes:
        frame_rate: nominal pictures per second; 0 where it is unknown.
        bursts: whether pictures come faster than they are to be shown (HLS segments, recordings).
        corrupt: pictures that could not be decoded so far.
        damage: what was wrong with the medium as a whole, known at its end; empty if nothing was.
    """

    @property
    def frame_rate(self) -> Fraction: ...  # noqa: D102 - described above
    @property
    def bursts(self) -> bool: ...  # noqa: D102
    @property
    def corrupt(self) -> int: ...  # noqa: D102
    @property
    def damage(self) -> str: ...  # noqa: D102

    def __iter__(self) -> Iterator[DecodedPicture]:
        """Yield pictures in presentation order.

        Raises:
            SourceError: the source cannot be read (any further).
        """
        ...

    def close(self) -> None:
        """Release what was opened."""
        ...


Opener = Callable[[], Reader]
"""Opens a reader; it blocks, so it runs in the reading thread. Raises SourceError."""
