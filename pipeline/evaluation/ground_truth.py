"""Reading what a frame's salient pixels really are, from the files in which data sets store it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

_FOREGROUND = 128
_CDNET_OUTSIDE = 85
_CDNET_UNKNOWN = 170
_CDNET_MOVING = 255


class UnreadableImageError(ValueError):
    """A file is missing, empty, truncated or no image."""


@dataclass(frozen=True, slots=True, eq=False)
class GroundTruth:
    """The salient pixels of a frame.

    Attributes:
        mask: (h, w) bool, true where salient.
        counted: (h, w) bool, false where the data set says that nobody knows; None counts every pixel.
    """

    mask: NDArray[np.bool_]
    counted: NDArray[np.bool_] | None = None

    @property
    def empty(self) -> bool:
        """Whether no counted pixel is salient, so that recall is undefined."""
        return not bool(np.any(self.mask if self.counted is None else self.mask & self.counted))


def read_image(path: Path, flags: int = cv2.IMREAD_UNCHANGED) -> NDArray[np.uint8]:
    """Return the image at `path` as OpenCV decodes it (BGR), 8 bits a channel.

    Raises:
        UnreadableImageError: there is no such file, or it is no intact image.
    """
    try:
        content = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        message = f"{path}: cannot be read ({error.strerror})"
        raise UnreadableImageError(message) from None
    image = cv2.imdecode(content, flags) if content.size else None
    if image is None:
        message = f"{path}: is no intact image ({content.size} bytes)"
        raise UnreadableImageError(message)
    return np.asarray(image if image.dtype == np.uint8 else cv2.convertScaleAbs(image, alpha=1 / 257), np.uint8)


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Return the (h, w, 3) uint8 RGB picture at `path`.

    Raises:
        UnreadableImageError: there is no such file, or it is no intact image.
    """
    return cv2.cvtColor(read_image(path, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def read_mask(paths: Sequence[Path]) -> GroundTruth:
    """Return the union of the objects in `paths`: grey above 128, or any colour but black in palette images.

    A grey image that holds nothing above 1 is taken for labels 0 and 1.

    Raises:
        UnreadableImageError: a file is no intact image.
        ValueError: the files differ in size.
    """
    masks = [_foreground(read_image(path)) for path in paths]
    if len({mask.shape for mask in masks}) > 1:
        message = f"{paths[0].parent.parent}: the objects' masks differ in size"
        raise ValueError(message)
    return GroundTruth(np.any(masks, axis=0))


def read_fbms(paths: Sequence[Path]) -> GroundTruth:
    """Return all moving objects: what is not white in a .ppm, not black in a .pgm, as FBMS codes its regions.

    Raises:
        UnreadableImageError: a file is no intact image.
    """
    image = read_image(paths[0])
    if paths[0].suffix == ".ppm" and image.ndim == 3:
        return GroundTruth(np.any(image != 255, axis=2))
    return GroundTruth(image > 0) if image.ndim == 2 else GroundTruth(np.any(image > 0, axis=2))


def read_cdnet(paths: Sequence[Path]) -> GroundTruth:
    """Return the moving pixels (255); unknown motion (170) and what is outside the region (85) are not counted.

    Raises:
        UnreadableImageError: a file is no intact image.
    """
    labels = read_image(paths[0], cv2.IMREAD_GRAYSCALE)
    return GroundTruth(labels == _CDNET_MOVING, (labels != _CDNET_OUTSIDE) & (labels != _CDNET_UNKNOWN))


def _foreground(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    if image.ndim == 3:
        colours = image[..., :3]
        if np.any(colours != colours[..., :1]):
            return np.asarray(np.any(colours > 0, axis=2))
        image = colours[..., 0]
    return np.asarray(image > (0 if image.max(initial=0) == 1 else _FOREGROUND))
