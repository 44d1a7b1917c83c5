"""The pictures of one publisher, decoded in the thread that reads them."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final

from av import VideoCodecContext
from av.codec.context import Flags
from av.error import FFmpegError
from av.packet import Packet
from av.video.reformatter import VideoReformatter

from configs.webrtc import Codec
from stream.errors import SilentSourceError, SourceError
from stream.pixels import to_rgb
from stream.publication import CodedPicture, Publication
from stream.reader import DecodedPicture
from stream.rtp_clock import RTP_RATE

_TIME_BASE: Final = Fraction(1, RTP_RATE)


class PublishedReader:
    """The decoded pictures of one publisher."""

    frame_rate = Fraction(0)
    bursts = False
    damage = ""

    def __init__(self, name: str, publication: Publication, patience: float) -> None:
        """Read `publication`, which counts as silent after `patience` seconds; `name` is for messages."""
        self._name = name
        self.corrupt = 0
        self._publication = publication
        self._patience = patience
        self._coded = publication.pictures(patience)
        self._decoder: VideoCodecContext | None = None
        self._codec: Codec | None = None
        self._reformatter = VideoReformatter()

    def __iter__(self) -> Iterator[DecodedPicture]:
        """Yield all pictures.

        Raises:
            SilentSourceError: the publisher is there but sends nothing.
            SourceError: it has left.
        """
        while True:
            try:
                coded = next(self._coded, None)
            except TimeoutError:
                message = f"{self._name}: the publisher sent no picture for {self._patience:g} s"
                raise SilentSourceError(message) from None
            if coded is None:
                message = f"{self._name}: the publisher has left"
                raise SourceError(message)
            yield from self._decode(coded)

    def close(self) -> None:
        """Let the publication go: its next picture is for another reader."""
        self._coded.close()

    def _decode(self, coded: CodedPicture) -> Iterator[DecodedPicture]:
        packet: Packet[Any] = Packet(coded.payload)
        packet.pts, packet.time_base = coded.timestamp, _TIME_BASE
        try:
            frames = self._decoder_of(coded.codec).decode(packet)
        except FFmpegError:
            self.corrupt += 1
            self._publication.ask_for_keyframe()
            return
        for frame in frames:
            self.corrupt += 1 if frame.is_corrupt else 0
            yield DecodedPicture(to_rgb(self._reformatter, frame), frame.pts, _TIME_BASE)

    def _decoder_of(self, codec: Codec) -> VideoCodecContext:
        """Return the decoder for `codec`: a publisher may change it with any keyframe."""
        if self._decoder is None or self._codec != codec:
            self._decoder = VideoCodecContext.create(codec, "r")
            self._decoder.thread_type, self._decoder.thread_count = "SLICE", 1
            self._decoder.flags |= Flags.low_delay
            self._codec = codec
        return self._decoder
