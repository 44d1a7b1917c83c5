from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.source import SourceSettings
from stream.channel import Channel
from stream.frame import Frame
from stream.frame_budget import FrameBudget
from stream.source import open_source
from tests.fakes.media import numbered, read_number, write_video


def admitted(rate: float, times: list[float]) -> list[float]:
    budget = FrameBudget(rate)
    return [time for time in times if budget.admits(time)]


def test_every_third_frame_of_thirty_is_ten() -> None:
    times = [float(Fraction(number, 30)) for number in range(90)]
    assert admitted(10, times) == times[::3]


def test_a_rate_that_does_not_divide_is_kept_on_average() -> None:
    assert len(admitted(20, [number / 30 for number in range(300)])) == pytest.approx(200, abs=2)


def test_jitter_costs_a_camera_that_keeps_its_budget_no_frame() -> None:
    times = [number / 25 + (0.008 if number % 2 else -0.008) for number in range(100)]
    assert admitted(25, times) == times


def test_a_gap_gives_no_burst() -> None:
    assert admitted(10, [0.0, 60.0, 60.01, 60.02, 60.1]) == [0.0, 60.0, 60.1]


@given(
    st.floats(min_value=0.5, max_value=120),
    st.lists(st.floats(min_value=0.001, max_value=3.0), min_size=1, max_size=200),
)
def test_no_stretch_of_time_holds_more_than_the_budget(rate: float, steps: list[float]) -> None:
    times = [sum(steps[:number]) for number in range(len(steps))]
    left = admitted(rate, times)
    for first in range(0, len(left), 5):
        assert len(left) - first <= (left[-1] - left[first]) * rate + 2 + 1e-6


async def test_a_source_leaves_out_what_is_over_its_budget_and_counts_it(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", (numbered(number) for number in range(50)))
    source = open_source(SourceSettings.model_validate({"url": str(tmp_path / "a.mp4"), "fps_limit": 5}))
    out: Channel[Frame] = Channel(50)
    await source.run(out)
    frames = [frame async for frame in out]
    assert [read_number(frame.image) for frame in frames] == list(range(0, 50, 5))
    assert source.status.dropped == {"budget": 40}
