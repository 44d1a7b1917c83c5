"""Latency of the live path with and without a retraining running beside it, in one run.

A source is played live, newest frame first, through the service's own analysis. The time runs from a frame's decoding
to its saliency maps. Parts with and without retraining take turns, so that what else the machine does falls on both;
a part "with" begins when the child has told its first iterations, a part "without" has the adaptation switched off.
Percentiles are those of each part, and the medians over the parts are shown. The iterations a second say how much
training there was: on a machine that is busy with other things, a child at idle priority gets little.

    python benchmarks/live_latency.py
    python benchmarks/live_latency.py --seconds 20 --parts 5
    python benchmarks/live_latency.py --source clip.mp4 --json
"""

import argparse
import asyncio
import json
import platform
import statistics
import sys
import time
from asyncio import TaskGroup
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch

from configs.settings import Settings, load_settings, merge
from models.training.twin import TwinStep
from pipeline.adaptation import BUSY
from pipeline.analysis import AnalysedFrame, Analysis
from pipeline.cli.common import overrides, with_camera
from pipeline.frame_threads import FrameThreads
from pipeline.networks import Networks
from pipeline.retraining.job import Report
from pipeline.retraining.worker import RetrainingWorker
from stream.channel import Channel, Overflow
from stream.frame import Frame
from stream.source import open_source

DEMO: Final = "demo://?width=1280&height=720&fps=30&cuts=0"
CAMERA: Final = "benchmark"
PERCENTILES: Final = (50, 95, 99)

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


def main() -> None:
    """Measure and print."""
    options = _options()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    settings = load_settings(
        None, with_camera(options.source, CAMERA, merge(_ENDLESS_ROUNDS, overrides(options.changes)))
    )
    parts = asyncio.run(_measure(settings, options.seconds, options.parts))
    rows = {name: _medians([part for part in parts if part.retraining is wanted]) for name, wanted in _ROWS.items()}
    ratios = {key: rows["with"][key] / rows["without"][key] for key in ("p50", "p95", "p99", "fps")}
    if options.json:
        report = {
            "source": options.source,
            "seconds": options.seconds,
            "machine": _machine(),
            "without": rows["without"],
            "with": rows["with"],
            "ratio": ratios,
            "parts": [asdict(part) for part in parts],
        }
        print(json.dumps(report))
    else:
        _print_table(options, rows, ratios)


_ROWS: Final = {"without": False, "with": True}
_FIGURES: Final = ("p50", "p95", "p99", "fps", "iterations")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--source", default=DEMO, help="file or URL that is played live, a file in a loop (default: %(default)s)"
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="that each part takes (default: %(default)s)")
    parser.add_argument("--parts", type=int, default=3, help="of each kind, in turns (default: %(default)s)")
    parser.add_argument(
        "-s", "--set", dest="changes", action="append", metavar="KEY=VALUE", help="a setting, as for `livesal run`"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    options = parser.parse_args()
    if options.seconds <= 0 or options.parts < 1:
        parser.error("--seconds must be above 0, and --parts at least 1")
    return options


async def _measure(settings: Settings, seconds: float, count: int) -> list[Part]:
    """Play the source and return the parts in the order they were measured."""
    settings = _played_live(settings)
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
                _say(f"part {number + 1} of {2 * count}: p50 {parts[-1].p50:.1f} ms, {parts[-1].fps:.1f} frames/s")
            for task in running:
                task.cancel()
    return parts


def _played_live(settings: Settings) -> Settings:
    camera = settings.cameras[CAMERA].model_copy(update={"live": True, "loop": True})
    return settings.model_copy(update={"cameras": {CAMERA: camera}})


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
        _say("a round ended meanwhile: this part begins again")


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


def _medians(parts: Sequence[Part]) -> dict[str, float]:
    return {key: statistics.median(getattr(part, key) for part in parts) for key in _FIGURES}


def _machine() -> dict[str, Any]:
    return {"python": platform.python_version(), "torch": torch.__version__, "machine": platform.machine()}


def _print_table(
    options: argparse.Namespace, rows: Mapping[str, Mapping[str, float]], ratios: Mapping[str, float]
) -> None:
    print(f"{options.source}, {options.parts} parts of {options.seconds:g} s each way, medians over the parts")
    print(f"{'retraining':<12}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'frames/s':>10}{'iterations/s':>14}")
    for name, row in rows.items():
        print(
            f"{name:<12}{row['p50']:>9.1f}{row['p95']:>9.1f}{row['p99']:>9.1f}"
            f"{row['fps']:>10.1f}{row['iterations']:>14.1f}"
        )
    print(f"{'with/without':<12}{ratios['p50']:>9.2f}{ratios['p95']:>9.2f}{ratios['p99']:>9.2f}{ratios['fps']:>10.2f}")


def _say(line: str) -> None:
    """Tell progress on standard error, so that standard output stays clean."""
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
