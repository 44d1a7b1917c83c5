"""Frames to a video file: each at its own time."""

from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.error import FFmpegError
from numpy.typing import NDArray

from stream.errors import OutputError
from stream.frame import Frame

SUFFIXES: Final = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
"""File names that can be written, and FFmpeg's name of their format."""

_CODECS: Final[dict[str, dict[str, str]]] = {
    "libx264": {"preset": "veryfast", "crf": "20"},
    "mpeg4": {"qscale": "3"},
}
"""Encoders in the order of preference, with their options."""

_BT601: Final = 6  # FFmpeg's number of SMPTE 170M, the matrix that cv2 converts with
_LIMITED: Final = 1
_TIMESCALE: Final = "90000"  # units a second of the first frame's time in mp4 and mov, which else counts milliseconds


class VideoWriter:
    """Writes H.264 into mp4, mov or mkv (MPEG-4 part 2 where FFmpeg has no x264).

    The first frame sets the size, padded to even numbers; later frames of another size are fitted into it. Matroska
    rounds times to milliseconds.
    """

    def __init__(self, path: Path, frame_rate: float = 30.0) -> None:
        """Describe a video; nothing is written yet.

        Args:
            path: to write to; its suffix says the format.
            frame_rate: nominal frames a second, for players and the rate control; each frame keeps its own time.

        Raises:
            OutputError: the suffix is unknown.
        """
        self.path = path
        self.frames = 0
        if path.suffix.lower() not in SUFFIXES:
            message = f"{path}: '{path.suffix}' is no video suffix that can be written; there are {', '.join(SUFFIXES)}"
            raise OutputError(message)
        self._frame_rate = round(frame_rate) or 30
        self._container: OutputContainer | None = None
        self._stream: Any = None
        self._size = (0, 0)
        self._last: float | None = None

    def __enter__(self) -> Self:
        """Create the file.

        Raises:
            OutputError: it cannot be created.
        """
        try:
            self.path.touch()
            form = SUFFIXES[self.path.suffix.lower()]
            options = {} if form == "matroska" else {"movie_timescale": _TIMESCALE}
            self._container = av.open(str(self.path), "w", format=form, container_options=options)
        except OSError as error:
            raise self._failure(error) from None
        return self

    def write(self, frame: Frame) -> None:
        """Append `frame` at its own time, which must be later than that of the one before.

        Raises:
            OutputError: it cannot be written, say because the disk is full, or its time does not grow.
        """
        if self._container is None:
            message = f"{self.path}: the video is not open; write inside `with VideoWriter(…) as writer`"
            raise OutputError(message)
        if self._last is not None and frame.time <= self._last:
            message = f"{self.path}: the time of frame {frame.sequence} ({frame.time:g} s) does not grow"
            raise OutputError(message)
        self._last = frame.time
        if self._stream is None:
            self._open_stream(self._container, frame)
        picture = av.VideoFrame.from_ndarray(_planes(frame.image, self._size), format="yuv420p")
        picture.pts, picture.time_base = frame.pts, frame.time_base
        self._mux(picture)
        self.frames += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what the encoder still holds and finish the file; one without frames is removed."""
        container, self._container = self._container, None
        if container is None:
            return
        try:
            if self._stream is not None:
                container.mux(self._stream.encode(None))
            container.close()
        except (FFmpegError, OSError) as failed:
            if error is None:
                raise self._failure(failed) from None
        finally:
            if self.frames == 0:
                self.path.unlink(missing_ok=True)

    def _mux(self, picture: av.VideoFrame) -> None:
        try:
            packets = self._stream.encode(picture)
            if self._container is not None:
                self._container.mux(packets)
        except (FFmpegError, OSError) as error:
            raise self._failure(error) from None

    def _open_stream(self, container: OutputContainer, first: Frame) -> None:
        codec = next(name for name in _CODECS if name in av.codecs_available)
        stream: Any = container.add_stream(codec, rate=self._frame_rate, options=_CODECS[codec])
        height, width = first.size
        stream.width, stream.height = width + width % 2, height + height % 2
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = stream.time_base = first.time_base
        stream.codec_context.colorspace, stream.codec_context.color_range = _BT601, _LIMITED
        self._stream, self._size = stream, (stream.height, stream.width)

    def _failure(self, error: Exception) -> OutputError:
        reason = getattr(error, "strerror", None) or str(error)
        return OutputError(f"{self.path}: the video cannot be written ({reason})")


def _planes(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return `image` (H, W, 3) RGB as I420 planes (h * 3 / 2, w) of the even `size` (h, w), padded or fitted."""
    height, width = size
    spare = (height - image.shape[0], width - image.shape[1])
    if spare not in ((0, 0), (0, 1), (1, 0), (1, 1)):
        scale = min(height / image.shape[0], width / image.shape[1])
        fitted = (min(width, round(image.shape[1] * scale)), min(height, round(image.shape[0] * scale)))
        image = np.asarray(cv2.resize(image, fitted, interpolation=cv2.INTER_AREA), np.uint8)
        spare = (height - image.shape[0], width - image.shape[1])
        image = np.asarray(cv2.copyMakeBorder(image, 0, spare[0], 0, spare[1], cv2.BORDER_CONSTANT), np.uint8)
    elif any(spare):
        image = np.asarray(cv2.copyMakeBorder(image, 0, spare[0], 0, spare[1], cv2.BORDER_REPLICATE), np.uint8)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420), np.uint8)
