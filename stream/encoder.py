"""Pictures to H.264 or VP8 for live viewing: no look-ahead, no B-frames, keyframes on demand."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import av
import cv2
import numpy as np
from av.video.frame import PictureType

from configs.output import EncodingSettings
from configs.webrtc import Codec
from stream.render import Image, fit
from stream.rtp_clock import RTP_RATE

_TIME_BASE: Final = Fraction(1, RTP_RATE)
_USUAL_RATE: Final = 30.0
"""Pictures a second that the rate control expects where no limit says otherwise; their times tell it the truth."""
_NEVER: Final = 1_000_000
_LIBRARY: Final[dict[Codec, str]] = {"h264": "libx264", "vp8": "libvpx"}
_BT601: Final = 6  # FFmpeg's number of SMPTE 170M, the matrix that cv2 converts with
_LIMITED: Final = 1


@dataclass(frozen=True, slots=True, eq=False)
class EncodedPicture:
    """One coded picture.

    Attributes:
        payload: H.264 in Annex B with its parameter sets at keyframes, or one VP8 frame.
        timestamp: RTP time, 1 / 90000 s.
        is_keyframe: whether decoding can start here.
    """

    payload: bytes
    timestamp: int
    is_keyframe: bool


class Encoder:
    """One video encoder. It belongs to one thread at a time; its codec is opened with the first picture."""

    def __init__(self, codec: Codec, settings: EncodingSettings) -> None:
        """Make an encoder of `codec`."""
        self.codec: Codec = codec
        self._settings = settings
        self._rate = min(settings.frame_rate or _USUAL_RATE, _USUAL_RATE)
        self._context: Any
        self._size = (0, 0)
        self._last_keyframe: int | None = None

    def encode(self, image: Image, timestamp: int, *, keyframe: bool = False) -> list[EncodedPicture]:
        """Encode one picture; what comes out is its packet, none if the rate control dropped it.

        Args:
            image: (H, W, 3) uint8 RGB; shrunk to the settings' width where wider. A new size starts a new codec.
            timestamp: RTP time, above the previous one's.
            keyframe: whether it must be a keyframe.
        """
        image = fit(image, self._settings.width)
        if image.shape[:2] != self._size:
            self._open((image.shape[0], image.shape[1]))
        planes = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420), np.uint8)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts, frame.time_base = timestamp, _TIME_BASE
        frame.duration = round(RTP_RATE / self._rate)
        if keyframe or self._is_due(timestamp):
            frame.pict_type = PictureType.I
            self._last_keyframe = timestamp
        packets = self._context.encode(frame)
        return [EncodedPicture(bytes(packet), timestamp, packet.is_keyframe) for packet in packets]

    def _is_due(self, timestamp: int) -> bool:
        last = self._last_keyframe
        return last is None or timestamp - last >= self._settings.keyframe_interval * RTP_RATE

    def _open(self, size: tuple[int, int]) -> None:
        context: Any = av.CodecContext.create(_LIBRARY[self.codec], "w")
        context.height, context.width = size
        context.pix_fmt = "yuv420p"
        context.time_base = _TIME_BASE
        context.framerate = Fraction(self._rate).limit_denominator(1001)
        context.gop_size = _NEVER
        context.thread_count = 1
        context.colorspace, context.color_range = _BT601, _LIMITED
        context.bit_rate = self._settings.bitrate
        context.options = self._options()
        self._context, self._size, self._last_keyframe = context, size, None

    def _options(self) -> dict[str, str]:
        rate = str(self._settings.bitrate)
        ceiling = {"maxrate": rate, "bufsize": str(self._settings.bitrate // 2)}
        if self.codec == "h264":
            quality = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "crf": "23"}
            return {**ceiling, **quality, "forced-idr": "1", "x264-params": "scenecut=0"}
        return {**ceiling, "deadline": "realtime", "cpu-used": "-12", "lag-in-frames": "0", "auto-alt-ref": "0"}
