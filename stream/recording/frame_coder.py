"""From frames to a ring: H.264 of our own, for sources whose packets do not fit MP4."""

import io
from fractions import Fraction
from typing import Final

import av

from configs.events import ClipSettings
from configs.output import EncodingSettings
from stream.encoder import EncodedPicture, Encoder
from stream.frame import Frame
from stream.recording.packet_ring import CodedPacket, PacketRing, Shape
from stream.rtp_clock import RTP_RATE

_KEYFRAME_INTERVAL: Final = 1.0
"""Seconds between two places where a clip can begin."""


class FrameCoder:
    """Codes frames into a ring. It belongs to one thread at a time."""

    def __init__(self, ring: PacketRing, settings: ClipSettings) -> None:
        """Make a coder; nothing is opened before the first frame."""
        self._ring = ring
        self._settings = EncodingSettings(
            width=settings.width, bitrate=settings.bitrate, keyframe_interval=_KEYFRAME_INTERVAL
        )
        self._encoder: Encoder | None = None
        self._size = (0, 0)
        self._opening = 0
        self._last = -1

    def code(self, frame: Frame) -> None:
        """Code `frame` at its own time; another size, a time that does not grow, or a reopening starts anew."""
        timestamp = round(frame.time * RTP_RATE)
        changed = frame.size != self._size or timestamp <= self._last or self._opening != self._ring.opening
        if self._encoder is None or changed:
            self._encoder, self._size, self._opening = Encoder("h264", self._settings), frame.size, 0
        self._last = timestamp
        for picture in self._encoder.encode(frame.image, timestamp):
            if not self._opening:
                self._opening = self._ring.begin(_shape_of(picture), copying=False)
            time = picture.timestamp
            coded = CodedPacket(picture.payload, time, time, 0, picture.is_keyframe, frame.arrived_at)
            self._ring.put(self._opening, coded)


def _shape_of(picture: EncodedPicture) -> Shape:
    """Return the shape of H.264 that begins with `picture`, a keyframe that carries its parameter sets."""
    with av.open(io.BytesIO(picture.payload), format="h264") as container:
        return Shape.of(container.streams.video[0], Fraction(1, RTP_RATE))
