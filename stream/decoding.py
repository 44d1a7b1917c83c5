"""Video through PyAV: opened with the options that fit its kind, decoded to RGB."""

import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Final

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from configs.source import SourceSettings
from stream.decoding_errors import source_error
from stream.errors import CorruptSourceError, SourceError, UnsupportedSourceError
from stream.ffmpeg_build import reads_format
from stream.location import Location
from stream.pixels import to_rgb
from stream.reader import DecodedPicture
from stream.recording.packet_ring import PacketRing
from stream.recording.packet_tap import PacketTap

_LOW_LATENCY: Final = {"fflags": "nobuffer", "flags": "low_delay", "probesize": "32768", "analyzeduration": "0"}
_V4L2: Final = "video4linux2,v4l2"
_BURSTING: Final = ("hls", "dash")
_WITHOUT_TIMES: Final = ("mpjpeg", "mjpeg", "h264", "hevc")
"""Formats whose demuxer invents times from an assumed frame rate."""

_TOLERATED_GAP: Final = 1.0
_TS_PACKETS: Final = (188, 192, 204)  # bytes a packet of MPEG-TS, of its form on disks, and with error correction
_HIGHEST_RATE: Final = 1000  # above it a "frame rate" is the clock of the container
_MICROSECONDS: Final = 1_000_000


class VideoReader:
    """The pictures of a file, device or network stream.

    A file is decoded whole: what is damaged in it is counted, skipped, and said at the end. A live stream is decoded
    with the least delay, and any error of its connection ends it.
    """

    def __init__(
        self, location: Location, settings: SourceSettings, *, live: bool, ring: PacketRing | None = None
    ) -> None:
        """Open `location`, within twice the settings' `open_timeout`; `ring` gets copies of its packets.

        Raises:
            SourceError: it cannot be opened, or holds no video.
        """
        self.corrupt = 0
        self.damage = ""
        self._location = location
        self._settings = settings
        self._live = live
        self._pictures = 0
        self._end = 0.0
        self._heard_at = time.monotonic()
        self._reformatter = VideoReformatter()
        self._container = self._open()
        try:
            self._stream = self._video_stream()
        except SourceError:
            self._container.close()
            raise
        context = self._stream.codec_context
        context.thread_type, context.thread_count = ("SLICE", 1) if live else ("AUTO", 0)
        rate = self._stream.average_rate or self._stream.guessed_rate or Fraction(0)
        self.frame_rate = Fraction(rate) if rate <= _HIGHEST_RATE else Fraction(0)
        self.width, self.height = context.width, context.height
        self.format, self.codec = self._container.format.name, context.name
        self.bursts = location.kind == "path" or self.format in _BURSTING or self.duration is not None
        self._tap = PacketTap(ring, self._stream) if ring is not None else None
        self._timed = not (live and self.format in _WITHOUT_TIMES)

    @property
    def duration(self) -> float | None:
        """Length in seconds; None for what has no end, or none that is known."""
        length = self._container.duration
        return length / _MICROSECONDS if length and length > 0 else None

    @property
    def reorders(self) -> bool:
        """Whether the coding order differs from the order of presentation, which costs a live stream delay."""
        return bool(self._stream.codec_context.has_b_frames)

    def __iter__(self) -> Iterator[DecodedPicture]:
        """Yield all pictures in order of presentation.

        Raises:
            CorruptSourceError: a file has no picture that can be decoded.
            SourceError: a live stream ended by an error.
        """
        broken = ""
        self._heard_at = time.monotonic()
        try:
            for packet in self._container.demux(self._stream):
                if self._tap is not None:
                    self._tap.take(packet)
                yield from self._decode(packet)
                self._heard_at = time.monotonic()
        except (FFmpegError, OSError) as error:
            if self._live or not self._pictures:
                raise self._translated(error, self._settings.read_timeout) from None
            broken = str(self._translated(error, self._settings.read_timeout))
        if broken:
            yield from self._decode(None)
        if not self._pictures:
            message = f"{self._location.name}: holds no picture that can be decoded; is it a video, and whole?"
            raise CorruptSourceError(message)
        if not self._live:
            self.damage = self._describe_damage(broken)

    def close(self) -> None:
        """Close the file or connection."""
        self._container.close()

    def _open(self) -> InputContainer:
        device = self._location.kind == "device"
        if device and not reads_format(_V4L2):
            message = f"{self._location.name}: the FFmpeg in this installation of PyAV reads no V4L2 devices"
            raise UnsupportedSourceError(message)
        timeouts = (self._settings.open_timeout, self._settings.read_timeout)
        try:
            return av.open(
                self._location.target,
                "r",
                format=_V4L2 if device else None,
                options=self._options(),
                timeout=None if self._location.kind == "path" else timeouts,
                metadata_errors="replace",
            )
        except (FFmpegError, OSError, ValueError) as error:
            raise self._translated(error, self._settings.open_timeout) from None

    def _options(self) -> dict[str, str]:
        scheme = self._location.scheme
        options: dict[str, str] = {}
        if self._live and scheme in ("rtsp", "rtsps", "rtmp", "rtmps", "udp", "rtp", "tcp", "srt"):
            options |= _LOW_LATENCY
        elif self._live and self._location.kind == "device":
            options |= {"fflags": "nobuffer"}
        if scheme in ("rtsp", "rtsps"):
            options["rtsp_transport"] = self._settings.rtsp_transport
        if self._live and scheme in ("rtmp", "rtmps"):
            options["rtmp_live"] = "live"
        if scheme == "udp":
            options["overrun_nonfatal"] = "1"
        return options | self._settings.options

    def _video_stream(self) -> VideoStream:
        candidates = [
            stream
            for stream in self._container.streams.video
            if not stream.disposition & stream.disposition.__class__.attached_pic
        ]
        if not candidates:
            kinds = ", ".join(sorted({stream.type for stream in self._container.streams})) or "nothing"
            message = f"{self._location.name}: holds no video ({kinds} only)"
            raise CorruptSourceError(message)
        best = self._container.streams.best("video")
        chosen = next((stream for stream in candidates if stream is best), candidates[0])
        context: object = chosen.codec_context  # None, against PyAV's annotation, where there is no decoder
        if context is None:
            message = f"{self._location.name}: its video's codec has no decoder in this FFmpeg"
            raise UnsupportedSourceError(message)
        return chosen

    def _decode(self, packet: "Packet[VideoStream] | None") -> Iterator[DecodedPicture]:
        """Yield the pictures that `packet` completes; None flushes the decoder."""
        try:
            frames = self._stream.codec_context.decode(packet)
        except FFmpegError:
            # a live stream is joined in the middle: nothing is damaged before its first keyframe
            self.corrupt += 1 if self._pictures or not self._live else 0
            return
        for frame in frames:
            self.corrupt += 1 if frame.is_corrupt else 0
            yield self._picture(frame)

    def _picture(self, frame: VideoFrame) -> DecodedPicture:
        self._pictures += 1
        time_base = Fraction(frame.time_base or self._stream.time_base or Fraction(1, 90_000))
        if frame.pts is not None:
            self._end = float(frame.pts * time_base)
        image = to_rgb(self._reformatter, frame)
        return DecodedPicture(image, frame.pts if self._timed else None, time_base)

    def _describe_damage(self, broken: str) -> str:
        """Return what was wrong with the whole file; empty if nothing was."""
        name = self._location.name
        expected = self._stream.frames
        missing = self._missing_end()
        if broken:
            return f"{broken}; {self._pictures} pictures were read before"
        if 0 < self._pictures < expected:
            return f"{name}: is truncated or damaged: {self._pictures} of {expected} pictures could be decoded"
        if missing > _TOLERATED_GAP:
            return f"{name}: ends {missing:.1f} s before its stated end; it is probably truncated"
        if self.format == "mpegts" and all(self._container.size % length for length in _TS_PACKETS):
            return f"{name}: ends in the middle of a packet; it is truncated"
        if self.corrupt:
            return f"{name}: is damaged: {self.corrupt} of its pictures are corrupt"
        return ""

    def _missing_end(self) -> float:
        """Return seconds between the last picture and the end that the container states, where that is the video's."""
        alone = len(self._container.streams) == 1
        if not alone or self.duration is None:
            return 0.0
        start = self._container.start_time
        return self.duration + (start / _MICROSECONDS if start else 0.0) - self._end

    def _translated(self, error: Exception, patience: float) -> SourceError:
        """Return our error for FFmpeg's: after `patience` seconds of silence it was the time limit, by any name."""
        silent = self._location.kind != "path" and time.monotonic() - self._heard_at >= patience
        return source_error(TimeoutError() if silent else error, self._location.name, self._settings)
