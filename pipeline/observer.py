"""Who wants to see every frame of a service go by: the benchmarks."""

from typing import Protocol

from pipeline.analysed_frame import AnalysedFrame


class Observer(Protocol):
    """Is told of frames on the event loop; what it does must be quick."""

    def analysed(self, camera: str, frame: AnalysedFrame, phase: str) -> None:
        """Take note of a frame whose maps are there, and of the adaptation's phase at that time."""
        ...

    def coded(self, camera: str, view: str, media_time: float) -> None:
        """Take note that the picture of a view, whose frame is at `media_time` seconds, has just become a packet."""
        ...
