"""What is kept of events: their history, their clips, their pictures."""

import logging
from asyncio import TaskGroup
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from configs.events import EventSettings, Watched
from stream.channel import Channel, Overflow
from stream.errors import OutputError
from stream.events import RegionEvent
from stream.frame import Frame
from stream.history.entries import Page, Query
from stream.history.history import EventHistory
from stream.metrics import Metrics
from stream.recording.clip_disk import ClipDisk
from stream.recording.clip_folder import ClipFolder, is_event_id
from stream.recording.packet_ring import PacketRing
from stream.recording.recorder import Recorder, ring_for
from stream.sinks.feed import Subscribe

_PICTURES: Final = 200
"""Pictures of the last events that are held in memory where no folder keeps them."""

_WAITING: Final = 64
"""Pictures that wait for the disk; beyond that the oldest is dropped."""

_log = logging.getLogger("livesal.events")


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """How keeping events is going.

    Attributes:
        history_problem: why events are not kept now; empty while they are.
        history_dropped: entries that were never written.
        recording: whether clips are recorded at all.
        clips: in their folder.
        clips_bytes: size of the folder.
        clips_problem: why recording pauses; empty while it does not.
    """

    history_problem: str
    history_dropped: int
    recording: bool
    clips: int
    clips_bytes: int
    clips_problem: str


@dataclass(frozen=True, slots=True)
class Kept:
    """Which events have a clip and which a picture, by their ids."""

    clips: frozenset[str]
    pictures: frozenset[str]


class EventArchive:
    """Keeps the events of all cameras. All methods belong to one event loop; none of them holds up a frame."""

    def __init__(self, settings: EventSettings, metrics: Metrics) -> None:
        """Make an archive that is not open yet."""
        self._settings = settings
        self._metrics = metrics
        self._history = EventHistory(settings)
        folder = settings.clips.folder
        self._disk = ClipDisk(ClipFolder(folder, settings.clips)) if folder else None
        self._recorders: dict[str, Recorder] = {}
        self._pictures: dict[str, bytes] = {}
        self._to_write: Channel[tuple[str, bytes]] = Channel(_WAITING, Overflow.DROP_OLDEST)
        self._tasks: TaskGroup | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open the database and the folder.

        Raises:
            OutputError: one of them cannot be used.
        """
        async with AsyncExitStack() as opened:
            await opened.enter_async_context(self._history)
            if self._disk is not None:
                await opened.enter_async_context(self._disk)
            self._stack = opened.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    def ring(self, camera: str, watched: Watched) -> PacketRing | None:
        """Return what the packets of `camera` go into from now on; None where no clips of it are recorded."""
        self.forget(camera)
        if self._disk is None or not watched.events.clips:
            return None
        clips = self._settings.clips
        ring = ring_for(clips, watched.longest_wait)
        self._recorders[camera] = recorder = Recorder(camera, ring, self._disk, clips, self._metrics.clips)
        if self._tasks is not None:
            self._tasks.create_task(recorder.run(), name=f"{camera} clips")
        return ring

    def forget(self, camera: str) -> None:
        """Finish the clips of a camera that goes."""
        if recorder := self._recorders.pop(camera, None):
            recorder.stop()

    def offer(self, camera: str, frame: Frame) -> None:
        """Take a frame, if the camera's clips are made of frames; never waits."""
        if recorder := self._recorders.get(camera):
            recorder.offer(frame)

    async def keep_picture(self, event: str, jpeg: bytes) -> None:
        """Keep the picture of an event, as a JPEG file; waits for no disk."""
        self._pictures[event] = jpeg
        if len(self._pictures) > _PICTURES:
            del self._pictures[next(iter(self._pictures))]
        if self._disk is not None and not self._to_write.closed:
            await self._to_write.send((event, jpeg))

    async def run(self, subscribe: Subscribe) -> None:
        """Keep what is told, until that ends; then finish what is on its way."""
        async with subscribe() as events, TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(self._history.run(), name="history")
            tasks.create_task(self._write_pictures(), name="event pictures")
            for camera, recorder in self._recorders.items():
                tasks.create_task(recorder.run(), name=f"{camera} clips")
            async for event in events:
                self._history.record(event)
                if isinstance(event, RegionEvent) and (found := self._recorders.get(event.after.camera)):
                    found.note(event)
            self._tasks = None
            for recorder in self._recorders.values():
                recorder.stop()
            self._history.stop()
            await self._to_write.close()

    async def page(self, query: Query) -> tuple[Page, Kept]:
        """Return the events that are asked for, and which of them have a clip or a picture.

        Raises:
            OutputError: the history cannot be read.
        """
        page = await self._history.page(query)
        return page, await self._kept([entry.id for entry in page.entries])

    async def clip(self, event: str) -> Path | None:
        """Return the video of an event; None if there is none, or not yet."""
        kept = await self._kept([event])
        return self._disk.folder.file(event, ".mp4") if self._disk and event in kept.clips else None

    async def picture(self, event: str) -> bytes | None:
        """Return the picture of an event as a JPEG file; None if there is none."""
        if event in self._pictures or self._disk is None or not is_event_id(event):
            return self._pictures.get(event)
        return await self._disk.read(event)

    def storage(self) -> Storage:
        """Return how keeping events is going."""
        usage = self._disk.usage if self._disk else None
        return Storage(
            history_problem=self._history.problem,
            history_dropped=sum(self._history.dropped.values()),
            recording=self._disk is not None,
            clips=usage.clips if usage else 0,
            clips_bytes=usage.size if usage else 0,
            clips_problem=self._disk.problem if self._disk else "",
        )

    async def _kept(self, events: Sequence[str]) -> Kept:
        ids = [event for event in events if is_event_id(event)]
        pictures = {event for event in ids if event in self._pictures}
        if self._disk is None:
            return Kept(frozenset(), frozenset(pictures))
        clips, on_disk = await self._disk.having(ids)
        return Kept(clips, on_disk | pictures)

    async def _write_pictures(self) -> None:
        async for event, jpeg in self._to_write:
            if self._disk is None or self._disk.rests:
                continue
            try:
                await self._disk.do(self._disk.folder.keep_picture, event, jpeg)
            except OutputError as error:
                _log.info("the picture of event %s is lost: %s", event, error)
