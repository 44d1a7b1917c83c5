"""Views as a stream of JPEG pictures: each is coded once for all who watch, and who is slow misses pictures."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from configs.output import HttpSettings
from stream.broadcast import Picture
from stream.errors import ClosedChannelError, TooManyViewersError
from stream.latest import Latest
from stream.metrics import Metrics
from stream.render import no_signal_card
from stream.views import ViewHub

NO_SIGNAL_AFTER: Final = 2.0
"""Seconds without a picture after which a card says so, again and again: it finds out who has gone."""
_CARD_SIZE: Final = (180, 320)


@dataclass(frozen=True, slots=True)
class Still:
    """A coded picture.

    Attributes:
        jpeg: the picture as a JPEG file.
        media_time: seconds; None of a card.
    """

    jpeg: bytes
    media_time: float | None


@dataclass(slots=True, eq=False)
class _Shared:
    """The coding of one view, and its viewers."""

    task: asyncio.Task[None]
    viewers: list[Latest[Still]] = field(default_factory=list)


class MjpegStreams:
    """All MJPEG viewers of a hub. All methods belong to one event loop."""

    def __init__(
        self, hub: ViewHub, settings: HttpSettings, metrics: Metrics, *, no_signal_after: float = NO_SIGNAL_AFTER
    ) -> None:
        """Make room for at most `settings.maximum_streams` viewers."""
        self._hub = hub
        self._most = settings.maximum_streams
        self._metrics = metrics
        self._no_signal_after = no_signal_after
        self._shared: dict[tuple[str, str], _Shared] = {}
        self._tasks = asyncio.TaskGroup()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._tasks)
        self._stack.push_async_callback(self.close)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    def __len__(self) -> int:
        """Return how many viewers there are."""
        return sum(len(shared.viewers) for shared in self._shared.values())

    async def close(self) -> None:
        """End all streams."""
        for shared in self._shared.values():
            shared.task.cancel()

    def check(self, camera: str, view: str) -> None:
        """Do nothing if one more may watch that view.

        Raises:
            UnknownNameError: no such camera or view.
            TooManyViewersError: the limit is reached.
        """
        self._hub.check(camera, view)
        if len(self) >= self._most:
            message = f"all {self._most} places for MJPEG streams are taken (http.maximum_streams); try again later"
            raise TooManyViewersError(message)

    async def stream(self, camera: str, view: str) -> AsyncGenerator[Still]:
        """Give the newest picture, again and again, until the camera or the service goes; to be closed.

        Raises:
            UnknownNameError: no such camera or view.
            TooManyViewersError: the limit is reached.
        """
        self.check(camera, view)
        key = (camera, view)
        newest: Latest[Still] = Latest()
        shared = self._shared.get(key) or self._start(key)
        shared.viewers.append(newest)
        streams = self._metrics.still_streams.labels(*key)
        streams.inc()
        try:
            while True:
                yield await newest.take()
        except ClosedChannelError:
            return
        finally:
            streams.dec()
            shared.viewers.remove(newest)
            if not shared.viewers:
                shared.task.cancel()
                if self._shared.get(key) is shared:
                    del self._shared[key]

    def _start(self, key: tuple[str, str]) -> _Shared:
        shared = _Shared(self._tasks.create_task(self._code_all(key), name=f"mjpeg {'/'.join(key)}"))
        self._shared[key] = shared
        return shared

    async def _code_all(self, key: tuple[str, str]) -> None:
        """Code pictures for whoever watches, until the camera goes or this is cancelled."""
        shared = self._shared[key]
        try:
            with self._hub.tap(*key) as pictures:
                while True:
                    still = await self._code(key[0], pictures)
                    for viewer in shared.viewers:
                        if viewer.put(still):
                            self._metrics.dropped.labels(key[0], "slow-client").inc()
        except ClosedChannelError:  # the camera was taken out
            return
        finally:
            if self._shared.get(key) is shared:
                del self._shared[key]
            for viewer in shared.viewers:
                viewer.close()

    async def _code(self, camera: str, pictures: Latest[Picture]) -> Still:
        width = self._hub.encoding(camera).width
        try:
            async with asyncio.timeout(self._no_signal_after):
                picture = await pictures.take()
        except TimeoutError:
            card = no_signal_card(_CARD_SIZE, f"no signal from {camera}")
            return Still(await self._hub.code(card, width), None)
        return Still(await self._hub.code(picture.image, width), picture.media_time)
