"""One encode, many viewers: the newest picture is coded once and its packet handed to all."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Final

from av.error import FFmpegError

from configs.output import EncodingSettings
from configs.webrtc import Codec
from stream.encoder import EncodedPicture, Encoder
from stream.errors import ClosedChannelError
from stream.frame_rate_limit import FrameRateLimit
from stream.latest import Latest
from stream.metrics import Metrics
from stream.render import Image, no_signal_card
from stream.rtp_clock import RtpClock
from stream.viewer import Viewer

_log = logging.getLogger(__name__)

KEYFRAME_SPACING: Final = 0.3
"""Least seconds between two keyframes that viewers asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A rendered view.

    Attributes:
        image: (H, W, 3) uint8 RGB, read-only.
        media_time: seconds.
        published_at: monotonic clock, seconds.
    """

    image: Image
    media_time: float
    published_at: float


class Broadcast:
    """The shared encode of one view in one codec. All methods belong to one event loop.

    Attributes:
        camera: name of the camera.
        view: name of the view.
        codec: of the encoder.
        viewers: those that watch now.
        encoded: pictures coded so far.
    """

    def __init__(
        self,
        name: tuple[str, str, Codec],
        settings: EncodingSettings,
        metrics: Metrics,
        executor: Executor,
        clock: Callable[[], float],
        no_signal_after: float,
        on_packet: Callable[[str, str, float], None] | None = None,
    ) -> None:
        """Make the broadcast `name` = (camera, view, codec); `run` does the work, in a thread of `executor`.

        `on_packet` is told of every coded picture that is no card: camera, view, media time in seconds.
        """
        self.camera, self.view = name[0], name[1]
        self.codec: Codec = name[2]
        self.viewers: list[Viewer] = []
        self.encoded = 0
        self._settings = settings
        self._metrics = metrics
        self._executor = executor
        self._clock = clock
        self._on_packet = on_packet
        self._no_signal_after = no_signal_after
        self._encoder = Encoder(self.codec, settings)
        self._rtp_clock = RtpClock()
        self._limit = FrameRateLimit(settings.frame_rate)
        self._pictures: Latest[Picture] = Latest()
        self._keyframe_at = float("-inf")
        self._card_size = (settings.width * 9 // 16, settings.width)

    @property
    def dropped(self) -> int:
        """Pictures that were overtaken by a newer one before the encoder took them."""
        return self._pictures.dropped

    def publish(self, picture: Picture) -> None:
        """Hand over the newest picture, without waiting; one that it overtakes is dropped and counted."""
        if self._pictures.put(picture):
            self._count_drop("encoder-busy")

    def join(self) -> Viewer:
        """Return a new viewer."""
        viewer = Viewer()
        self.viewers.append(viewer)
        return viewer

    def close(self) -> None:
        """End the broadcast, and with it every viewing."""
        self._pictures.close()
        for viewer in self.viewers:
            viewer.close()

    async def run(self) -> None:
        """Encode until `close` is called."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                image, media_time = await self._next()
            except ClosedChannelError:
                return
            if not any(viewer.started for viewer in self.viewers):
                continue
            now = self._clock()
            timestamp = self._rtp_clock.stamp(media_time, now)
            if not self._limit.takes(timestamp):
                self._count_drop("frame-rate")
                continue
            keyframe = self._is_keyframe_due(now)
            encode = partial(self._encoder.encode, image, timestamp, keyframe=keyframe)
            try:
                pictures = await loop.run_in_executor(self._executor, encode)
            except FFmpegError as error:
                _log.warning("%s/%s: a picture could not be coded (%s); new encoder", self.camera, self.view, error)
                self._encoder = Encoder(self.codec, self._settings)
                continue
            self._deliver(pictures, now, media_time)

    def _is_keyframe_due(self, now: float) -> bool:
        rested = now - self._keyframe_at >= KEYFRAME_SPACING
        return rested and any(viewer.needs_keyframe(now) for viewer in self.viewers)

    async def _next(self) -> tuple[Image, float | None]:
        """Return the newest picture and its media time, or a card without one when none came for a while."""
        try:
            async with asyncio.timeout(self._no_signal_after):
                picture = await self._pictures.take()
        except TimeoutError:
            return no_signal_card(self._card_size, f"no signal from {self.camera}"), None
        height, width = picture.image.shape[:2]
        shrink = min(1.0, self._settings.width / width)
        self._card_size = (round(height * shrink), round(width * shrink))
        return picture.image, picture.media_time

    def _deliver(self, pictures: list[EncodedPicture], now: float, media_time: float | None) -> None:
        for picture in pictures:
            self.encoded += 1
            self._metrics.encodes.labels(self.camera, self.view).inc()
            if self._on_packet is not None and media_time is not None:
                self._on_packet(self.camera, self.view, media_time)
            if picture.is_keyframe:
                self._keyframe_at = now
            for viewer in self.viewers:
                if dropped := viewer.offer(picture, now):
                    self._count_drop("slow-viewer", dropped)

    def _count_drop(self, reason: str, count: int = 1) -> None:
        self._metrics.dropped.labels(self.camera, reason).inc(count)
