"""Pictures to measure with: of the generated scene, or of a source of the user's."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from configs.source import SourceSettings
from pipeline.bench.options import BenchOptions
from stream.errors import CorruptSourceError
from stream.frame import Frame
from stream.location import locate
from stream.source import reader_opener
from stream.video_writer import VideoWriter


def read_pictures(options: BenchOptions, count: int) -> list[NDArray[np.uint8]]:
    """Return the first `count` pictures of the source, (H, W, 3) uint8 RGB.

    Raises:
        SourceError: it cannot be read, or has fewer than two.
    """
    url = options.source or options.demo()
    location = locate(url)
    reader = reader_opener(location, SourceSettings.model_validate({"url": url}), live=False)()
    try:
        pictures = [picture.image for picture in islice(reader, count)]
    finally:
        reader.close()
    if len(pictures) < 2:
        message = f"{location.name}: has fewer than the two pictures that motion needs"
        raise CorruptSourceError(message)
    return pictures


def write_clip(pictures: Sequence[NDArray[np.uint8]], path: Path, fps: int) -> None:
    """Write pictures as an H.264 file."""
    with VideoWriter(path, fps) as writer:
        for number, picture in enumerate(pictures):
            writer.write(Frame(picture, number, Fraction(1, fps), number, 0.0))
