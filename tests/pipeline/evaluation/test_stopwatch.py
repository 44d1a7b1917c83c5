from collections.abc import Iterator

import pytest

from pipeline.evaluation import stopwatch
from pipeline.evaluation.stopwatch import Stopwatch, Untimed


def test_reading_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(stopwatch.time, "monotonic", lambda: now)

    class Slow:
        def __iter__(self) -> Iterator[int]:
            nonlocal now
            for item in range(3):
                now += 5
                yield item

    watch = Stopwatch()
    items = Untimed(Slow(), watch)
    for _ in range(2):
        with watch.running():
            for _ in items:
                now += 1

    assert watch.seconds == 6
