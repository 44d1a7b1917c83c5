"""A run made by hand: 20 s at 10 frames/s; maps 10 ms after arrival, packets 20 ms, the screen 50 ms."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipeline.bench.path_figures import Recording, figures, lines, rows
from pipeline.bench.processes import Running

ZERO = 1000.0
"""When the service's process was started, on the monotonic clock."""


def running() -> Running:
    one = Running(cast("Any", SimpleNamespace(pid=1)), ZERO)
    one.samples = [(ZERO + 2, 1.0, 500 << 20, 700 << 20), (ZERO + 22, 31.0, 600 << 20, 650 << 20)]
    return one


def recording(*, lost: int = 0, slower: float = 0.0, every: float = 0.02) -> Recording:
    """Return the run: a round from 10 s to 15 s, in which packets take twice as long, then a swap."""
    frames, packets, shown = [], [], []
    for number in range(200):
        if 150 <= number < 150 + lost:
            continue
        at = ZERO + 2.5 + number / 10
        busy = 100 <= number < 150
        age = 0.01 + slower * number / 10
        frames.append(
            ("bench", number, number / 10, at, at + age, "retraining" if busy else "serving", int(number >= 150))
        )
        packets.append(("bench", number / 10, at + (2 * every if busy else every)))
        shown.append((at + 0.05, number))
    steps = [("bench", "retraining-started", ZERO + 12.5, {}), ("bench", "swapped", ZERO + 17.5, {})]
    recorded = {"frames": frames, "packets": packets, "steps": steps}
    return Recording.of(recorded, [*shown, (ZERO + 23, None)], running(), ZERO + 2)


def test_what_is_measured_is_what_was_put_in() -> None:
    found = figures(recording(), 10, numbered=True)
    values = {name: one.value for name, one in found.items()}
    assert values["frames/s analysed"] == pytest.approx(10)
    assert values["growth of frame age"] == pytest.approx(0, abs=1e-3)
    assert values["decode to packet, median"] == pytest.approx(20)
    assert values["decode to packet, p99"] == pytest.approx(40)
    assert values["p99 with retraining / without"] == pytest.approx(2)
    assert values["frames lost to swaps"] == 0
    assert values["start to first frame on screen"] == pytest.approx(2.55)
    assert values["serving to first swap"] == pytest.approx(15.5)
    assert values["memory of the service"] == pytest.approx(600)
    assert values["memory with the retraining child"] == pytest.approx(700)
    assert values["cores that the service used"] == pytest.approx(1.5)
    assert values["rounds"] == 1
    assert values["capture to screen, median"] == pytest.approx(50)


def test_targets_are_met_or_missed() -> None:
    found = figures(recording(), 10, numbered=True)
    assert found["decode to packet, median"].met
    assert not found["p99 with retraining / without"].met
    assert found["capture to screen, median"].met
    assert not found["serving to first swap"].met


def test_frames_missing_at_a_swap_are_counted() -> None:
    assert figures(recording(lost=3), 10, numbered=True)["frames lost to swaps"].value == 3


def test_age_that_grows_is_seen() -> None:
    assert figures(recording(slower=0.001), 10, numbered=True)["growth of frame age"].value == pytest.approx(
        60, rel=0.01
    )


def test_a_source_without_numbers_has_no_time_to_the_screen() -> None:
    assert "capture to screen, median" not in figures(recording(), 10, numbered=False)


def test_the_table_sets_rounds_beside_the_rest() -> None:
    without, during, ratio = rows(recording())
    assert (without["p50 ms"], during["p50 ms"], ratio["p50 ms"]) == (pytest.approx(20), pytest.approx(40), 2)
    assert during["count"] == 50


def test_the_plot_marks_swaps() -> None:
    drawn = lines(recording())
    assert set(drawn) == {"decoder to maps", "decoder to packet", "decoder to screen"}
    assert drawn["decoder to maps"].marks == [pytest.approx(17.5)]


def test_a_run_in_which_nothing_came_is_told_as_that() -> None:
    empty = Recording.of({"frames": [], "packets": [], "steps": []}, [], running(), ZERO + 2)
    values = {name: one.value for name, one in figures(empty, 30, numbered=True).items()}
    assert values["frames/s on the viewer's screen"] is None
    assert values["capture to screen, median"] is None
    assert rows(empty)[0]["count"] == 0
    assert lines(empty)["decoder to packet"].x == []
