"""Work on a GPU without its launches: recorded once as a CUDA graph, then replayed. On a CPU the work is called.

Recorded work reads and writes the tensors that it read and wrote when it was recorded: what changes from call to call
is copied into them. It must not read anything back, and its shapes must be fixed.
"""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

import torch

T = TypeVar("T")

WARM_UP: Final = 3
"""Calls before the recording, in which libraries choose their kernels and allocate what they keep."""


class Captured(Generic[T]):
    """A function without arguments, as a CUDA graph where the device is a GPU."""

    def __init__(
        self, work: Callable[[], T], device: torch.device, *, urgent: bool = False, warm_up: int = WARM_UP
    ) -> None:
        """Warm up and record `work`; on a CPU nothing is called yet.

        Args:
            work: reads and writes tensors that stay where they are, and returns tensors.
            device: that it works on.
            urgent: whether the GPU is to prefer it over other streams' work.
            warm_up: calls before the recording. They and the recording have the work's side effects, or none:
                what it keeps in its tensors is to be reset afterwards.
        """
        self._work = work
        self._graph: torch.cuda.CUDAGraph | None = None
        if device.type == "cuda":
            self._graph, self._found = _record(work, device, warm_up, -1 if urgent else 0)

    def __call__(self) -> T:
        """Do the work on the current stream; what is returned is overwritten by the next call."""
        if self._graph is None:
            return self._work()
        self._graph.replay()
        return self._found


def _record(work: Callable[[], T], device: torch.device, warm_up: int, priority: int) -> tuple[torch.cuda.CUDAGraph, T]:
    """Return a graph of `work` and what it returned, whose memory the graph's replays write."""
    stream = torch.cuda.Stream(device, priority=priority)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        for _ in range(warm_up):
            work()
    torch.cuda.current_stream(device).wait_stream(stream)
    torch.cuda.synchronize(device)
    graph = torch.cuda.CUDAGraph()
    # thread_local: another thread may be retraining meanwhile
    with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
        found = work()
    return graph, found
