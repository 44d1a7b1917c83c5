"""Objects of one labelled sequence, moving as they did there, before the frames of another."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import TrainingDataError
from models.flow.dis import DisFlow
from models.training.made_when_asked import MadeWhenAsked
from models.training.samples import ImagePair, by_sequence, read_mask, read_rgb
from pipeline.motion_input import motion_input
from pipeline.training.motion_views import MovingPicture
from pipeline.working_size import FLOW_SCALE, flow_size, shrink

_SEED: Final = 11
_SCALES: Final = (0.5, 1.1)
"""Least and largest size of an object, as a multiple of its own; drawn log-uniformly."""
_PUSHED: Final = 0.5
"""Probability that an object is moved on top of its own motion: a camera that followed it has taken that away."""
_PUSH: Final = 0.03
"""Standard deviation of that, as a share of the frame's width."""
_MOVES: Final = 0.5
"""Least median flow against the world, in pixels of the working size, of an object that moves."""

Layer = tuple[NDArray[np.uint8], NDArray[np.float32]]
"""A frame, (H, W, 3) uint8 RGB, and its mask, (H, W) float32 in [0, 1]."""


class CompositeMotion(MadeWhenAsked[MovingPicture]):
    """A fixed number of composites; number i is always the same one."""

    def __init__(
        self, pairs: Sequence[ImagePair], size: tuple[int, int], count: int = 2000, flow_scale: float = FLOW_SCALE
    ) -> None:
        """Group `pairs` by their folder into sequences; nothing is read yet.

        Args:
            pairs: frames and masks, in order within a folder.
            size: (h, w) of the pictures.
            count: how many composites there are.
            flow_scale: flow is estimated at this multiple of the size.

        Raises:
            TrainingDataError: there are fewer than two sequences of two frames.
        """
        self._sequences = [frames for frames in by_sequence(pairs) if len(frames) > 1]
        if len(self._sequences) < 2:
            message = "composites need at least two sequences, of at least two frames each; add some, or leave them out"
            raise TrainingDataError(message)
        self._size = size
        self._count = count
        self._flow_size = flow_size(size, flow_scale)
        self._estimator = DisFlow()

    def __len__(self) -> int:
        """Return the number of composites."""
        return self._count

    def make(self, index: int) -> MovingPicture:
        """Return the composite's second frame with its flow, and the mask of what moves in it.

        Raises:
            TrainingDataError: a file cannot be read.
        """
        rng = np.random.default_rng((_SEED, index))
        behind, of = rng.choice(len(self._sequences), 2, replace=False)
        world = self._two(self._sequences[behind], rng)
        things = self._two(self._sequences[of], rng)
        (first, _), (second, thing) = (_over(*layers) for layers in zip(world, _placed(things, rng), strict=True))
        seen = motion_input(first, second, self._estimator, self._size)
        covered = cv2.resize(thing, self._size[::-1], interpolation=cv2.INTER_AREA)
        mask = cv2.resize(world[1][1] * (1 - thing), self._size[::-1], interpolation=cv2.INTER_AREA)
        speed = np.hypot(seen.residual[..., 0], seen.residual[..., 1])[covered > 0.5]
        if speed.size and float(np.median(speed)) >= _MOVES:
            mask = mask + covered
        target = np.clip(mask * 255, 0, 255).round().astype(np.uint8)
        return MovingPicture(seen.residual.astype(np.float16), seen.arrival.image, target)

    def _two(self, frames: Sequence[ImagePair], rng: np.random.Generator) -> tuple[Layer, Layer]:
        """Return two neighbouring frames of a sequence at the flow's size, in the order of time or against it."""
        number = int(rng.integers(1, len(frames)))
        one, other = self._read(frames[number - 1]), self._read(frames[number])
        return (one, other) if rng.random() < 0.75 else (other, one)

    def _read(self, pair: ImagePair) -> Layer:
        image = read_rgb(pair.image)
        mask = read_mask(pair.mask, image.shape[:2])
        small = cv2.resize(mask, self._flow_size[::-1], interpolation=cv2.INTER_AREA)
        return shrink(image, self._flow_size), np.asarray(small, np.float32)


def _placed(things: tuple[Layer, Layer], rng: np.random.Generator) -> tuple[Layer, Layer]:
    """Put what both masks show somewhere else, by one shift, scale and flip; sometimes with a motion on top."""
    height, width = things[0][1].shape
    rows, columns = np.nonzero(things[1][1] > 0.5)
    centre = (columns.mean(), rows.mean()) if rows.size else (width / 2, height / 2)
    scale = float(np.exp(rng.uniform(*np.log(_SCALES))))
    across = scale if rng.random() < 0.5 else -scale
    spot = np.array([width, height]) * rng.uniform(0.15, 0.85, 2)
    push = rng.normal(0, _PUSH * width, 2) * [1, 0.6] if rng.random() < _PUSHED else np.zeros(2)
    placed = []
    for (image, mask), shift in zip(things, (spot - push, spot), strict=True):
        matrix = np.array([[across, 0, shift[0] - across * centre[0]], [0, scale, shift[1] - scale * centre[1]]])
        moved, shape = (cv2.warpAffine(what, matrix, (width, height), flags=cv2.INTER_LINEAR) for what in (image, mask))
        placed.append((np.asarray(moved, np.uint8), np.asarray(shape, np.float32)))
    return placed[0], placed[1]


def _over(behind: Layer, before: Layer) -> Layer:
    """Draw one layer's object over the other layer; return that with the object's mask."""
    image, mask = before
    drawn = behind[0] + mask[..., None] * (image.astype(np.float32) - behind[0])
    return np.asarray(drawn + 0.5, np.uint8), mask
