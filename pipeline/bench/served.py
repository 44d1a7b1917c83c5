"""The service, recorded: `python -m pipeline.bench.served SETTINGS`, as JSON, until standard input ends.

Times are the monotonic clock's, which all processes of a machine share. It prints {"url", "at"} once it serves, and in
the end {"frames", "packets", "steps", "dropped"}.
"""

import asyncio
import json
import sys
import time
from asyncio import TaskGroup
from typing import Any

from pipeline.garbage import here_to_stay

with here_to_stay():  # as the command line imports it
    from configs.settings import load_settings
    from pipeline.analysed_frame import AnalysedFrame
    from pipeline.bench.until_told import ended_input
    from pipeline.service import Service
    from stream.events import AdaptationEvent, Event


class Recorder:
    """Notes times only: what it costs the loop must not show.

    Attributes:
        frames: (camera, sequence, media time, arrived at, maps ready at, phase, model version) of each frame.
        packets: (camera, media time, coded at) of each coded picture.
        steps: (camera, kind, told at, details) of each step of an adaptation.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self.frames: list[tuple[str, int, float, float, float, str, int]] = []
        self.packets: list[tuple[str, float, float]] = []
        self.steps: list[tuple[str, str, float, dict[str, Any]]] = []

    def analysed(self, camera: str, frame: AnalysedFrame, phase: str) -> None:
        """Take note of a frame; see `Observer`."""
        one = frame.frame
        version = frame.saliency.model_version
        self.frames.append((camera, one.sequence, one.time, one.arrived_at, frame.finished_at, phase, version))

    def coded(self, camera: str, view: str, media_time: float) -> None:
        """Take note of a packet; see `Observer`."""
        del view
        self.packets.append((camera, media_time, time.monotonic()))

    def step(self, event: Event) -> None:
        """Take note of an event, if it is a step of an adaptation."""
        if isinstance(event, AdaptationEvent):
            self.steps.append((event.camera, event.kind, time.monotonic(), dict(event.details)))


async def serve(settings: dict[str, Any]) -> None:
    """Serve until told to end, then tell."""
    ended = ended_input()
    recorder = Recorder()

    async def note(service: Service) -> None:
        async with service.subscribe() as events:
            async for event in events:
                recorder.step(event)

    async with Service(load_settings(None, settings), observer=recorder) as service, TaskGroup() as tasks:
        noting = tasks.create_task(note(service), name="events")
        print(json.dumps({"url": service.url, "at": time.monotonic()}), flush=True)  # noqa: T201
        await ended.wait()
        dropped = {state.camera: dict(state.dropped) for state in service.cameras()}
        noting.cancel()
    record = {"frames": recorder.frames, "packets": recorder.packets, "steps": recorder.steps, "dropped": dropped}
    print(json.dumps(record, default=str), flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
