"""A folder of images as a video: sorted by name, one after the other."""

import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.errors import CorruptSourceError, SourceError
from stream.reader import DecodedPicture

_log = logging.getLogger("livesal.source")

SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
"""Files that are taken for images."""

_JPEG_START: Final = b"\xff\xd8"
_JPEG_END: Final = b"\xff\xd9"


class ImageFolder:
    """The images in a folder, in the order of their names, at a fixed rate; damaged ones are skipped and counted."""

    bursts = True

    def __init__(self, folder: Path, frame_rate: Fraction = Fraction(25)) -> None:
        """List the images in `folder`.

        Raises:
            CorruptSourceError: there are none.
            SourceError: the folder cannot be read.
        """
        self.frame_rate = frame_rate
        self.corrupt = 0
        self.damage = ""
        self._folder = folder
        try:
            self.paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
        except OSError as error:
            message = f"{folder}: the folder cannot be read ({error.strerror})"
            raise SourceError(message) from None
        if not self.paths:
            message = f"{folder}: the folder holds no images; known are {', '.join(SUFFIXES)}"
            raise CorruptSourceError(message)

    def __iter__(self) -> Iterator[DecodedPicture]:
        """Yield every image that can be read; a skipped one leaves its time empty.

        Raises:
            CorruptSourceError: none of them can be read.
        """
        for number, path in enumerate(self.paths):
            image = read_image(path)
            if image is None:
                self.corrupt += 1
                _log.warning("%s: is skipped, since it is damaged or no image", path)
            else:
                yield DecodedPicture(image, number, 1 / self.frame_rate)
        if self.corrupt == len(self.paths):
            message = f"{self._folder}: none of its {len(self.paths)} images can be read"
            raise CorruptSourceError(message)
        if self.corrupt:
            self.damage = f"{self._folder}: {self.corrupt} of {len(self.paths)} images are damaged and were skipped"

    def close(self) -> None:
        """Nothing stays open."""


def read_image(path: Path) -> NDArray[np.uint8] | None:
    """Return the image at `path` as (H, W, 3) uint8 RGB; None if it is damaged, truncated or none at all."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    truncated = content.startswith(_JPEG_START) and _JPEG_END not in content[-1024:]
    if truncated or not content:
        return None
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    return None if image is None else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
