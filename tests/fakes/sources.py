"""Sources whose frames the test decides."""

import asyncio
from collections.abc import Iterable

from stream.channel import Channel
from stream.frame import Frame
from stream.source_status import SourceStatus


class ListSource:
    """Sends `frames`, then ends or fails with `error`; where `go` is cleared, it waits for it before `pause_at`.

    Attributes:
        runs: how often it was run.
    """

    def __init__(self, frames: Iterable[Frame], error: Exception | None = None, *, pause_at: int | None = None) -> None:
        self.frames = list(frames)
        self.pause_at = len(self.frames) if pause_at is None else pause_at
        self.error = error
        self.live = False
        self.runs = 0
        self.go = asyncio.Event()
        self.go.set()
        self.status = SourceStatus(state="up", frames=len(self.frames))

    async def run(self, out: Channel[Frame]) -> None:
        self.runs += 1
        try:
            for frame in self.frames[: self.pause_at]:
                await out.send(frame)
            await self.go.wait()
            for frame in self.frames[self.pause_at :]:
                await out.send(frame)
            if self.error is not None:
                raise self.error
        finally:
            await out.close()
