"""Waiting for what is no event of ours, and counting the pauses between two tries."""

import asyncio
from collections.abc import Callable
from random import Random


async def until(holds: Callable[[], bool]) -> None:
    """Give the loop its turns until `holds`; the test's time limit bounds it."""
    while not holds():  # noqa: ASYNC110 - what is waited for sets no event
        await asyncio.sleep(0.005)


class Pauses(Random):
    """A source of jitter that adds none and counts how often it was asked."""

    count = 0

    def uniform(self, a: float, b: float) -> float:
        self.count += 1
        return (a + b) / 2
