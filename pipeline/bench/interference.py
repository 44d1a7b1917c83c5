"""`livesal bench interference`: latency of the frame path with and without a retraining beside it, in one process.

A source is played live, newest frame first, through the service's own analysis. The time runs from a frame's decoding
to its saliency maps. Parts with and without retraining take turns, so that what else the machine does falls on both;
a part "with" begins when the child has told its first iterations, a part "without" has the adaptation switched off.
Percentiles are those of each part, and the medians over the parts are shown. The iterations a second say how much
training there was: on a machine that is busy with other things, a child at idle priority gets little.
"""

import asyncio
import logging
import statistics
import time
from asyncio import TaskGroup
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch

from configs.settings import Settings, load_settings, merge
from models.training.twin import TwinStep
from pipeline.adaptation import BUSY
from pipeline.analysed_frame import AnalysedFrame
from pipeline.analysis import Analysis
from pipeline.bench.options import BenchOptions
from pipeline.bench.report import BenchReport, Value, below, with_ratios
from pipeline.frame_threads import FrameThreads
from pipeline.networks import Networks
from pipeline.retraining.job import Report
from pipeline.retraining.worker import RetrainingWorker
from stream.channel import Channel, Overflow
from stream.frame import Frame
from stream.source import open_source

_log = logging.getLogger("livesal.bench")

CAMERA: Final = "benchmark"
PERCENTILES: Final = (50, 95, 99)
PARTS: Final = 3
"""Of each kind."""

_ENDLESS_ROUNDS: Final[dict[str, Any]] = {
    "method": {"keyframe_threshold": 1.0},
    "adaptation": {
        "first_keyframes": 4,
        "new_keyframes": 1,
        "cool_down": 0,
        "failure_pause": 0,
        "retraining": {"iterations_per_keyframe": 1000, "timeout": 3600},
    },
}
"""Rounds that outlast the measurement, started as soon as there are keyframes."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One analysed frame: when its maps were ready (monotonic seconds), and its latency in seconds."""

    finished_at: float
    latency: float


@dataclass(frozen=True, slots=True)
class Part:
    """What one part of the run came to: milliseconds from decoding to maps, frames and iterations a second."""

    retraining: bool
    frames: int
    iterations: float
    fps: float
    p50: float
    p95: float
    p99: float


class CountedWorker(RetrainingWorker):
    """The retraining child, and how far its round has come.

    Attributes:
        iteration: of the round that is running; 0 until the first is told.
    """

    iteration = 0

    async def run(self, folder: Path, seconds: float, on_step: Callable[[TwinStep], None] | None = None) -> Report:
        """Have a job done; see `RetrainingWorker`."""
        self.iteration = 0

        def note(step: TwinStep) -> None:
            self.iteration = step.iteration
            if on_step is not None:
                on_step(step)

        return await super().run(folder, seconds, note)


def measure(options: BenchOptions) -> BenchReport:
    """Play the source live, in parts with and without retraining."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    url = options.source or options.demo()
    played = {"cameras": {CAMERA: {"url": url, "live": True, "loop": True}}}
    settings = load_settings(None, merge(merge(_ENDLESS_ROUNDS, options.changes), played))
    seconds = options.lasting(10)
    parts = asyncio.run(_measure(settings, seconds, PARTS))
    rows = with_ratios([_row(name, parts, retraining=wanted) for name, wanted in _ROWS.items()], "p50 ms", "p99 ms")
    ratio = rows[1]["p99 ms ratio"]
    return BenchReport(
        verb="interference",
        about=f"{options.source or 'generated scene'}, decoder to maps, {PARTS} parts of {seconds:g} s each way",
        rows=rows,
        figures={"p99 with retraining / without": below(ratio if isinstance(ratio, float) else None, 1.2, "")},
        notes=("iterations/s: how much training there was beside the frames",),
    )


_ROWS: Final = {"without": False, "with": True}


async def _measure(settings: Settings, seconds: float, count: int) -> list[Part]:
    """Play the source and return the parts in the order they were measured."""
    source = open_source(settings.cameras[CAMERA], paced=True)
    frames: Channel[Frame] = Channel(1, Overflow.DROP_OLDEST)
    analysed: Channel[AnalysedFrame] = Channel(2)
    with ThreadPoolExecutor(1, thread_name_prefix="build") as build, FrameThreads(settings.method.threads) as threads:
        networks = Networks(settings.method, build)
        await networks.load()
        async with (
            CountedWorker() as worker,
            TaskGroup() as rounds,
            Analysis(CAMERA, networks, settings.adaptation, worker, rounds, threads.seat(CAMERA)) as analysis,
            TaskGroup() as stages,
        ):
            running = [
                stages.create_task(source.run(frames), name="source"),
                stages.create_task(analysis.run(frames, analysed), name="analysis"),
            ]
            parts = []
            for number in range(2 * count):
                parts.append(await _part(analysis, worker, analysed, seconds, retraining=number % 2 == 1))
                _log.info("part %d of %d: p50 %.1f ms", number + 1, 2 * count, parts[-1].p50)
            for task in running:
                task.cancel()
    return parts


async def _part(
    analysis: Analysis,
    worker: CountedWorker,
    analysed: Channel[AnalysedFrame],
    seconds: float,
    *,
    retraining: bool,
) -> Part:
    """Bring the adaptation into the state wanted, then measure for `seconds`."""
    while True:
        await _until_state(analysis, worker, analysed, retraining=retraining)
        samples: list[Sample] = []
        first, started = worker.iteration, time.monotonic()
        while _is_busy(analysis) is retraining:
            frame = await analysed.receive()
            samples.append(Sample(frame.finished_at, frame.finished_at - frame.frame.arrived_at))
            if time.monotonic() - started >= seconds:
                return part_of(samples, worker.iteration - first if retraining else 0, retraining=retraining)
        _log.info("a round ended meanwhile: this part begins again")


async def _until_state(
    analysis: Analysis, worker: CountedWorker, analysed: Channel[AnalysedFrame], *, retraining: bool
) -> None:
    """Let frames pass until a round is well under way, or until none has been running for a second."""
    worker.iteration = 0
    settled: float | None = None
    while settled is None or time.monotonic() - settled < 1.0:
        await analysed.receive()
        if analysis.adapter is not None:
            analysis.adapter.order("on" if retraining else "off")
        reached = _is_busy(analysis) and worker.iteration > 0 if retraining else not _is_busy(analysis)
        if not reached:
            settled = None
        elif settled is None:
            settled = time.monotonic()


def _is_busy(analysis: Analysis) -> bool:
    return analysis.adapter is not None and analysis.adapter.state.phase in BUSY


def part_of(samples: Sequence[Sample], iterations: int, *, retraining: bool) -> Part:
    """Return a part's figures."""
    latencies = [1000 * sample.latency for sample in samples]
    span = samples[-1].finished_at - samples[0].finished_at
    p50, p95, p99 = (float(np.percentile(latencies, percentile)) for percentile in PERCENTILES)
    per_second = 1 / span if span else 0.0
    fps = (len(samples) - 1) * per_second
    return Part(retraining, len(samples), iterations * per_second, fps, p50, p95, p99)


def _row(name: str, parts: Sequence[Part], *, retraining: bool) -> dict[str, Value]:
    """Return the medians over the parts of one kind."""
    chosen = [part for part in parts if part.retraining is retraining]

    def median(key: str) -> float:
        return round(statistics.median(getattr(part, key) for part in chosen), 2)

    return {
        "retraining": name,
        "p50 ms": median("p50"),
        "p95 ms": median("p95"),
        "p99 ms": median("p99"),
        "frames/s": median("fps"),
        "iterations/s": median("iterations"),
    }
