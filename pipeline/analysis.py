"""The analysis stage of one camera: frames in, saliency out, adaptation between two frames."""

import asyncio
import logging
import time
from asyncio import Task, TaskGroup
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from types import TracebackType
from typing import Final, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from configs.method import AdaptationSettings
from models.engine import ServedNetwork
from models.errors import ModelError
from models.slot import Slot
from pipeline.adaptation_messages import Order
from pipeline.adapter import Adapter
from pipeline.analysed_frame import AnalysedFrame
from pipeline.appearance import appearance
from pipeline.closer_look import CloserLooks
from pipeline.frame_path import FramePath, Sizes
from pipeline.frame_threads import Seat
from pipeline.in_order import InOrder
from pipeline.keyframes import keyframe_of
from pipeline.memory import TwinMemory
from pipeline.networks import Networks
from pipeline.retraining.rounds import ChildRounds
from pipeline.retraining.worker import RetrainingWorker
from pipeline.saliency_path import (
    ColourResult,
    MotionResult,
    OriginalColour,
)
from pipeline.values import SaliencyFrame
from stream.channel import Channel
from stream.events import AdaptationEvent, AdaptationKind
from stream.frame import Frame

T = TypeVar("T")

_log = logging.getLogger("livesal.adaptation")

_KEPT: Final[frozenset[AdaptationKind]] = frozenset({"swapped", "recalled", "rolled-back", "reset"})
"""Steps after which another twin is in service, and is written to disk."""


@dataclass(frozen=True, slots=True, eq=False)
class _Begun:
    """A frame of which all has begun that does not depend on the frame before being done.

    Attributes:
        frame: as it came.
        path: what it goes through.
        small: the frame at the working size.
        original: the original network's part of the colour half, and the seconds that it took.
        motion: the motion half, under way, and the seconds that it takes.
        started_at: monotonic clock in seconds when the frame was taken.
        shrink_seconds: what shrinking it took.
    """

    frame: Frame
    path: FramePath
    small: NDArray[np.uint8]
    original: tuple[OriginalColour, float]
    motion: Future[tuple[MotionResult, float]]
    started_at: float
    shrink_seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class _Taken:
    """The next frame, begun unless the frame path does not fit it, and the turn that is held for it.

    Attributes:
        frame: None = it waits in its channel still, since the frame path does not fit it.
        begun: None = the frame path does not fit it.
        turn: held until it is closed; empty where the frame still waits.
    """

    frame: Frame | None
    begun: _Begun | None
    turn: AsyncExitStack


class Analysis:
    """Owns a camera's frame path and its adaptation; the halves of a frame run side by side."""

    def __init__(
        self,
        camera: str,
        networks: Networks,
        settings: AdaptationSettings,
        worker: RetrainingWorker,
        tasks: TaskGroup,
        seat: Seat,
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
            seat: the camera's place at the threads that frames are analysed in.
            wait_for_rounds: whether frames wait while a round runs: for files, whose end would else come first.
        """
        self.camera = camera
        self._networks = networks
        self._settings = settings
        self._worker = worker
        self._tasks = tasks
        self._seat = seat
        self._wait = wait_for_rounds
        self._memory = (
            TwinMemory(settings.memory, camera, networks.settings.colour) if settings.memory is not None else None
        )
        self._remembering: Future[None] | None = None
        self._slot = Slot()
        self._closer = CloserLooks(settings.teacher)
        self._path: FramePath | None = None
        self._rounds: ChildRounds | None = None
        self._untold: list[AdaptationEvent] = []
        self._ordered: Order | None = None
        self.adapter: Adapter | None = None
        self._colour_work, self._motion_work = InOrder(seat.executor), InOrder(seat.executor)
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
        self._round_thread.shutdown(wait=False, cancel_futures=True)

    @property
    def queued(self) -> bool:
        """Whether a round of retraining waits until other cameras' are over."""
        return self._rounds is not None and self._rounds.queued

    async def run(self, frames: Channel[Frame], out: Channel[AnalysedFrame]) -> None:
        """Analyse frames until they end; then close `out`.

        A frame begins while the one before is being finished, so that neither of the two threads waits for the other
        at each frame. What comes out is the same as one after the other: the twin's map is computed only when the
        adaptation has taken note of the frame before.

        Raises:
            ExceptionGroup: of a ModelError, where a network cannot be loaded or served.
        """
        taken: Task[_Taken | None] | None = None
        try:
            async with TaskGroup() as ahead:
                taken = ahead.create_task(self._take(frames), name=f"{self.camera} frame ahead")
                while (got := await taken) is not None:
                    async with got.turn:
                        begun = got.begun or await self._begin_anew(frames, got)
                        taken = ahead.create_task(self._take(frames), name=f"{self.camera} frame ahead")
                        analysed = await self._finish(begun)
                    await out.send(analysed)
        finally:
            if taken is not None and taken.done() and not taken.cancelled() and not taken.exception():
                await _give_back(taken.result())
            await out.close()

    def order(self, order: Order) -> list[AdaptationEvent]:
        """Do what a person asked for; what is asked before the first frame is done with it, if there is a use then."""
        if self.adapter is None:
            self._ordered = order
            return []
        return self.adapter.order(order)

    async def analyse(self, frame: Frame) -> AnalysedFrame:
        """Return the saliency of the next frame, and let the adaptation take note of it."""
        return await self._finish(await self._begin(frame, await self._path_for(frame.size)))

    async def _take(self, frames: Channel[Frame]) -> _Taken | None:
        """Begin the next frame when the camera's turn has come; None at the end.

        A frame that the frame path does not fit is left: the path is built anew when the frame before is done.
        """
        waiting, path = await frames.peek(), self._path
        if waiting is None:
            return None
        if path is None or path.sizes.frame != waiting.size:
            return _Taken(None, None, AsyncExitStack())
        async with AsyncExitStack() as turn:
            await turn.enter_async_context(self._seat.turn())
            frame = await frames.receive()  # the newest: while the turn was waited for, others may have come
            begun = await self._begin(frame, path) if frame.size == path.sizes.frame else None
            return _Taken(frame, begun, turn.pop_all())

    async def _begin_anew(self, frames: Channel[Frame], taken: _Taken) -> _Begun:
        """Begin a frame that needs another frame path; that is built before the turn, since it takes seconds."""
        waiting = taken.frame or await frames.peek()
        if waiting is not None:
            await self._path_for(waiting.size)
        if taken.frame is None:
            await taken.turn.enter_async_context(self._seat.turn())
        frame = taken.frame or await frames.receive()
        return await self._begin(frame, await self._path_for(frame.size))

    async def _begin(self, frame: Frame, path: FramePath) -> _Begun:
        """Shrink a frame, start its motion half, and compute the original network's part of its colour half."""
        started = time.monotonic()

        def begin() -> _Begun:
            (fine, small), shrink_seconds = _timed(lambda: path.sizes.shrink(frame.image))
            look = appearance(fine)  # here, since the motion half is what takes longer
            motion = self._motion_work.submit(lambda: _timed(lambda: path.motion(fine, small, look)))
            original = _timed(lambda: path.colour.original(small))
            return _Begun(frame, path, small, original, motion, started, shrink_seconds)

        return await _on(self._colour_work, begin)

    async def _finish(self, begun: _Begun) -> AnalysedFrame:
        """Add the twin's map and the motion half, and let the adaptation take note of the frame."""
        original, original_seconds = begun.original
        adapted = partial(_timed, lambda: begun.path.colour.adapted(original))
        colour, twin_seconds = await _on(self._colour_work, adapted) if self._slot.installed.head else adapted()
        motion, motion_seconds = await asyncio.wrap_future(begun.motion)
        events, saliency = await self._conclude(begun, colour, motion)
        finished = time.monotonic()
        seconds = {
            "shrink": begun.shrink_seconds,
            "colour": original_seconds + twin_seconds,
            "motion": motion_seconds,
            "total": finished - begun.started_at,
        }
        return AnalysedFrame(
            frame=begun.frame,
            small=begun.small,
            saliency=saliency,
            events=events,
            seconds=seconds,
            finished_at=finished,
        )

    async def _conclude(
        self, begun: _Begun, colour: ColourResult, motion: MotionResult
    ) -> tuple[tuple[AdaptationEvent, ...], SaliencyFrame]:
        frame, saliency = begun.frame, begun.path.combine(colour, motion)
        if self.adapter is None:
            return (), saliency
        keyframe = keyframe_of(begun.small, saliency, motion.look, frame.time, frame.sequence)
        keyframe = self._closer(frame.image, keyframe, self.adapter.wants)
        told = self.adapter.observe(
            frame.time, keyframe, scene_cut=saliency.scene_cut, nr=saliency.nr, benefit=saliency.benefit
        )
        events = [*self._untold, *told]
        self._untold.clear()
        self._remember(self.adapter, events)
        if self._wait and self._rounds is not None:
            await self._rounds.wait()
        return tuple(events), saliency

    async def _path_for(self, frame_size: tuple[int, int]) -> FramePath:
        """Return the path for frames of this size; another working size begins anew, without a twin."""
        path, settings = self._path, self._networks.settings
        if path is not None and path.sizes.frame == frame_size:
            return path
        sizes = Sizes.of(frame_size, settings)
        if path is not None and path.sizes.working == sizes.working:
            path = replace(path, sizes=sizes)
        else:
            if self._rounds is not None:
                await self._rounds.stop()
            colour = await self._networks.colour(sizes.working)
            motion = await self._networks.motion(sizes.working)
            flow = await _on(self._motion_work, self._networks.flow)
            await self._adapt(colour, sizes.working)
            path = FramePath.of(sizes, colour, self._slot, motion, flow, settings)
        self._path = path
        return path

    async def _adapt(self, colour: ServedNetwork, size: tuple[int, int]) -> None:
        """Let rounds retrain `colour` from now on, and go on with the twins of an earlier run."""
        method, settings = self._networks.settings, self._settings
        rounds = ChildRounds(self.camera, method, colour, settings, self._worker, self._tasks, self._round_thread)
        if self.adapter is None:
            self.adapter = Adapter(self.camera, self._settings, self._slot, rounds, adaptable=colour.adaptable)
            if self._ordered is not None:
                self._untold += self.adapter.order(self._ordered)
            if self._memory is not None:
                self.adapter.library.fill(await _on(self._round_thread, self._memory.recall_library))
                if self.adapter.state.phase != "off":
                    await self._resume(self.adapter, self._memory, colour, size)
        else:
            self._untold += self.adapter.begin_anew(rounds)
        self._rounds = rounds

    async def _resume(self, adapter: Adapter, memory: TwinMemory, colour: ServedNetwork, size: tuple[int, int]) -> None:
        twin = await _on(self._round_thread, lambda: memory.recall(size))
        if twin is None:
            return
        try:
            head = await _on(self._round_thread, lambda: colour.twin_head(twin.state))
        except ModelError as error:
            _log.warning("%s: the twin that was kept cannot be served, so the original does: %s", self.camera, error)
            return
        self._untold += adapter.resume(twin, head)

    def _remember(self, adapter: Adapter, events: Sequence[AdaptationEvent]) -> None:
        """Write what is in service now and what is remembered, behind the frames' back."""
        memory = self._memory
        if memory is None or not _KEPT & {event.kind for event in events}:
            return
        self._remembering = self._round_thread.submit(partial(memory.keep, adapter.twin, tuple(adapter.library)))


async def _give_back(taken: _Taken | None) -> None:
    if taken is not None:
        await taken.turn.aclose()


async def _on(executor: Executor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(executor, work)


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    """Return the work's result and the seconds it took, without its wait for a thread."""
    started = time.monotonic()
    return work(), time.monotonic() - started
