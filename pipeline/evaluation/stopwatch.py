"""How long the method itself takes, with what is beside it left out."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class Stopwatch:
    """Adds up time.

    Attributes:
        seconds: so far.
    """

    def __init__(self) -> None:
        """Begin at zero."""
        self.seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count what happens meanwhile."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds += time.monotonic() - started

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave out what happens meanwhile, while the watch is running."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds -= time.monotonic() - started


class Untimed(Generic[T]):
    """An iterable whose own work a running stopwatch leaves out, as often as it is gone through."""

    def __init__(self, items: Iterable[T], watch: Stopwatch) -> None:
        """Wrap `items`."""
        self._items = items
        self._watch = watch

    def __iter__(self) -> Iterator[T]:
        items = iter(self._items)
        while True:
            with self._watch.paused():
                try:
                    item = next(items)
                except StopIteration:
                    return
            yield item
