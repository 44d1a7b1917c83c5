"""The analysis stage of one camera: frames in, saliency out, adaptation between two frames."""

import asyncio
import logging
import time
from asyncio import TaskGroup
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from configs.method import AdaptationSettings
from models.denormals import flush_denormals
from models.engine import ServedNetwork
from models.errors import ModelError
from models.slot import Slot
from pipeline.adapter import Adapter
from pipeline.memory import TwinMemory
from pipeline.networks import Networks
from pipeline.retraining.rounds import ChildRounds
from pipeline.retraining.worker import RetrainingWorker
from pipeline.saliency_path import ColourHalf, ColourResult, MotionHalf, MotionResult, combine
from pipeline.temporal import TemporalSmoothing
from pipeline.values import Keyframe, SaliencyFrame
from pipeline.working_size import flow_size, shrink, working_size
from stream.channel import Channel
from stream.events import AdaptationEvent
from stream.frame import Frame

T = TypeVar("T")

_log = logging.getLogger("livesal.adaptation")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AnalysedFrame:
    """A frame with all that was found in it.

    Attributes:
        frame: as it came.
        small: (h, w, 3) uint8 RGB, the frame at the working size.
        saliency: the maps.
        events: what the adaptation has to tell since the frame before.
        seconds: how long each stage took.
        finished_at: monotonic clock in seconds when the maps were ready.
    """

    frame: Frame
    small: NDArray[np.uint8]
    saliency: SaliencyFrame
    events: tuple[AdaptationEvent, ...]
    seconds: dict[str, float]
    finished_at: float


@dataclass(frozen=True, slots=True, eq=False)
class _Halves:
    """The frame path for one working size."""

    frame_size: tuple[int, int]
    size: tuple[int, int]
    flow_size: tuple[int, int]
    colour: ColourHalf
    motion: MotionHalf
    smoothing: TemporalSmoothing | None


class Analysis:
    """Owns a camera's frame path and its adaptation; each half has a thread of its own."""

    def __init__(
        self,
        camera: str,
        networks: Networks,
        settings: AdaptationSettings,
        worker: RetrainingWorker,
        tasks: TaskGroup,
        *,
        wait_for_rounds: bool = False,
    ) -> None:
        """Hold what the stage needs; nothing is loaded yet.

        Args:
            camera: its name.
            networks: the service's networks.
            settings: of the adaptation.
            worker: the child process that retrains.
            tasks: the group that rounds run in.
            wait_for_rounds: whether frames wait while a round runs: for files, whose end would else come first.
        """
        self.camera = camera
        self._networks = networks
        self._settings = settings
        self._worker = worker
        self._tasks = tasks
        self._wait = wait_for_rounds
        self._memory = (
            TwinMemory(settings.memory, camera, networks.settings.colour) if settings.memory is not None else None
        )
        self._remembering: Future[None] | None = None
        self._slot = Slot()
        self._halves: _Halves | None = None
        self._rounds: ChildRounds | None = None
        self._untold: list[AdaptationEvent] = []
        self.adapter: Adapter | None = None
        self._colour_thread = _frame_thread(f"colour-{camera}")
        self._motion_thread = _frame_thread(f"motion-{camera}")
        self._round_thread = ThreadPoolExecutor(1, thread_name_prefix=f"rounds-{camera}")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._rounds is not None:
            await self._rounds.stop()
        if self._remembering is not None:
            await asyncio.wrap_future(self._remembering)
        for executor in (self._colour_thread, self._motion_thread, self._round_thread):
            executor.shutdown(wait=False, cancel_futures=True)

    async def run(self, frames: Channel[Frame], out: Channel[AnalysedFrame]) -> None:
        """Analyse frames until they end; then close `out`.

        Raises:
            ModelError: a network cannot be loaded or served.
        """
        try:
            async for frame in frames:
                await out.send(await self.analyse(frame))
        finally:
            await out.close()

    async def analyse(self, frame: Frame) -> AnalysedFrame:
        """Return the saliency of the next frame, and let the adaptation take note of it."""
        halves = await self._halves_for(frame.size)
        started = time.monotonic()
        fine = await _on(self._colour_thread, lambda: shrink(frame.image, halves.flow_size))
        small = await _on(self._colour_thread, lambda: shrink(fine, halves.size))
        shrunk = time.monotonic()
        async with TaskGroup() as group:
            colour = group.create_task(_timed(self._colour_thread, lambda: halves.colour(small)), name="colour")
            motion = group.create_task(_timed(self._motion_thread, lambda: halves.motion(fine)), name="motion")
        (colour_result, colour_seconds), (motion_result, motion_seconds) = colour.result(), motion.result()
        events, saliency = await self._conclude(frame, small, colour_result, motion_result, halves.smoothing)
        finished = time.monotonic()
        seconds = {
            "shrink": shrunk - started,
            "colour": colour_seconds,
            "motion": motion_seconds,
            "total": finished - started,
        }
        return AnalysedFrame(
            frame=frame, small=small, saliency=saliency, events=events, seconds=seconds, finished_at=finished
        )

    async def _conclude(
        self,
        frame: Frame,
        small: NDArray[np.uint8],
        colour: ColourResult,
        motion: MotionResult,
        smoothing: TemporalSmoothing | None,
    ) -> tuple[tuple[AdaptationEvent, ...], SaliencyFrame]:
        saliency = combine(colour, motion, self._networks.settings, smoothing)
        if self.adapter is None:
            return (), saliency
        keyframe = None
        if saliency.is_keyframe:
            keyframe = Keyframe(
                image=small,
                label=saliency.low_level,
                nr=saliency.nr,
                media_time=frame.time,
                sequence=frame.sequence,
            )
        events = [*self._untold, *self.adapter.observe(frame.time, keyframe, scene_cut=saliency.scene_cut)]
        self._untold.clear()
        self._remember(self.adapter, events, (small.shape[0], small.shape[1]))
        if self._wait and self._rounds is not None:
            await self._rounds.wait()
        return tuple(events), saliency

    async def _halves_for(self, frame_size: tuple[int, int]) -> _Halves:
        """Return the frame path for frames of this size; another working size begins anew, without a twin."""
        if self._halves is not None and self._halves.frame_size == frame_size:
            return self._halves
        settings = self._networks.settings
        size = settings.size or working_size(frame_size, settings.area)
        if self._halves is None or self._halves.size != size:
            if self._rounds is not None:
                await self._rounds.stop()
            colour = await self._networks.colour(size)
            motion = await self._networks.motion(size)
            flow = await _on(self._motion_thread, self._networks.flow)
            await self._adapt(colour, size)
            self._halves = _Halves(
                frame_size=frame_size,
                size=size,
                flow_size=flow_size(size, settings.flow_scale),
                colour=ColourHalf(colour, self._slot),
                motion=MotionHalf(motion, flow, size, settings),
                smoothing=TemporalSmoothing(settings.smoothing) if settings.smoothing else None,
            )
        else:
            self._halves = replace(self._halves, frame_size=frame_size)
        return self._halves

    async def _adapt(self, colour: ServedNetwork, size: tuple[int, int]) -> None:
        """Let rounds retrain `colour` from now on, and go on with the twin of an earlier run if one is remembered."""
        rounds = ChildRounds(
            self._networks.settings.colour, colour, self._settings, self._worker, self._tasks, self._round_thread
        )
        if self.adapter is None:
            self.adapter = Adapter(self.camera, self._settings, self._slot, rounds, adaptable=colour.adaptable)
            if self._memory is not None and self.adapter.state.phase != "off":
                await self._resume(self.adapter, self._memory, colour, size)
        else:
            self._untold += self.adapter.begin_anew(rounds)
        self._rounds = rounds

    async def _resume(self, adapter: Adapter, memory: TwinMemory, colour: ServedNetwork, size: tuple[int, int]) -> None:
        state = await _on(self._round_thread, lambda: memory.recall(size))
        if state is None:
            return
        try:
            head = await _on(self._round_thread, lambda: colour.twin_head(state))
        except ModelError as error:
            _log.warning("%s: the twin that was kept cannot be served, so the original does: %s", self.camera, error)
            return
        self._untold += adapter.resume(state, head)

    def _remember(self, adapter: Adapter, events: Sequence[AdaptationEvent], size: tuple[int, int]) -> None:
        """Write what is in service now, behind the frames' back."""
        memory = self._memory
        kinds = {event.kind for event in events}
        if memory is None or not kinds & {"swapped", "reset"}:
            return
        weights, window = adapter.weights, tuple(adapter.window)
        work = partial(memory.keep, weights, size, window) if weights else memory.forget
        self._remembering = self._round_thread.submit(work)


def _frame_thread(name: str) -> ThreadPoolExecutor:
    """Return a thread in which denormal numbers count as zero: they take a quarter of CSNet's time."""
    return ThreadPoolExecutor(1, thread_name_prefix=name, initializer=flush_denormals)


async def _on(executor: Executor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(executor, work)


async def _timed(executor: Executor, work: Callable[[], T]) -> tuple[T, float]:
    """Return the work's result and the seconds it took in its thread, without its wait for the thread."""

    def timed() -> tuple[T, float]:
        started = time.monotonic()
        return work(), time.monotonic() - started

    return await _on(executor, timed)
