"""From a demuxer to a ring: a source's own packets, where their codec fits MP4."""

import logging
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Final

from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from stream.recording.packet_ring import CodedPacket, PacketRing, Shape

FITTING: Final = ("h264", "hevc")
"""Codecs that every player of MP4 knows."""

_log = logging.getLogger("livesal.clips")


class PacketTap:
    """Copies the packets of one opening of a source; it belongs to the reading thread."""

    def __init__(self, ring: PacketRing, stream: VideoStream, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin anew in `ring` with the packets of `stream`; if its codec does not fit, nothing is copied."""
        self._ring = ring
        self._clock = clock
        self._time_base = Fraction(stream.time_base or Fraction(1, 90_000))
        shape = _shape_of(stream, self._time_base)
        self.fits = shape is not None
        self._last: int | None = None
        self._opening = ring.begin(shape, copying=self.fits)

    def take(self, packet: "Packet[VideoStream]") -> None:
        """Copy `packet`; its time is when it came, where the stream gives none."""
        if not self.fits or not packet.size:
            return
        arrived_at = self._clock()
        arrival = round(arrived_at / self._time_base)
        pts = next((time for time in (packet.pts, packet.dts) if time is not None), arrival)
        # Matroska gives none for the first pictures where their order is another one than that of coding
        guessed = pts if self._last is None else min(pts, self._last + 1)
        dts = self._last = guessed if packet.dts is None else packet.dts
        coded = CodedPacket(bytes(packet), pts, dts, packet.duration or 0, packet.is_keyframe, arrived_at)
        self._ring.put(self._opening, coded)


def _shape_of(stream: VideoStream, time_base: Fraction) -> Shape | None:
    """Return the shape of `stream`; None where MP4 does not take it, for which no camera is to fail."""
    if stream.codec_context.name not in FITTING:
        return None
    try:
        return Shape.of(stream, time_base)
    except FFmpegError as error:
        _log.info("packets of %s cannot be copied into clips: %s", stream.codec_context.name, error)
        return None
