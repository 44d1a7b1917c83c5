"""The views of every camera: rendered where someone looks, coded once, handed to all who look."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Final, Self

from configs.output import EncodingSettings
from configs.webrtc import Codec
from stream.broadcast import Broadcast, Picture
from stream.errors import NoSignalError, UnknownNameError
from stream.latest import Latest
from stream.metrics import Metrics
from stream.render import Image, fit, jpeg
from stream.viewer import Viewer

VIEWS: Final[tuple[str, ...]] = ("source", "motion", "colour", "low_level", "final", "overlay", "comparison", "mosaic")
"""What can be watched of a camera."""

_FRESH: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderStatus:
    """A running encoder.

    Attributes:
        camera: name of the camera.
        view: name of the view.
        codec: h264 or vp8.
        viewers: how many share it.
        encoded: pictures coded so far.
        dropped: pictures overtaken by newer ones before they were coded.
    """

    camera: str
    view: str
    codec: Codec
    viewers: int
    encoded: int
    dropped: int


class ViewHub:
    """Takes rendered views, gives coded ones. All methods belong to one event loop; encoding has its own threads."""

    def __init__(
        self,
        settings: EncodingSettings,
        metrics: Metrics,
        *,
        clock: Callable[[], float] = time.monotonic,
        no_signal_after: float = 2.0,
        on_packet: Callable[[str, str, float], None] | None = None,
    ) -> None:
        """Make a hub without cameras.

        Args:
            settings: of every encoder whose camera has none of its own.
            metrics: where encodes and drops are counted.
            clock: monotonic seconds.
            no_signal_after: seconds without a picture after which viewers see a card that says so.
            on_packet: told of every coded picture that is no card: camera, view, media time in seconds.
        """
        self._on_packet = on_packet
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._no_signal_after = no_signal_after
        self._cameras: dict[str, EncodingSettings] = {}
        self._broadcasts: dict[tuple[str, str, Codec], Broadcast] = {}
        self._retirements: dict[tuple[str, str, Codec], asyncio.TimerHandle] = {}
        self._latest: dict[tuple[str, str], Picture] = {}
        self._awaited: dict[tuple[str, str], list[asyncio.Future[Picture]]] = {}
        self._taps: dict[tuple[str, str], list[Latest[Picture]]] = {}
        self._executor = ThreadPoolExecutor(2, thread_name_prefix="encode")
        self._tasks = asyncio.TaskGroup()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._stack.callback(self._executor.shutdown, wait=False)
        await self._stack.enter_async_context(self._tasks)
        self._stack.callback(self._close_all)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    @property
    def cameras(self) -> tuple[str, ...]:
        """The cameras' names, sorted."""
        return tuple(sorted(self._cameras))

    @property
    def encoders(self) -> tuple[EncoderStatus, ...]:
        """The encoders that run now."""
        return tuple(
            EncoderStatus(
                camera=broadcast.camera,
                view=broadcast.view,
                codec=broadcast.codec,
                viewers=len(broadcast.viewers),
                encoded=broadcast.encoded,
                dropped=broadcast.dropped,
            )
            for broadcast in self._broadcasts.values()
        )

    def add_camera(self, camera: str, encoding: EncodingSettings | None = None) -> None:
        """Make a camera's views known, coded by `encoding` over the hub's settings.

        Viewers of a known one stay; settings that it is given anew hold for encoders that start from now on.
        """
        if encoding is not None:
            self._cameras[camera] = encoding.over(self._settings)
        else:
            self._cameras.setdefault(camera, self._settings)

    def encoding(self, camera: str) -> EncodingSettings:
        """Return the settings that the views of `camera` are coded by."""
        return self._cameras.get(camera, self._settings)

    def remove_camera(self, camera: str) -> None:
        """Forget a camera and end its viewings."""
        self._cameras.pop(camera, None)
        for key in [key for key in self._broadcasts if key[0] == camera]:
            self._retire(key)
        for view in VIEWS:
            self._latest.pop((camera, view), None)
            for tap in self._taps.get((camera, view), ()):
                tap.close()

    def wanted(self, camera: str) -> frozenset[str]:
        """Return the views of `camera` that someone looks at now: only these need rendering."""
        watched = {view for name, view, _ in self._broadcasts if name == camera}
        return frozenset(watched | {view for name, view in (*self._awaited, *self._taps) if name == camera})

    def viewers(self, camera: str) -> dict[str, int]:
        """Return how many watch each view of `camera`."""
        counts: dict[str, int] = dict.fromkeys(VIEWS, 0)
        for (name, view, _), broadcast in self._broadcasts.items():
            if name == camera:
                counts[view] += len(broadcast.viewers)
        return counts

    def publish(self, camera: str, view: str, image: Image, pts: int, time_base: Fraction) -> None:
        """Hand over the newest picture of a view, without waiting; one not coded yet is dropped and counted.

        Args:
            camera: name of the camera.
            view: one of `VIEWS`.
            image: (H, W, 3) uint8 RGB; it becomes read-only.
            pts: its frame's presentation time in units of `time_base`.
            time_base: seconds per unit of `pts`.

        Raises:
            UnknownNameError: no such camera or view.
            ValueError: the image is not (H, W, 3) uint8.
        """
        self.check(camera, view)
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != "uint8":
            message = f"a view's image is (H, W, 3) uint8, not {image.shape} {image.dtype}"
            raise ValueError(message)
        image.flags.writeable = False
        picture = Picture(image, float(pts * time_base), self._clock())
        self._latest[camera, view] = picture
        for awaited in self._awaited.pop((camera, view), []):
            if not awaited.done():
                awaited.set_result(picture)
        for tap in self._taps.get((camera, view), ()):
            tap.put(picture)
        for (name, shown, _), broadcast in self._broadcasts.items():
            if (name, shown) == (camera, view):
                broadcast.publish(picture)

    @contextmanager
    def watch(self, camera: str, view: str, codec: Codec) -> Iterator[Viewer]:
        """Give a viewer of a view for the length of the `with` block.

        Raises:
            UnknownNameError: no such camera or view.
        """
        self.check(camera, view)
        key = (camera, view, codec)
        if retirement := self._retirements.pop(key, None):
            retirement.cancel()
        broadcast = self._broadcasts.get(key) or self._start(key)
        viewer = broadcast.join()
        sessions = self._metrics.sessions.labels(camera, view)
        sessions.inc()
        try:
            yield viewer
        finally:
            sessions.dec()
            viewer.close()
            broadcast.viewers.remove(viewer)
            if not broadcast.viewers and self._broadcasts.get(key) is broadcast:
                loop = asyncio.get_running_loop()
                self._retirements[key] = loop.call_later(self.encoding(camera).idle, self._retire, key)

    async def snapshot(self, camera: str, view: str) -> bytes:
        """Return the newest picture of a view as a JPEG file; if nobody watches it, it is rendered for this.

        Raises:
            UnknownNameError: no such camera or view.
            NoSignalError: no picture came in time.
        """
        self.check(camera, view)
        latest = self._latest.get((camera, view))
        if latest is None or self._clock() - latest.published_at > _FRESH:
            latest = await self._next(camera, view)
        return await self.code(latest.image, self.encoding(camera).width)

    async def code(self, image: Image, width: int) -> bytes:
        """Return (H, W, 3) uint8 RGB as a JPEG file, at most `width` pixels wide."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, lambda: jpeg(fit(image, width)))

    @contextmanager
    def tap(self, camera: str, view: str) -> Iterator[Latest[Picture]]:
        """Give the newest pictures of a view, as they are rendered, for the length of the `with` block.

        Raises:
            UnknownNameError: no such camera or view.
        """
        self.check(camera, view)
        tap: Latest[Picture] = Latest()
        self._taps.setdefault((camera, view), []).append(tap)
        try:
            yield tap
        finally:
            remaining = [other for other in self._taps.pop((camera, view)) if other is not tap]
            if remaining:
                self._taps[camera, view] = remaining

    def check(self, camera: str, view: str) -> None:
        """Do nothing if there is such a view.

        Raises:
            UnknownNameError: no such camera or view; the message lists what there is.
        """
        if camera not in self._cameras:
            message = f"no camera is named '{camera}'; there are: {', '.join(self.cameras) or 'none'}"
            raise UnknownNameError(message)
        if view not in VIEWS:
            message = f"no view is named '{view}'; there are: {', '.join(VIEWS)}"
            raise UnknownNameError(message)

    async def _next(self, camera: str, view: str) -> Picture:
        awaited: asyncio.Future[Picture] = asyncio.get_running_loop().create_future()
        self._awaited.setdefault((camera, view), []).append(awaited)
        try:
            async with asyncio.timeout(self._no_signal_after):
                return await awaited
        except TimeoutError:
            message = f"camera '{camera}' gave no picture of '{view}' for {self._no_signal_after:g} s"
            raise NoSignalError(message) from None
        finally:
            self._forget(awaited, (camera, view))

    def _forget(self, awaited: asyncio.Future[Picture], name: tuple[str, str]) -> None:
        waiting = [other for other in self._awaited.pop(name, []) if other is not awaited]
        if waiting:
            self._awaited[name] = waiting

    def _start(self, key: tuple[str, str, Codec]) -> Broadcast:
        broadcast = Broadcast(
            key,
            self.encoding(key[0]),
            self._metrics,
            self._executor,
            self._clock,
            self._no_signal_after,
            self._on_packet,
        )
        self._broadcasts[key] = broadcast
        self._metrics.encoders.labels(*key[:2]).inc()
        self._tasks.create_task(broadcast.run(), name=f"encode {'/'.join(key)}")
        return broadcast

    def _retire(self, key: tuple[str, str, Codec]) -> None:
        if retirement := self._retirements.pop(key, None):
            retirement.cancel()
        self._metrics.encoders.labels(*key[:2]).dec()
        self._broadcasts.pop(key).close()

    def _close_all(self) -> None:
        for key in list(self._broadcasts):
            self._retire(key)
