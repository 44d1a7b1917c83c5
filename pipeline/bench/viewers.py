"""`livesal bench viewers`: what the second to the tenth viewer of one view cost the service."""

import asyncio
import time
from typing import Final

from pipeline.bench.options import BenchOptions
from pipeline.bench.path import CAMERA, endpoints, service_settings
from pipeline.bench.processes import Running, free_port, serving, watching
from pipeline.bench.report import BenchReport, Value, below, with_ratios

_COUNTS: Final = (1, 4, 10)


def measure(options: BenchOptions) -> BenchReport:
    """Serve one view to more and more viewers, adaptation off, and take the service's processor time."""
    counts = [int(name) for name in options.names] or list(_COUNTS)
    seconds = options.lasting(20)
    rows = with_ratios(asyncio.run(_measure(options, counts, seconds)), "cores")
    ratio = rows[-1]["cores ratio"]
    return BenchReport(
        verb="viewers",
        about=f"one view, {seconds:g} s for each number of viewers, who are in a process of their own",
        rows=rows,
        figures={f"{counts[-1]} viewers / {counts[0]}": below(float(ratio or 0), 1.3, "")},
        notes=(
            "cores: processor seconds a second of the service's process; adaptation off, so that no round falls in",
        ),
    )


async def _measure(options: BenchOptions, counts: list[int], seconds: float) -> list[dict[str, Value]]:
    port = free_port()
    url = options.source or options.demo()
    quiet = {"adaptation": {"enabled": False}, "webrtc": {"maximum_viewers": max(counts)}}
    settings = service_settings({CAMERA: url}, port, {**options.changes, **quiet})
    async with serving(settings) as service:
        await service.told()
        rows = [await _with(count, service, port, seconds) for count in counts]
        await service.end()
    return rows


async def _with(count: int, service: Running, port: int, seconds: float) -> dict[str, Value]:
    async with watching(endpoints(port, [CAMERA]) * count) as viewers:
        await viewers.told()
        begun = time.monotonic()
        await service.sample_for(seconds)
        await viewers.told()
        service.sample()
        span = time.monotonic() - begun
        shown = (await viewers.end())["viewers"]
    rates = [sum(begun <= at < begun + span for at, _ in one) / span for one in shown]
    return {
        "viewers": str(count),
        "cores": round(service.cores(begun), 3),
        "frames/s, slowest viewer": round(min(rates), 1),
        "MiB": round(service.samples[-1][2] / (1 << 20), 1),
    }
