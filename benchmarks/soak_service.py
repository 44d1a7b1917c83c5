"""The service of the soak benchmark: it says on standard output, a JSON line an interval, how it is doing.

The first line is `{"url": …}`. It ends when standard input does, or by SIGTERM.
"""

import asyncio
import json
import signal
import sys
import time
from asyncio import TaskGroup

import numpy as np

from configs.settings import Settings, load_settings
from pipeline.cli.common import overrides, with_camera
from pipeline.service import Service
from stream.broker import EmbeddedBroker
from stream.events import CameraState

CAMERA = "soak"
_TICK = 0.01
"""Seconds that the probe of the event loop sleeps each time."""


class Probe:
    """What was seen since the last report.

    Attributes:
        lags: seconds that the event loop came late to the probe.
        ages: seconds from decoding to the maps, as the camera's states say: four a second.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.lags: list[float] = []
        self.ages: list[float] = []

    async def watch_loop(self) -> None:
        """Measure how late the event loop is, for ever."""
        while True:
            started = time.perf_counter()
            await asyncio.sleep(_TICK)
            self.lags.append(time.perf_counter() - started - _TICK)

    async def watch_states(self, service: Service) -> None:
        """Collect the ages of frames, until the service ends."""
        async with service.subscribe() as events:
            async for event in events:
                if isinstance(event, CameraState) and event.frames:
                    self.ages.append(event.frame_age)

    def report(self, service: Service) -> dict[str, float | str]:
        """Return the figures since the last report, in milliseconds, and begin anew."""
        state = service.camera(CAMERA)
        lags, ages = self.lags or [float("nan")], self.ages or [float("nan")]
        self.lags, self.ages = [], []
        return {
            "age_p50_ms": 1000 * float(np.percentile(ages, 50)),
            "age_p95_ms": 1000 * float(np.percentile(ages, 95)),
            "lag_p95_ms": 1000 * float(np.percentile(lags, 95)),
            "lag_max_ms": 1000 * max(lags),
            "fps": state.fps,
            "frames": state.frames,
            "retrainings": state.retrainings,
            "swaps": state.swaps,
            "source": state.source,
            "error": state.error,
        }


async def run(settings: Settings, interval: float) -> None:
    """Serve, and report every `interval` seconds."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(sys.stdin, stop.set)
    async with EmbeddedBroker() as broker:
        mqtt = settings.mqtt.model_copy(update={"host": "127.0.0.1", "port": broker.port})
        async with Service(settings.model_copy(update={"mqtt": mqtt})) as service, TaskGroup() as tasks:
            probe = Probe()
            watching = [
                tasks.create_task(probe.watch_loop(), name="loop lag"),
                tasks.create_task(probe.watch_states(service), name="frame ages"),
            ]
            print(json.dumps({"url": service.url}), flush=True)
            while not stop.is_set():
                try:
                    async with asyncio.timeout(interval):
                        await stop.wait()
                except TimeoutError:
                    print(json.dumps(probe.report(service)), flush=True)
            for task in watching:
                task.cancel()


def main() -> None:
    """Read `SOURCE INTERVAL [KEY=VALUE …]` and serve."""
    source, interval, *changes = sys.argv[1:]
    settings = load_settings(None, with_camera(source, CAMERA, overrides(["http.port=0", *changes])))
    asyncio.run(run(settings, float(interval)))


if __name__ == "__main__":
    main()
