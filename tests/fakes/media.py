"""Generated videos whose pictures carry their number, so that each can be recognised after any codec."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

BITS = 12
"""Blocks across the picture, the least significant first."""


def numbered(number: int, width: int = 192, height: int = 96) -> NDArray[np.uint8]:
    """Return (height, width, 3) uint8 RGB: white blocks for ones, dark blue for zeros, over a grey ramp."""
    image = np.empty((height, width, 3), np.uint8)
    image[:] = np.linspace(60, 190, width, dtype=np.uint8)[None, :, None]
    block = width // BITS
    for bit in range(BITS):
        image[: height // 2, bit * block : (bit + 1) * block] = (255, 255, 255) if number >> bit & 1 else (0, 0, 60)
    return image


def read_number(image: NDArray[np.uint8]) -> int:
    """Return the number that `numbered` drew."""
    height, width = image.shape[:2]
    block = width // BITS
    rows = image[height // 8 : height * 3 // 8].astype(np.float32).mean((0, 2))
    return sum(
        1 << bit for bit in range(BITS) if rows[bit * block + block // 4 : (bit + 1) * block - block // 4].mean() > 128
    )


def write_video(
    path: Path | str,
    pictures: Iterable[NDArray[np.uint8]],
    *,
    rate: int = 25,
    codec: str = "libx264",
    format: str | None = None,  # noqa: A002 - FFmpeg's word
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> None:
    """Encode `pictures`, one keyframe every 10, into a file or to a URL."""
    for _ in encoding(path, pictures, rate, codec, format, options, container_options):
        pass


def encoding(
    path: Path | str,
    pictures: Iterable[NDArray[np.uint8]],
    rate: int = 25,
    codec: str = "libx264",
    form: str | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> Iterator[int]:
    """As `write_video`, but yield after each picture that was sent."""
    extra: dict[str, str] = {"preset": "ultrafast", "tune": "zerolatency"} if codec == "libx264" else {}
    with av.open(str(path), "w", format=form, container_options=container_options) as container:
        stream: Any = container.add_stream(codec, rate=rate, options=extra | (options or {}))
        stream.codec_context.gop_size = 10
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for number, image in enumerate(pictures):
            if number == 0:
                stream.height, stream.width = image.shape[:2]
            picture = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=stream.pix_fmt)
            picture.pts, picture.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(picture))
            yield number
        container.mux(stream.encode(None))
