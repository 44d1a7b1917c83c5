"""Retraining the cameras' twins on the GPU that serves them: one at a time, with a bounded share of the time.

It has a thread and a stream of its own, of lower priority than the serving one. A finished twin is handed to the
thread that serves, which swaps it in between two batches: written by this one, it could change within a batch.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import cycle
from typing import Final, Self

import torch
from torch import Tensor

from models.training.recorded_twin import RecordedTrainer
from models.training.twin import KeyframeTensors

SHARE: Final = 0.3
"""Of the time, the most that retraining is under way."""
_CHUNK: Final = 8
"""Steps between two looks at the clock."""


class TwinsBeside:
    """Retrains the twins of some cameras in turns while its block lasts.

    Attributes:
        retrained: twins finished so far.
        steps: done so far.
        error: what ended it early; None = nothing.
    """

    def __init__(
        self,
        trainer: RecordedTrainer,
        cameras: Sequence[int],
        keyframes: Callable[[int], KeyframeTensors],
        device: torch.device,
        share: float = SHARE,
    ) -> None:
        """Hold what is needed; the thread starts with the block.

        Args:
            trainer: this thread's own.
            cameras: whose twins are retrained.
            keyframes: what a camera's twin learns from, on the device.
            device: of both.
            share: of the time, in (0, 1].
        """
        self._trainer, self._cameras, self._keyframes, self._share = trainer, cameras, keyframes, share
        self._stream = _stream(device)
        self._finished: deque[tuple[int, Mapping[str, Tensor]]] = deque(maxlen=len(cameras))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="twins", daemon=True)
        self.retrained = self.steps = 0
        self.error: Exception | None = None

    def __enter__(self) -> Self:
        """Start retraining."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it within a few steps."""
        self._stop.set()
        self._thread.join()

    def swap_into(self, swap: Callable[[int, Mapping[str, Tensor]], None]) -> int:
        """Swap the twins that have been finished, between two batches, and return how many they were."""
        count = 0
        while self._finished:
            swap(*self._finished.popleft())
            count += 1
        return count

    def _run(self) -> None:
        on_stream: AbstractContextManager[object] = (
            nullcontext() if self._stream is None else torch.cuda.stream(self._stream)
        )
        try:
            with on_stream:
                for seed, camera in enumerate(cycle(self._cameras)):
                    if not self._retrain(camera, seed):
                        return
        except Exception as error:  # noqa: BLE001 - whoever serves says so, and goes on serving
            self.error = error

    def _retrain(self, camera: int, seed: int) -> bool:
        """Retrain one twin; return False if it was told to stop."""
        started = time.monotonic()
        for index, _ in enumerate(self._trainer.run(self._keyframes(camera), seed=seed), 1):
            if index % _CHUNK == 0:
                self._wait()
                self.steps += _CHUNK
                busy = time.monotonic() - started
                if self._stop.wait(busy * (1 - self._share) / self._share):
                    return False
                started = time.monotonic()
        state = self._trainer.state()
        self._wait()
        self._finished.append((camera, state))
        self.retrained += 1
        return not self._stop.is_set()

    def _wait(self) -> None:
        if self._stream is not None:
            self._stream.synchronize()


def _stream(device: torch.device) -> torch.cuda.Stream | None:
    return torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]
