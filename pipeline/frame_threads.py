"""The threads that the frames of all cameras are analysed in, and whose frame is next."""

import os
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Self

from models.denormals import flush_denormals
from pipeline.turns import Turns


@dataclass(frozen=True, slots=True, eq=False)
class Seat:
    """A camera's place at the threads.

    Attributes:
        executor: where its work is done.
        turn: waits until the camera's next frame may be analysed; lasts as long as the block.
    """

    executor: Executor
    turn: Callable[[], AbstractAsyncContextManager[None]]


class FrameThreads:
    """As many threads as there are cores, whatever the number of cameras, so that cameras do not fight for the cores.

    As many frames are under way as there are threads: while one frame has work for one thread only, another fills the
    gap. Denormal numbers count as zero in the threads: they take a quarter of CSNet's time.
    """

    def __init__(self, count: int | None = None) -> None:
        """Make `count` threads, by default as many as this process may use cores; they start with the first work."""
        self.count = count or len(os.sched_getaffinity(0))
        self._executor = ThreadPoolExecutor(self.count, thread_name_prefix="frames", initializer=flush_denormals)
        self._turns = Turns(self.count)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)

    def seat(self, camera: str, priority: float = 1.0) -> Seat:
        """Return the place of a camera: of what all want together it gets a share in proportion to its priority."""
        return Seat(self._executor, lambda: self._turns.turn(camera, priority))

    def waits(self, camera: str) -> bool:
        """Return whether a camera has a frame and waits for its turn."""
        return self._turns.waits(camera)

    def longest(self) -> float:
        """Return for how many seconds the oldest frame has been under way; 0 if none is."""
        return self._turns.longest()
