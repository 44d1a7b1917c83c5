"""Timing pieces of work in turns, so that what else the machine does falls on all of them alike."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

_WARM_UP = 2


@dataclass(frozen=True, slots=True)
class Timed:
    """What one piece of work took.

    Attributes:
        wall: median milliseconds by the clock.
        own: median milliseconds of this thread's processor time; far below `wall`, the machine was busy.
        least: the smallest of the latter.
    """

    wall: float
    own: float
    least: float


def in_turns(works: Mapping[str, Callable[[], object]], seconds: float, least: int = 5) -> dict[str, Timed]:
    """Run all works in order, again and again, for `seconds` and at least `least` times; return what each took."""
    for _ in range(_WARM_UP):
        for work in works.values():
            work()
    wall: dict[str, list[float]] = {name: [] for name in works}
    own: dict[str, list[float]] = {name: [] for name in works}
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(next(iter(wall.values()))) < least:
        for name, work in works.items():
            started, used = time.perf_counter(), time.thread_time()
            work()
            own[name].append(1000 * (time.thread_time() - used))
            wall[name].append(1000 * (time.perf_counter() - started))
    return {
        name: Timed(
            round(float(np.median(wall[name])), 3), round(float(np.median(own[name])), 3), round(min(own[name]), 3)
        )
        for name in works
    }
