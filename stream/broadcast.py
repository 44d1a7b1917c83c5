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
from stream.encoder import Codec, EncodedPicture, Encoder
from stream.errors import ClosedChannelError
from stream.latest import Latest
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
        executor: Executor,
        clock: Callable[[], float],
        no_signal_after: float,
        on_encoded: Callable[[float | None], None],
    ) -> None:
        """Make the broadcast `name` = (camera, view, codec); `run` does the work.

        `on_encoded` is told of every coded picture by its media time in seconds, None for a card.
        """
        self.camera, self.view = name[0], name[1]
        self.codec: Codec = name[2]
        self.viewers: list[Viewer] = []
        self.encoded = 0
        self._settings = settings
        self._executor = executor
        self._clock = clock
        self._no_signal_after = no_signal_after
        self._on_encoded = on_encoded
        self._encoder = Encoder(self.codec, settings)
        self._rtp_clock = RtpClock()
        self._pictures: Latest[Picture] = Latest()
        self._keyframe_wanted = False
        self._keyframe_at = float("-inf")
        self._card_size = (settings.width * 9 // 16, settings.width)

    @property
    def dropped(self) -> int:
        """Pictures that were overtaken by a newer one before the encoder took them."""
        return self._pictures.dropped

    def publish(self, picture: Picture) -> bool:
        """Hand over the newest picture, without waiting; return whether it overtook one."""
        return self._pictures.put(picture)

    def join(self) -> Viewer:
        """Return a new viewer."""
        viewer = Viewer(self.request_keyframe)
        self.viewers.append(viewer)
        return viewer

    def request_keyframe(self) -> None:
        """Make the next picture a keyframe, `KEYFRAME_SPACING` after the last one at the earliest."""
        self._keyframe_wanted = True

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
            keyframe = self._keyframe_wanted and now - self._keyframe_at >= KEYFRAME_SPACING
            timestamp = self._rtp_clock.stamp(media_time, now)
            encode = partial(self._encoder.encode, image, timestamp, keyframe=keyframe)
            try:
                pictures = await loop.run_in_executor(self._executor, encode)
            except FFmpegError as error:
                _log.warning("%s/%s: a picture could not be coded (%s); new encoder", self.camera, self.view, error)
                self._encoder = Encoder(self.codec, self._settings)
                continue
            self._deliver(pictures, now, media_time)

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
            self._on_encoded(media_time)
            if picture.is_keyframe:
                self._keyframe_at, self._keyframe_wanted = now, False
            for viewer in self.viewers:
                viewer.offer(picture)
