"""Packets to an MP4 file, which is there once it is whole."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Final, Self

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from stream.recording.packet_ring import CodedPacket, Shape

PARTIAL: Final = ".part"
"""Ending of a file that is not whole yet."""

Opener = Callable[[Path], BinaryIO]
"""Creates a file to write to."""


def create(path: Path) -> BinaryIO:
    """Create the file at `path`."""
    return path.open("wb")


class ClipFile:
    """A clip that is being written. Its calls block and belong to one thread at a time; they raise OSError."""

    def __init__(self, path: Path, file: BinaryIO, container: OutputContainer, shape: Shape) -> None:
        """Wrap what `begin` opened."""
        self.path = path
        self._file = file
        self._container = container
        self._time_base = shape.time_base
        self._stream: VideoStream = container.add_stream_from_template(shape.template)
        self._stream.time_base = shape.time_base
        self._origin: int | None = None
        self._last = -1

    @classmethod
    def begin(cls, path: Path, shape: Shape, opener: Opener = create) -> Self:
        """Begin the clip that will be at `path`, with packets of `shape`."""
        file = opener(_partial(path))
        return cls(path, file, av.open(file, "w", format="mp4"), shape)

    def add(self, packets: Sequence[CodedPacket]) -> None:
        """Append `packets`; the very first one, a keyframe, is time 0."""
        for coded in packets:
            origin = self._origin = coded.dts if self._origin is None else self._origin
            packet = Packet(coded.payload)
            packet.dts = self._last = max(coded.dts - origin, self._last + 1)
            packet.pts = max(coded.pts - origin, packet.dts)
            packet.duration = coded.duration
            packet.time_base = self._time_base
            packet.is_keyframe = coded.is_keyframe
            packet.stream = self._stream
            self._container.mux(packet)

    def finish(self) -> None:
        """Write what is missing, make sure that it is on the disk, and give the file its name."""
        self._container.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        _partial(self.path).replace(self.path)

    def discard(self) -> None:
        """Give the clip up and delete what is there of it."""
        for close in (self._container.close, self._file.close):
            try:
                close()
            except OSError:  # the disk is full, which is why it is given up
                continue
        _partial(self.path).unlink(missing_ok=True)


def _partial(path: Path) -> Path:
    return path.with_name(path.name + PARTIAL)
