"""Does anything grow? The service for a long time, as people run it, watched from outside.

One camera (by default the generated scene, 720p at 30 frames a second), adaptation on, an embedded MQTT broker, and one
WHEP viewer in another process. Every interval the service's memory, threads and file descriptors are noted, its
retraining child's memory, the age of frames, and how late its event loop is. At the end each figure's slope per hour
is told with its 95 % confidence interval (Theil and Sen's, which single outliers do not move), without the warm-up.
All is well where the interval holds 0, or where the slope is small beside the figure itself.

    python benchmarks/soak.py --minutes 30
    python benchmarks/soak.py --minutes 1 --interval 2 --warm-up 0.2 --json

It writes `soak.json` and `soak.png` into the folder that `--out` names. Exit code 1: it could not be measured.
"""

import argparse
import asyncio
import json
import platform
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import psutil
from matplotlib import pyplot as plt
from scipy import stats

HERE: Final = Path(__file__).parent
DEMO: Final = "demo://?width=1280&height=720&fps=30&cuts=45"
FIGURES: Final = {
    "rss_mb": "memory of the service, MB",
    "child_rss_mb": "memory of the retraining child, MB",
    "threads": "threads",
    "fds": "file descriptors",
    "age_p50_ms": "age of frames, median, ms",
    "age_p95_ms": "age of frames, 95th percentile, ms",
    "lag_p95_ms": "event loop late, 95th percentile, ms",
}
"""What is watched, and what it is called."""
_FEWEST: Final = 5
"""Samples after the warm-up without which there is no slope."""

Sample = dict[str, float]


class NotMeasuredError(RuntimeError):
    """The benchmark came to nothing."""


class Helper:
    """A process that writes JSON lines."""

    def __init__(self, process: Process, name: str, patience: float) -> None:
        """Listen to `process`; a line that takes longer than `patience` seconds is an error."""
        self.process = process
        self._name = name
        self._patience = patience

    @classmethod
    async def start(cls, script: str, *words: str, patience: float) -> "Helper":
        """Start one of the scripts beside this one."""
        process = await asyncio.create_subprocess_exec(sys.executable, HERE / script, *words, stdin=PIPE, stdout=PIPE)
        return cls(process, script, patience)

    async def line(self) -> dict[str, Any]:
        """Return the next line.

        Raises:
            NotMeasuredError: none comes.
        """
        assert self.process.stdout is not None  # noqa: S101 - it was started with pipes
        try:
            async with asyncio.timeout(self._patience):
                line = await self.process.stdout.readline()
        except TimeoutError:
            message = f"{self._name} has said nothing for {self._patience:g} s"
            raise NotMeasuredError(message) from None
        if not line:
            message = f"{self._name} ended (exit code {await self.process.wait()})"
            raise NotMeasuredError(message)
        return dict(json.loads(line))

    async def stop(self) -> None:
        """End it."""
        with suppress(ProcessLookupError):
            self.process.terminate()
        try:
            async with asyncio.timeout(15):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


async def measure(options: argparse.Namespace) -> list[Sample]:
    """Run service and viewer for the time wanted and return a sample an interval.

    Raises:
        NotMeasuredError: one of them ended, hung, or the viewer got no picture.
    """
    interval, patience = str(options.interval), 120 + 10 * options.interval
    service = await Helper.start("soak_service.py", options.source, interval, *options.changes, patience=patience)
    try:
        url = (await service.line())["url"]
        process = psutil.Process(service.process.pid)
        while not _figures(await service.line())["frames"]:  # there is nothing to be seen before
            pass
        viewer = await Helper.start("soak_viewer.py", f"{url}/cameras/soak/overlay/whep", interval, patience=patience)
        try:
            return await _watch(service, viewer, process, 60 * options.minutes)
        finally:
            await viewer.stop()
    finally:
        await service.stop()


async def _watch(service: Helper, viewer: Helper, process: psutil.Process, seconds: float) -> list[Sample]:
    samples: list[Sample] = []
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        told, seen = await asyncio.gather(service.line(), viewer.line())
        if not seen["received"]:
            message = "the viewer gets no picture: does this machine have an address besides 127.0.0.1?"
            raise NotMeasuredError(message)
        minutes = (time.monotonic() - started) / 60
        samples.append({"minutes": minutes, **_figures(told), **seen, **_resources(process)})
        _say(f"{samples[-1]['minutes']:6.1f} min  " + "  ".join(f"{key} {samples[-1][key]:.1f}" for key in FIGURES))
    return samples


def _figures(told: dict[str, Any]) -> Sample:
    """Return the figures of what the service told.

    Raises:
        NotMeasuredError: its camera was lost.
    """
    if told["source"] in ("down", "ended"):
        message = f"the camera is {told['source']}: {told['error'] or 'its source has ended'}"
        raise NotMeasuredError(message)
    return {key: value for key, value in told.items() if key not in ("source", "error")}


def _resources(process: psutil.Process) -> Sample:
    with process.oneshot():
        children = [child.memory_info().rss for child in process.children(recursive=True)]
        return {
            "rss_mb": process.memory_info().rss / 1e6,
            "child_rss_mb": sum(children) / 1e6,
            "threads": process.num_threads(),
            "fds": process.num_fds(),
        }


def slopes(samples: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """Return for each figure its median, and its slope per hour with the ends of its 95 % confidence interval."""
    hours = [sample["minutes"] / 60 for sample in samples]
    result = {}
    for key in FIGURES:
        values = [sample[key] for sample in samples]
        slope, _, low, high = stats.theilslopes(values, hours, 0.95)
        result[key] = {
            "median": float(stats.scoreatpercentile(values, 50)),
            "slope_per_hour": float(slope),
            "low": float(low),
            "high": float(high),
        }
    return result


def plot(samples: Sequence[Sample], path: Path, warm_up: float) -> None:
    """Draw every figure over time; the warm-up is shaded."""
    mpl.use("Agg")
    minutes = [sample["minutes"] for sample in samples]
    figure, axes = plt.subplots(len(FIGURES), 1, sharex=True, figsize=(9, 2 * len(FIGURES)), layout="constrained")
    for axis, (key, title) in zip(axes, FIGURES.items(), strict=True):
        axis.plot(minutes, [sample[key] for sample in samples], linewidth=1)
        axis.set_title(title, loc="left", fontsize=9)
        axis.set_ylim(bottom=0)
        axis.axvspan(0, warm_up, alpha=0.15, linewidth=0)
        axis.grid(alpha=0.3)
    axes[-1].set_xlabel("minutes")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    """Measure, print, write."""
    options = _options()
    try:
        samples = asyncio.run(measure(options))
        kept = _after(options.warm_up, samples)
    except NotMeasuredError as error:
        _say(f"not measured: {error}")
        sys.exit(1)
    fitted = slopes(kept)
    report = {
        "source": options.source,
        "minutes": samples[-1]["minutes"],
        "warm_up_minutes": options.warm_up,
        "machine": {"python": platform.python_version(), "machine": platform.machine(), "cores": psutil.cpu_count()},
        "totals": {key: samples[-1][key] for key in ("frames", "retrainings", "swaps", "received")},
        "lag_max_ms": max(sample["lag_max_ms"] for sample in kept),
        "slopes": fitted,
        "samples": samples,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "soak.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    plot(samples, options.out / "soak.png", options.warm_up)
    if options.json:
        print(json.dumps({key: value for key, value in report.items() if key != "samples"}))
    else:
        _print_table(report, fitted, options.out)


def _after(warm_up: float, samples: Sequence[Sample]) -> Sequence[Sample]:
    kept = [sample for sample in samples if sample["minutes"] >= warm_up]
    if len(kept) < _FEWEST:
        message = f"{len(kept)} samples after the warm-up are too few for a slope: at least {_FEWEST} are needed"
        raise NotMeasuredError(message)
    return kept


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0, help="to watch (default: %(default)s)")
    parser.add_argument("--interval", type=float, default=10.0, help="seconds between samples (default: %(default)s)")
    parser.add_argument("--warm-up", type=float, help="minutes left out of the slopes (default: a sixth)")
    parser.add_argument("--source", default=DEMO, help="what the camera shows (default: %(default)s)")
    parser.add_argument(
        "-s", "--set", dest="changes", action="append", default=[], metavar="KEY=VALUE", help="a setting"
    )
    parser.add_argument("--out", type=Path, default=Path("out/soak"), help="folder (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    options = parser.parse_args()
    if options.minutes <= 0 or options.interval <= 0:
        parser.error("--minutes and --interval must be above 0")
    if options.warm_up is None:
        options.warm_up = options.minutes / 6
    return options


def _print_table(report: Mapping[str, Any], fitted: Mapping[str, Mapping[str, float]], folder: Path) -> None:
    totals = report["totals"]
    print(
        f"{report['minutes']:.1f} minutes: {totals['frames']:.0f} frames, {totals['retrainings']:.0f} retrainings, "
        f"{totals['swaps']:.0f} swaps, {totals['received']:.0f} pictures at the viewer; "
        f"event loop at most {report['lag_max_ms']:.0f} ms late"
    )
    print(f"{'':<40}{'median':>10}{'per hour':>12}{'95 % confidence':>24}")
    for key, title in FIGURES.items():
        row = fitted[key]
        between = f"{row['low']:+.2f} … {row['high']:+.2f}"
        print(f"{title:<40}{row['median']:>10.1f}{row['slope_per_hour']:>+12.2f}{between:>24}")
    print(f"written: {folder / 'soak.json'}, {folder / 'soak.png'}")


def _say(line: str) -> None:
    """Tell progress on standard error, so that standard output stays clean."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
