"""`livesal bench swap`: what building a twin's head and swapping it in cost the frames that flow meanwhile."""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import cv2
import numpy as np
import torch

from configs.settings import load_settings
from models.engine import Head, serve
from models.loading import load_model
from models.slot import Slot
from pipeline.bench.options import BenchOptions
from pipeline.bench.pictures import read_pictures
from pipeline.bench.report import BenchReport, Value, below, with_ratios
from pipeline.bench.twins import twin_of
from pipeline.saliency_path import ColourHalf
from pipeline.working_size import shrink, working_size

_PICTURES: Final = 8
_NEIGHBOURS: Final = 10
"""Frames between two swaps."""


def measure(options: BenchOptions) -> BenchReport:
    """Run the colour half frame by frame while a worker thread builds heads, and swap each in when it is there."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    method = load_settings(None, options.changes).method
    pictures = read_pictures(options, _PICTURES)
    size = method.size or working_size((pictures[0].shape[0], pictures[0].shape[1]), method.area)
    network = serve(load_model(method.colour), size)
    state = twin_of(load_model(method.colour))
    slot = Slot()
    slot.swap(network.twin_head(state))
    half = ColourHalf(network, slot)
    images = [shrink(picture, size) for picture in pictures]
    quiet: list[float] = []
    meeting: list[float] = []
    building: list[float] = []
    built: list[float] = []
    assigned: list[float] = []
    number = 0

    def frame() -> float:
        nonlocal number
        number += 1
        started = time.perf_counter()
        half(images[number % len(images)])
        return 1000 * (time.perf_counter() - started)

    def build() -> tuple[Head, float]:
        started = time.perf_counter()
        return network.twin_head(state), 1000 * (time.perf_counter() - started)

    end = time.monotonic() + options.lasting(20)
    with ThreadPoolExecutor(1, thread_name_prefix="rounds") as worker:
        while time.monotonic() < end or len(meeting) < 3:
            quiet += [frame() for _ in range(_NEIGHBOURS)]
            future: Future[tuple[Head, float]] = worker.submit(build)
            while not future.done():
                building.append(frame())
            head, milliseconds = future.result()
            built.append(milliseconds)
            started = time.perf_counter()
            slot.swap(head)
            assigned.append(1000 * (time.perf_counter() - started))
            meeting.append(frame())
    rows = [
        _row("neither built nor swapped", quiet),
        _row("first after a swap", meeting),
        _row("while a head is built", building),
    ]
    cost = float(np.median(meeting) - np.median(quiet)) + float(np.median(assigned))
    return BenchReport(
        verb="swap",
        about=f"colour half with a twin at {size[1]}x{size[0]}, {len(meeting)} swaps",
        rows=with_ratios(rows, "p50 ms"),
        figures={"a swap's cost to the frame path": below(cost, 1.0, "ms")},
        notes=(
            f"a worker thread builds a head, warms it up and compares it with torch in {np.median(built):.0f} ms",
            f"the swap itself is an assignment of {1000 * np.median(assigned):.1f} µs",
        ),
    )


def _row(name: str, taken: Sequence[float]) -> dict[str, Value]:
    p50, p99 = (round(float(np.percentile(taken, share)), 3) for share in (50, 99))
    return {"frames": name, "p50 ms": p50, "p99 ms": p99, "count": len(taken)}
