"""`livesal run`: a file or stream, once through, to a video, a folder of maps, or JSON lines."""

import asyncio
import time
from asyncio import TaskGroup
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

from configs.settings import Settings
from pipeline.analysed_frame import AnalysedFrame
from pipeline.analysis import Analysis
from pipeline.durations import Durations
from pipeline.following import Follower, MediaClock
from pipeline.frame_threads import FrameThreads
from pipeline.networks import Networks
from pipeline.retraining.worker import RetrainingWorker
from stream.channel import Channel, Overflow
from stream.events import RegionEvent, TrackedRegion
from stream.frame import Frame
from stream.source import Source


@dataclass(frozen=True, slots=True, eq=False)
class RunFrame:
    """One frame of a run: what was found, the regions that are being followed, and what happened to them."""

    analysed: AnalysedFrame
    regions: tuple[TrackedRegion, ...]
    region_events: tuple[RegionEvent, ...]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run came to.

    Attributes:
        frames: analysed.
        seconds: from the first frame to the last.
        fps: frames per second.
        keyframes: found.
        retrainings: rounds finished, whatever their outcome.
        swaps: twins swapped in.
        rejected: twins rejected.
        stages_ms: {stage: {"p50", "p95", "p99"}} in milliseconds.
    """

    frames: int
    seconds: float
    fps: float
    keyframes: int
    retrainings: int
    swaps: int
    rejected: int
    stages_ms: dict[str, dict[str, float]]


class Run:
    """Goes through a source once; frames of a file wait while the twin is retrained."""

    def __init__(self, source: Source, settings: Settings, camera: str = "run") -> None:
        """Hold what the run needs; nothing is opened yet."""
        self._source = source
        self._settings = settings
        self._camera = camera
        self._durations = Durations()
        self._analysis: Analysis | None = None
        self._frames = 0
        self._started: float | None = None
        self._ended = 0.0

    @property
    def live(self) -> bool:
        """Whether the source is one whose newest frame wins."""
        return self._source.live

    async def consume(self, take: Callable[[RunFrame], None]) -> None:
        """Hand every frame to `take`, in order, in a thread of its own.

        Raises:
            SourceError: the source cannot be read.
            ModelError: a network cannot be loaded or served.
        """
        loop = asyncio.get_running_loop()
        follower = Follower(self._camera, self._settings.regions)
        clock = MediaClock(live=False)

        def handle(analysed: AnalysedFrame) -> None:
            events = follower.follow(analysed, clock.unix(analysed.frame.time, time.time()))
            take(RunFrame(analysed, follower.regions, events))

        async with _thread("output") as output, self._analysed() as frames:
            async for analysed in frames:
                started = time.monotonic()
                await loop.run_in_executor(output, handle, analysed)
                self._note(analysed, time.monotonic() - started)

    def summary(self) -> RunSummary:
        """Return what the run has come to so far."""
        seconds = self._ended - self._started if self._started is not None else 0.0
        adapter = self._analysis.adapter if self._analysis else None
        return RunSummary(
            frames=self._frames,
            seconds=round(seconds, 3),
            fps=round(self._frames / seconds, 2) if seconds > 0 else 0.0,
            keyframes=adapter.keyframes if adapter else 0,
            retrainings=adapter.retrainings if adapter else 0,
            swaps=adapter.swaps if adapter else 0,
            rejected=adapter.rejected if adapter else 0,
            stages_ms=self._durations.milliseconds(),
        )

    @asynccontextmanager
    async def _analysed(self) -> AsyncIterator[Channel[AnalysedFrame]]:
        """Give the channel that analysed frames come from."""
        live = self._source.live
        frames: Channel[Frame] = Channel(1, Overflow.DROP_OLDEST) if live else Channel(4)
        analysed: Channel[AnalysedFrame] = Channel(4)
        with FrameThreads(self._settings.method.threads) as threads:
            async with _thread("build") as build:
                networks = Networks(self._settings.method, build)
                await networks.load()
                async with (
                    RetrainingWorker() as worker,
                    TaskGroup() as rounds,
                    Analysis(
                        self._camera,
                        networks,
                        self._settings.adaptation,
                        worker,
                        rounds,
                        threads.seat(self._camera),
                        wait_for_rounds=not live,
                    ) as self._analysis,
                    TaskGroup() as stages,
                ):
                    if self._settings.adaptation.enabled:
                        await worker.start()
                    stages.create_task(self._source.run(frames), name="source")
                    stages.create_task(self._analysis.run(frames, analysed), name="analysis")
                    yield analysed

    def _note(self, analysed: AnalysedFrame, output_seconds: float) -> None:
        if self._started is None:
            self._started = analysed.finished_at - analysed.seconds["total"]
        self._ended = time.monotonic()
        self._frames += 1
        self._durations.add({**analysed.seconds, "output": output_seconds})


@asynccontextmanager
async def _thread(name: str) -> AsyncIterator[Executor]:
    """Give a thread, and wait at the end for what it is doing: nobody takes its output away before."""
    executor = ThreadPoolExecutor(1, thread_name_prefix=name)
    try:
        yield executor
    finally:
        await asyncio.to_thread(executor.shutdown, cancel_futures=True)
