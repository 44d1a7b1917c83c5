"""One camera: its source, its analysis, and what it tells; it fails and recovers alone."""

import asyncio
import logging
import time
from asyncio import TaskGroup
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Final, Self

from configs.events import Watched
from configs.settings import Settings
from pipeline.analysed_frame import AnalysedFrame
from pipeline.analysis import Analysis
from pipeline.camera_counts import CameraCounts
from pipeline.event_bus import EventBus
from pipeline.following import Follower, MediaClock, arrival
from pipeline.frame_threads import FrameThreads
from pipeline.history import History
from pipeline.networks import Networks
from pipeline.observer import Observer
from pipeline.rate import Rate
from pipeline.rendering import Picture, event_pictures, map_of, render_views
from pipeline.retraining.worker import RetrainingWorker
from pipeline.values import Keyframe
from pipeline.zones import EVERYWHERE
from stream import render
from stream.backend import Command, KeyframeThumbnail, Timeline
from stream.channel import Channel, Overflow
from stream.errors import NoSignalError
from stream.event_archive import EventArchive
from stream.events import AdaptationEvent, CameraState, Event, Phase
from stream.frame import Frame
from stream.inlet import Inlet
from stream.metrics import Metrics
from stream.redaction import redact_text
from stream.saliency_map import SaliencyMap
from stream.source import Source
from stream.views import ViewHub
from stream.whip_source import WhipSource

_log = logging.getLogger("livesal.camera")

_STATE_INTERVAL: Final = 0.25
"""Seconds between two states that a camera tells."""
_THUMBNAIL_WIDTH: Final = 160
_REMEMBERED: Final = 128
"""Keyframes that can still be looked at after they left the window."""


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """What the cameras of one service share.

    Attributes:
        settings: of everything.
        networks: loaded and served once.
        threads: that frames are analysed in.
        worker: the child that retrains, one camera's twin after the other.
        hub: of the views.
        bus: of the events.
        metrics: of the service.
    """

    settings: Settings
    networks: Networks
    threads: FrameThreads
    worker: RetrainingWorker
    hub: ViewHub
    bus: EventBus
    metrics: Metrics
    archive: EventArchive | None = None
    observer: Observer | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Published:
    """What the render thread makes of a frame."""

    events: tuple[Event, ...]
    pictures: Mapping[str, Picture]
    thumbnails: Mapping[int, KeyframeThumbnail]
    snapshots: Mapping[str, bytes]


class Camera:
    """Source → analysis → publication of one camera."""

    def __init__(
        self, name: str, source: Source, shared: Shared, *, watched: Watched = EVERYWHERE, priority: float = 1.0
    ) -> None:
        """Hold what the camera needs; nothing runs yet.

        Args:
            name: of the camera.
            source: of its frames.
            shared: with other cameras.
            watched: where in its picture regions count.
            priority: its share of the threads beside others'.
        """
        self.name = name
        self._source = source
        self._shared = shared
        self._priority = priority
        self._analysis: Analysis | None = None
        self._follower = Follower(name, shared.settings.regions, watched)
        self._clock = MediaClock(live=True)
        self._history = History(shared.settings.method.keyframe_threshold)
        self._thumbnails: Mapping[int, KeyframeThumbnail] = {}
        self._departed: deque[KeyframeThumbnail] = deque(maxlen=_REMEMBERED)
        self._newest: AnalysedFrame | None = None
        self._rate = Rate()
        self._frames = 0
        self._overtaken = 0
        self._counts = CameraCounts(name, shared.metrics)
        self._error = ""
        self._ordered: Command | None = None
        self._render_thread = ThreadPoolExecutor(1, thread_name_prefix=f"render-{name}")

    async def __aenter__(self) -> Self:
        own = self._shared.settings.cameras.get(self.name)
        self._shared.hub.add_camera(self.name, own.encoding if own else None)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.inlet is not None:
            self.inlet.close()
        self._render_thread.shutdown(wait=False, cancel_futures=True)

    async def run(self) -> None:
        """Run until the source ends.

        Raises:
            ExceptionGroup: of what went wrong in one of the stages.
        """
        live = self._source.live
        frames: Channel[Frame] = Channel(1, Overflow.DROP_OLDEST) if live else Channel(2)
        analysed: Channel[AnalysedFrame] = Channel(2)
        settings = self._shared.settings.adaptation
        seat = self._shared.threads.seat(self.name, self._priority)
        try:
            async with (
                TaskGroup() as rounds,
                Analysis(self.name, self._shared.networks, settings, self._shared.worker, rounds, seat) as analysis,
                TaskGroup() as stages,
            ):
                self._analysis = analysis
                if self._ordered is not None:
                    analysis.order(self._ordered)
                stages.create_task(self._source.run(frames), name=f"{self.name} source")
                stages.create_task(analysis.run(frames, analysed), name=f"{self.name} analysis")
                telling = stages.create_task(self._tell_states(frames), name=f"{self.name} states")
                await self._publish_all(analysed)
                telling.cancel()
        finally:
            for event in self._follower.end():
                await self._tell(event)
            await self._tell_state()

    def fail(self, error: str) -> None:
        """Take note of what brought the camera down; empty = it runs again."""
        self._error = redact_text(error)

    def state(self) -> CameraState:
        """Return the camera at a glance."""
        status = self._source.status
        dropped = Counter(status.dropped) + Counter(overtaken=self._overtaken)
        newest = self._newest
        adapter = self._analysis.adapter if self._analysis else None
        height, width = newest.frame.size if newest else (0, 0)
        final = newest.saliency.final if newest else None
        threshold = self._shared.settings.regions.threshold
        return CameraState(
            camera=self.name,
            time=time.time(),
            source="down" if self._error else status.state,
            pts=newest.frame.pts if newest else None,
            media_time=newest.frame.time if newest else 0.0,
            width=width,
            height=height,
            fps=self._rate.per_second(time.monotonic()),
            frame_age=newest.finished_at - newest.frame.arrived_at if newest else 0.0,
            saliency_peak=float(final.max()) if final is not None else 0.0,
            saliency_mean=float(final.mean()) if final is not None else 0.0,
            saliency_area=float((final >= threshold).mean()) if final is not None else 0.0,
            nr=newest.saliency.nr if newest else 1.0,
            is_keyframe=newest.saliency.is_keyframe if newest else False,
            model_version=adapter.state.version if adapter else 0,
            phase=self._phase(),
            frames=self._frames,
            dropped={reason: count for reason, count in dropped.items() if count},
            keyframes=adapter.keyframes if adapter else 0,
            window=len(adapter.window) if adapter else 0,
            retrainings=adapter.retrainings if adapter else 0,
            swaps=adapter.swaps if adapter else 0,
            rejected=adapter.rejected if adapter else 0,
            failed=adapter.failed if adapter else 0,
            recalled=adapter.recalled if adapter else 0,
            rolled_back=adapter.rolled_back if adapter else 0,
            remembered=len(adapter.library) if adapter else 0,
            reconnects=status.reconnects,
            regions=len(self._follower.regions),
            error=self._error or status.error,
        )

    def _phase(self) -> Phase:
        analysis = self._analysis
        if analysis is None or analysis.adapter is None:
            return "off"
        return "queued" if analysis.queued else analysis.adapter.state.phase

    def keyframes(self) -> Sequence[KeyframeThumbnail]:
        """Return the keyframes in the window, oldest first."""
        return tuple(self._thumbnails.values())

    def keyframe(self, number: int) -> KeyframeThumbnail | None:
        """Return one keyframe, also for a while after it left the window."""
        return self._thumbnails.get(number) or next((one for one in self._departed if one.id == number), None)

    def snapshot(self) -> bytes | None:
        """Return the newest frame with what stands out in it as a JPEG file; None before the first. For any thread."""
        newest = self._newest
        if newest is None:
            return None
        return render.jpeg(self._draw(("overlay",), newest)["overlay"])

    def saliency_map(self, view: str) -> SaliencyMap:
        """Return the newest map of `view`, one of `stream.saliency_map.MAPS`.

        Raises:
            UnknownNameError: there is no such map.
            NoSignalError: no frames come.
        """
        newest = self._newest
        if newest is None or self._source.status.state != "up":
            message = f"camera '{self.name}' gives no frames now ({self._source.status.state})"
            raise NoSignalError(message)
        return map_of(newest, view)

    def timeline(self) -> Timeline:
        """Return the last minutes."""
        return self._history.timeline()

    @property
    def inlet(self) -> Inlet | None:
        """Where its publisher comes in; None if it has another source."""
        return self._source.inlet if isinstance(self._source, WhipSource) else None

    async def command(self, command: Command) -> None:
        """Tell the adaptation what to do, and everybody how it stands then; on and off outlive a start anew."""
        if command in {"on", "off"}:
            self._ordered = command
        for event in self._analysis.order(command) if self._analysis else ():
            await self._tell(event)
        await self._tell_state()

    async def _publish_all(self, analysed: Channel[AnalysedFrame]) -> None:
        async for frame in analysed:
            await self._publish(frame)

    async def _publish(self, analysed: AnalysedFrame) -> None:
        """Show and tell one frame."""
        wanted = self._shared.hub.wanted(self.name)
        unix = self._clock.unix(analysed.frame.time, arrival(analysed.frame, time.monotonic(), time.time()))
        loop = asyncio.get_running_loop()
        make = partial(self._make, analysed, wanted, unix, self._window(), self._thumbnails)
        made = await loop.run_in_executor(self._render_thread, make)
        self._newest = analysed
        self._frames += 1
        self._rate.tick(time.monotonic())
        self._history.add(unix, analysed.saliency)
        self._counts.frame(analysed)
        if self._shared.observer is not None:
            self._shared.observer.analysed(self.name, analysed, self._phase())
        self._departed.extend(one for one in self._thumbnails.values() if one.id not in made.thumbnails)
        self._thumbnails = made.thumbnails
        for view, picture in made.pictures.items():
            self._shared.hub.publish(self.name, view, picture, analysed.frame.pts, analysed.frame.time_base)
        if archive := self._shared.archive:
            archive.offer(self.name, analysed.frame)
            for name, jpeg in made.snapshots.items():
                await archive.keep_picture(name, jpeg)
        for event in (*analysed.events, *made.events):
            await self._tell(event)

    def _make(
        self,
        analysed: AnalysedFrame,
        wanted: frozenset[str],
        unix: float,
        window: Sequence[Keyframe],
        known: Mapping[int, KeyframeThumbnail],
    ) -> _Published:
        """Follow the regions, draw what someone looks at and keyframes not drawn yet; in the render thread."""
        events = self._follower.follow(analysed, unix)
        pictures = self._draw(wanted, analysed)
        thumbnails = {held.sequence: known.get(held.sequence) or _thumbnail(held) for held in window}
        snapshots = event_pictures(events, analysed) if self._shared.archive else {}
        return _Published(events, pictures, thumbnails, snapshots)

    def _draw(self, views: Iterable[str], analysed: AnalysedFrame) -> Mapping[str, Picture]:
        width = self._shared.hub.encoding(self.name).width
        return render_views(views, analysed, self._follower.regions, width, self._follower.zones)

    def _window(self) -> Sequence[Keyframe]:
        adapter = self._analysis.adapter if self._analysis else None
        return tuple(adapter.window) if adapter else ()

    async def _tell(self, event: Event) -> None:
        if isinstance(event, AdaptationEvent):
            self._history.mark(event)
            self._counts.adaptation(event)
        await self._shared.bus.publish(event)

    async def _tell_states(self, frames: Channel[Frame]) -> None:
        while True:
            self._overtaken = frames.dropped
            await self._tell_state()
            await asyncio.sleep(_STATE_INTERVAL)

    async def _tell_state(self) -> None:
        state = self.state()
        self._counts.source(state)
        await self._tell(state)


def _thumbnail(keyframe: Keyframe) -> KeyframeThumbnail:
    picture = render.jpeg(render.fit(keyframe.image, _THUMBNAIL_WIDTH))
    return KeyframeThumbnail(id=keyframe.sequence, media_time=keyframe.media_time, nr=keyframe.nr, jpeg=picture)
