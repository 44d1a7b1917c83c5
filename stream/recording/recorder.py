"""Cuts a clip around each event of one camera, out of what its ring holds and what comes after."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

from av.error import FFmpegError
from prometheus_client import Counter

from configs.events import ClipSettings
from stream.errors import OutputError
from stream.events import RegionEvent
from stream.frame import Frame
from stream.recording.clip_disk import ClipDisk
from stream.recording.clip_file import ClipFile
from stream.recording.frame_coder import FrameCoder
from stream.recording.packet_ring import CodedPacket, PacketRing

Result = Literal["written", "failed", "skipped"]
"""What became of a clip; skipped: the disk was full, too many at once, or there was no video of it."""

_INTERVAL: Final = 0.5
"""Seconds between two looks at what came."""

_STALLED: Final = 2.0
"""Seconds after its end that a clip waits for packets that do not come."""

_SLACK: Final = 2.0
"""Seconds that the ring reaches back further than an event can ask, for a look that comes late."""

_MEGABYTE: Final = 1_000_000

_log = logging.getLogger("livesal.clips")


@dataclass(slots=True, kw_only=True)
class _Clip:
    """A clip on its way. Times are of the monotonic clock."""

    event: str
    start: float
    end: float
    file: ClipFile | None = None
    opening: int = 0
    last: int = 0


def ring_for(settings: ClipSettings, longest_wait: float) -> PacketRing:
    """Return a ring that reaches far enough back for events told `longest_wait` seconds after their start."""
    return PacketRing(settings.before + longest_wait + _SLACK, round(settings.memory * _MEGABYTE))


class Recorder:
    """Records the events of one camera. All methods belong to one event loop, and none of them holds up a frame.

    Attributes:
        ring: what the camera's packets go into.
        skipped_frames: frames that were not coded since the coder was busy with an earlier one.
    """

    def __init__(
        self,
        camera: str,
        ring: PacketRing,
        disk: ClipDisk,
        settings: ClipSettings,
        results: Counter,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Make a recorder; nothing is recorded yet.

        Args:
            camera: its name.
            ring: what its packets go into.
            disk: where clips are written.
            settings: how long clips are.
            results: counts clips by camera and result.
            clock: monotonic seconds, the ring's.
            wall: unix seconds, the events'.
        """
        self.ring = ring
        self.skipped_frames = 0
        self._camera = camera
        self._disk = disk
        self._settings = settings
        self._results = results
        self._clock = clock
        self._wall = wall
        self._clips: dict[str, _Clip] = {}
        self._wanted = asyncio.Event()
        self._stopping = asyncio.Event()
        self._coder = FrameCoder(ring, settings)
        self._coding: asyncio.Future[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"record-{camera}")

    def offer(self, frame: Frame) -> None:
        """Take a frame to be coded, if the source's own packets do not fit; it never waits."""
        if self.ring.copying:
            return
        if self._coding is not None and not self._coding.done():
            self.skipped_frames += 1
            return
        self._report_coding()
        self._coding = asyncio.get_running_loop().run_in_executor(self._thread, self._coder.code, frame)

    def note(self, event: RegionEvent) -> None:
        """Begin or end the clip of an event."""
        region = event.after
        if event.type == "new":
            if self._disk.rests or len(self._clips) >= self._settings.most:
                self._count("skipped")
                return
            start = self._monotonic(region.start_time)
            limit = start + self._settings.longest
            self._clips[region.id] = _Clip(event=region.id, start=start - self._settings.before, end=limit)
            self._wanted.set()
        elif event.type == "end" and (clip := self._clips.get(region.id)):
            end = self._monotonic(region.end_time or region.frame_time) + self._settings.after
            clip.end = min(clip.end, end)

    async def run(self) -> None:
        """Write clips until `stop`, then finish those on their way with what there is."""
        while not self._stopping.is_set():
            await self._wanted.wait()
            await self.look()
            with suppress(TimeoutError):
                async with asyncio.timeout(_INTERVAL):
                    await self._stopping.wait()
        await self.look()
        if self._coding is not None:
            await asyncio.wait([self._coding])
            self._report_coding()
        self._thread.shutdown(wait=False)

    def stop(self) -> None:
        """Let `run` end."""
        self._stopping.set()
        self._wanted.set()

    async def look(self) -> None:
        """Write what has come for the clips on their way; finish those that are over, after `stop` all of them."""
        for clip in tuple(self._clips.values()):
            await self._advance(clip)
        if not self._clips:
            self._wanted.clear()

    async def _advance(self, clip: _Clip) -> None:
        try:
            packets = await self._fetch(clip)
            wanted = [packet for packet in packets or () if packet.arrived_at <= clip.end]
            if clip.file is not None and wanted:
                await self._disk.do(clip.file.add, wanted)
                clip.last = wanted[-1].number
            passed = packets is None or len(wanted) < len(packets)
            if passed or self._stopping.is_set() or self._clock() >= clip.end + _STALLED:
                await self._finish(clip)
        except OutputError:
            await self._give_up(clip)
        except FFmpegError as error:
            _log.warning("%s: the clip of event %s cannot be written: %s", self._camera, clip.event, error)
            await self._give_up(clip)

    async def _fetch(self, clip: _Clip) -> Sequence[CodedPacket] | None:
        """Return what has come for `clip`, opening its file with the first of it; None once its source is lost.

        Raises:
            OutputError: the disk refused.
        """
        if clip.file is not None:
            return self.ring.after(clip.opening, clip.last)
        cut = self.ring.cut(clip.start)
        if cut is None:
            return ()
        clip.file = await self._disk.do(self._disk.folder.begin, clip.event, cut.shape)
        clip.opening = cut.opening
        return cut.packets

    async def _finish(self, clip: _Clip) -> None:
        if clip.file is not None and clip.last:
            await self._disk.do(clip.file.finish)
            self._count("written")
            await self._disk.sweep()
        else:
            self._count("skipped")
            await self._disk.forget(clip.file)
        self._clips.pop(clip.event, None)

    async def _give_up(self, clip: _Clip) -> None:
        self._clips.pop(clip.event, None)
        self._count("failed")
        await self._disk.forget(clip.file)

    def _report_coding(self) -> None:
        """Say what the coder could not do with the last frame; the next one begins anew."""
        error = self._coding.exception() if self._coding is not None and not self._coding.cancelled() else None
        if error is not None:
            _log.warning("%s: a frame cannot be coded for clips: %s", self._camera, error)
            self._coder = FrameCoder(self.ring, self._settings)

    def _monotonic(self, unix: float) -> float:
        return self._clock() - (self._wall() - unix)

    def _count(self, result: Result) -> None:
        self._results.labels(self._camera, result).inc()
