"""`Run` on generated clips."""

import asyncio
import json
from contextlib import ExitStack
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import pytest

from configs.settings import Settings
from pipeline import offline
from pipeline.offline import Run, RunFrame
from pipeline.outputs import open_output
from stream.errors import CorruptSourceError, SourceError
from stream.source import open_source
from tests.fakes.frames import picture
from tests.fakes.media import write_video
from tests.fakes.retraining import FakeWorker
from tests.fakes.served import FakeNetworks

FRAMES = 16
OUTPUTS = ("out.mp4", "maps", "out.jsonl")


def settings(url: Path | str, **others: Any) -> Settings:
    return Settings.model_validate(
        {
            "cameras": {"run": {"url": str(url)}},
            "method": {"size": [64, 96], "flow_scale": 1.0},
            "adaptation": {"enabled": False},
            **others,
        }
    )


def run_of(chosen: Settings) -> Run:
    return Run(open_source(chosen.cameras["run"]), chosen)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    write_video(tmp_path / "clip.mp4", (picture(number) for number in range(FRAMES)))
    return tmp_path / "clip.mp4"


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that need not be built, and no child."""
    monkeypatch.setattr(offline, "RetrainingWorker", FakeWorker)
    monkeypatch.setattr(offline, "Networks", lambda method, _: FakeNetworks(method))


@pytest.mark.usefixtures("_quick")
def test_every_frame_is_at_its_time_in_video_folder_and_lines(clip: Path, tmp_path: Path) -> None:
    run = run_of(settings(clip))
    with ExitStack() as stack:
        outputs = [stack.enter_context(open_output(tmp_path / name, "final", None)) for name in OUTPUTS]

        def take(frame: RunFrame) -> None:
            for output in outputs:
                output(frame)

        asyncio.run(run.consume(take))
    with av.open(str(clip)) as given, av.open(str(tmp_path / "out.mp4")) as made:
        wanted = [frame.pts * frame.time_base for frame in given.decode(video=0)]
        assert [frame.pts * frame.time_base for frame in made.decode(video=0)] == wanted
    assert wanted == [Fraction(number, 25) for number in range(FRAMES)]
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(FRAMES))
    assert [line["time"] for line in lines] == [number / 25 for number in range(FRAMES)]
    maps = sorted((tmp_path / "maps").iterdir())
    assert [file.name for file in maps] == [f"{number:05d}.png" for number in range(FRAMES)]
    last = cv2.imread(str(maps[-1]), cv2.IMREAD_GRAYSCALE)
    disc = picture(FRAMES - 1)[..., 0] > 200
    assert last[disc].mean() > 3 * last[~disc].mean(), "the moving disc is what stands out"


@pytest.mark.usefixtures("_quick")
async def test_the_summary_says_what_the_run_came_to(clip: Path) -> None:
    run = run_of(settings(clip))
    seen: list[RunFrame] = []
    await run.consume(seen.append)
    summary = run.summary()
    assert list(asdict(summary)) == [
        "frames",
        "seconds",
        "fps",
        "keyframes",
        "retrainings",
        "swaps",
        "rejected",
        "stages_ms",
    ]
    assert summary.frames == len(seen) == FRAMES
    rounding = 0.0005 / summary.seconds  # of the seconds, which are told in milliseconds
    assert summary.fps == pytest.approx(FRAMES / summary.seconds, rel=0.001 + rounding)
    assert summary.keyframes == sum(frame.analysed.saliency.is_keyframe for frame in seen)
    assert (summary.retrainings, summary.swaps, summary.rejected) == (0, 0, 0)
    assert set(summary.stages_ms) == {"shrink", "colour", "motion", "total", "output"}
    for figures in summary.stages_ms.values():
        assert 0 <= figures["p50"] <= figures["p95"] <= figures["p99"]


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize("enabled", [False, True])
async def test_the_child_starts_early_where_there_is_something_to_retrain(
    clip: Path, monkeypatch: pytest.MonkeyPatch, *, enabled: bool
) -> None:
    worker = FakeWorker()
    monkeypatch.setattr(offline, "RetrainingWorker", lambda: worker)
    await run_of(settings(clip, adaptation={"enabled": enabled})).consume(lambda _: None)
    assert worker.warm == enabled


@pytest.mark.usefixtures("_quick")
async def test_regions_are_followed_in_media_time(clip: Path) -> None:
    run = run_of(settings(clip, regions={"threshold": 0.3, "minimum_hits": 2}))
    seen: list[RunFrame] = []
    await run.consume(seen.append)
    events = [event for frame in seen for event in frame.region_events]
    assert events[0].type == "new"
    assert seen[-1].regions
    later, earlier = seen[-1].regions[0].frame_time, events[0].after.frame_time
    announced = next(frame for frame in seen if frame.region_events).analysed.frame.time
    assert later - earlier == pytest.approx(seen[-1].analysed.frame.time - announced, abs=1e-5)


@pytest.mark.usefixtures("_quick")
async def test_a_summary_before_the_first_frame_is_all_zero(clip: Path) -> None:
    summary = run_of(settings(clip)).summary()
    assert (summary.frames, summary.seconds, summary.fps, summary.stages_ms) == (0, 0, 0, {})


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize(("content", "error"), [(None, SourceError), (b"no video at all", CorruptSourceError)])
async def test_what_cannot_be_read_ends_the_run_with_its_error(
    tmp_path: Path, content: bytes | None, error: type[Exception]
) -> None:
    if content is not None:
        (tmp_path / "clip.mp4").write_bytes(content)
    with pytest.raises(BaseExceptionGroup) as raised:
        await run_of(settings(tmp_path / "clip.mp4")).consume(lambda _: None)
    assert raised.group_contains(error)


@pytest.mark.usefixtures("_quick")
async def test_an_output_that_fails_ends_the_run(clip: Path) -> None:
    def take(frame: RunFrame) -> None:
        message = f"disk full at frame {frame.analysed.frame.sequence}"
        raise OSError(message)

    with pytest.raises(BaseExceptionGroup) as raised:
        await run_of(settings(clip)).consume(take)
    assert raised.group_contains(OSError, match="disk full at frame 0")
