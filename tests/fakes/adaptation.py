"""Judgements and twins for tests of the adaptation."""

import numpy as np
import torch

from pipeline.appearance import appearance
from pipeline.guard import Judgement
from pipeline.library import KeyframeIndex, Twin
from tests.fakes.frames import SIZE


def judged(before: float = 0.5, after: float = 0.4) -> Judgement:
    """Return how a twin was judged that nothing speaks against but its error, if that is not below `before`."""
    return Judgement(error_before=before, error_after=after)


def plain(colour: tuple[int, int, int]) -> np.ndarray:
    """Return an (h, w, 3) uint8 picture of one colour."""
    return np.full((*SIZE, 3), colour, np.uint8)


def twin(colour: tuple[int, int, int] = (200, 40, 40), power: float = 2.0, size: tuple[int, int] = SIZE) -> Twin:
    """Return a twin of a scene of one colour."""
    return Twin(
        state={"power": torch.tensor(power)},
        size=size,
        index=(KeyframeIndex(25, 1.0, 0.3), KeyframeIndex(50, 2.0, 0.3)),
        looks=(appearance(plain(colour)),),
    )
