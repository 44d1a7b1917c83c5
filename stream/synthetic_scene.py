"""A generated video with known ground truth: a panning camera, textured ground, objects that cross, and scene cuts."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.synthetic_path import Path, random_path
from stream.synthetic_texture import SHAPES, SIDE, background, sprite

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Transform = NDArray[np.float64]

_MARGIN_X: Final = 0.25
_MARGIN_Y: Final = 0.08
_OBJECTS: Final = 3
_OPAQUE: Final = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class _Object:
    picture: Image
    opacity: NDArray[np.float32]
    path: Path
    size: float


@dataclass(frozen=True, slots=True, eq=False)
class _Take:
    """What is seen between two cuts."""

    number: int
    ground: Image
    objects: tuple[_Object, ...]
    pan_period: float
    phase: float


class SyntheticScene:
    """A video that is a pure function of the frame number (one take is kept drawn, so it belongs to one thread)."""

    def __init__(
        self, width: int = 640, height: int = 360, fps: float = 30.0, seed: int = 0, cuts: float = 20.0
    ) -> None:
        """Describe a scene; nothing is drawn yet.

        Args:
            width: of its pictures in pixels.
            height: likewise.
            fps: pictures a second.
            seed: another seed is another video.
            cuts: seconds between two scene cuts; 0 means that there are none.
        """
        self.width = width
        self.height = height
        self.fps = fps
        self.seed = seed
        self.frames_per_take = max(1, round(cuts * fps)) if cuts > 0 else 0
        self._take: _Take | None = None

    def frame(self, number: int) -> tuple[Image, Mask]:
        """Return picture `number`: (height, width, 3) uint8 RGB, and (height, width) bool where an object is."""
        take, seconds = self._at(number)
        centre = self._camera(take, seconds) + np.array([(self.width - 1) / 2, (self.height - 1) / 2])
        picture = np.asarray(
            cv2.getRectSubPix(take.ground, (self.width, self.height), tuple(centre.tolist())), np.uint8
        )
        mask = np.zeros((self.height, self.width), np.bool_)
        for item in take.objects:
            self._draw(picture, mask, item, self._transform(take, item, seconds))
        return picture, mask

    def flow(self, number: int) -> NDArray[np.float32]:
        """Return (height, width, 2) float32 exact optical flow in pixels (x, y) from picture `number - 1` to `number`.

        It lies on the pixels of the earlier picture, and is zero across a cut and before the first.
        """
        field = np.zeros((self.height, self.width, 2), np.float32)
        if number == 0 or self._take_number(number) != self._take_number(number - 1):
            return field
        take, seconds = self._at(number)
        earlier = seconds - 1 / self.fps
        field[:] = self._camera(take, earlier) - self._camera(take, seconds)
        for item in take.objects:
            before, after = self._transform(take, item, earlier), self._transform(take, item, seconds)
            self._draw_flow(field, item, before, after)
        return field

    def is_cut(self, number: int) -> bool:
        """Return whether picture `number` is the first of another take."""
        return number > 0 and self._take_number(number) != self._take_number(number - 1)

    def _take_number(self, number: int) -> int:
        return number // self.frames_per_take if self.frames_per_take else 0

    def _at(self, number: int) -> tuple[_Take, float]:
        """Return the take that picture `number` is in, and its time in it in seconds."""
        wanted = self._take_number(number)
        take = self._take
        if take is None or take.number != wanted:
            self._take = take = self._make(wanted)
        return take, (number - wanted * self.frames_per_take) / self.fps

    def _make(self, number: int) -> _Take:
        random = np.random.default_rng((self.seed, number))
        size = (round(self.height * (1 + 2 * _MARGIN_Y)), round(self.width * (1 + 2 * _MARGIN_X)))
        ground = background(*size, random)
        shapes = random.permutation(sorted(SHAPES))[:_OBJECTS]
        lanes = np.sort(random.permutation([0.3, 0.42, 0.54, 0.66, 0.76])[:_OBJECTS])
        objects = tuple(
            _Object(
                *sprite(str(shape), random),
                path=random_path(float(lane), index / _OBJECTS, random, rightward=index % 2 == 0),
                size=float(random.uniform(0.32, 0.46)),
            )
            for index, (shape, lane) in enumerate(zip(shapes, lanes, strict=True))
        )
        return _Take(number, ground, objects, float(random.uniform(11, 16)), float(random.uniform(0, 2 * np.pi)))

    def _camera(self, take: _Take, seconds: float) -> Transform:
        """Return the view's left upper corner (x, y) in pixels of the ground: a slow pan with a slight shake."""
        turn = 2 * np.pi * seconds / take.pan_period + take.phase
        shake = np.sin(2 * np.pi * np.array([1.7, 2.3]) * seconds + take.phase)
        reach = np.array([0.8 * _MARGIN_X * self.width, 0.6 * _MARGIN_Y * self.height])
        middle = np.array([_MARGIN_X * self.width, _MARGIN_Y * self.height])
        return np.asarray(middle + reach * np.array([np.sin(turn), np.sin(0.7 * turn)]) + 0.8 * shake, np.float64)

    def _transform(self, take: _Take, item: _Object, seconds: float) -> Transform:
        """Return the (2, 3) affine map from the object's sprite to the picture."""
        x, y, tilt, direction = item.path.at(seconds)
        corner = self._camera(take, seconds)
        place = np.array([(_MARGIN_X + x) * self.width, (_MARGIN_Y + y) * self.height]) - corner
        scale = item.size * self.height / SIDE
        cosine, sine = scale * np.cos(tilt), scale * np.sin(tilt)
        linear = np.array([[direction * cosine, -sine], [direction * sine, cosine]])
        return np.column_stack([linear, place - linear @ np.full(2, SIDE / 2)])

    def _window(self, transform: Transform) -> tuple[int, int, int, int] | None:
        """Return left, upper, right, lower pixel bounds of the sprite in the picture; None if it is outside."""
        corners = transform @ np.array([[0, SIDE, 0, SIDE], [0, 0, SIDE, SIDE], [1, 1, 1, 1]])
        left, upper = np.maximum(np.floor(corners.min(1)).astype(int), 0)
        right, lower = np.minimum(np.ceil(corners.max(1)).astype(int) + 1, (self.width, self.height))
        return (int(left), int(upper), int(right), int(lower)) if left < right and upper < lower else None

    def _draw(self, picture: Image, mask: Mask, item: _Object, transform: Transform) -> None:
        window = self._window(transform)
        if window is None:
            return
        left, upper, right, lower = window
        shifted = transform - np.array([[0, 0, left], [0, 0, upper]])
        size = (right - left, lower - upper)
        colour = cv2.warpAffine(item.picture, shifted, size, borderMode=cv2.BORDER_REPLICATE)
        opacity = cv2.warpAffine(item.opacity, shifted, size)
        below = np.ascontiguousarray(picture[upper:lower, left:right])
        picture[upper:lower, left:right] = cv2.blendLinear(colour, below, opacity, 1 - opacity)
        mask[upper:lower, left:right] |= opacity > _OPAQUE

    def _draw_flow(self, field: NDArray[np.float32], item: _Object, before: Transform, after: Transform) -> None:
        window = self._window(before)
        if window is None:
            return
        left, upper, right, lower = window
        shifted = before - np.array([[0, 0, left], [0, 0, upper]])
        covered = cv2.warpAffine(item.opacity, shifted, (right - left, lower - upper)) > _OPAQUE
        rows, columns = np.nonzero(covered)
        points = np.stack([columns + left, rows + upper]).astype(np.float64)
        inverse = np.linalg.inv(np.vstack([before, [0, 0, 1]]))
        homogeneous = np.vstack([points, np.ones(points.shape[1])])
        moved = after @ (inverse @ homogeneous) - points
        field[rows + upper, columns + left] = moved.T
