"""`livesal bench cameras`: memory, processor time and frames a second with one, two and three cameras."""

import asyncio
import time
from itertools import pairwise
from typing import Final

from pipeline.bench.options import BenchOptions
from pipeline.bench.path import endpoints, service_settings
from pipeline.bench.processes import free_port, serving, watching
from pipeline.bench.report import BenchReport, Value, below, with_ratios

_COUNTS: Final = (1, 2, 3)
_SETTLING: Final = 5.0
_MEBIBYTE: Final = 1 << 20


def measure(options: BenchOptions) -> BenchReport:
    """Start the service with each number of cameras, adaptation on, one viewer of the first camera's overlay."""
    counts = [int(name) for name in options.names] or list(_COUNTS)
    seconds = options.lasting(30)
    rows = [asyncio.run(_with(count, options, seconds)) for count in counts]
    found = [(float(row["MiB"] or 0), count) for row, count in zip(rows, counts, strict=True)]
    further = [(more - less) / (many - few) for (less, few), (more, many) in pairwise(found) if many > few]
    return BenchReport(
        verb="cameras",
        about=f"live cameras with adaptation, {seconds:g} s for each number, a process each time",
        rows=with_ratios(rows, "cores", "MiB"),
        figures={
            "memory with one camera": below(found[0][0], 1024, "MiB"),
            "memory of each further one": below(max(further, default=None), 150, "MiB"),
        },
        notes=("MiB: resident memory of the service, the most seen; with children: and of those that retrain",),
    )


async def _with(count: int, options: BenchOptions, seconds: float) -> dict[str, Value]:
    port = free_port()
    names = [f"camera{number}" for number in range(count)]
    urls = {name: options.source or options.demo(seed=number) for number, name in enumerate(names)}
    settings = service_settings(urls, port, options.changes)
    async with watching(endpoints(port, names[:1])) as viewer, serving(settings) as service:
        await service.told()
        await viewer.told()
        await service.sample_for(min(_SETTLING, seconds))
        begun = service.samples[-1][0]
        await service.sample_for(seconds)
        await viewer.told()
        span = time.monotonic() - begun
        await viewer.end()
        frames = (await service.end())["frames"]
    rates = {
        name: sum(camera == name and begun <= ready < begun + span for camera, _, _, _, ready, _, _ in frames) / span
        for name in names
    }
    return {
        "cameras": str(count),
        "MiB": round(max(sample[2] for sample in service.samples) / _MEBIBYTE, 1),
        "MiB with children": round(max(sample[3] for sample in service.samples) / _MEBIBYTE, 1),
        "cores": round(service.cores(begun), 2),
        "frames/s, all": round(sum(rates.values()), 1),
        "frames/s, slowest": round(min(rates.values()), 1),
    }
