"""`livesal run` as a process of its own: a generated clip, every frame of it to be found in the output."""

import asyncio
import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from stream.frame import Frame
from stream.synthetic import Demo
from stream.video_writer import VideoWriter
from tests.fakes.livesal_command import QUICK, livesal
from tests.fakes.media import numbered, read_number

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

FRAMES = 40
_KEYS = {"frames", "seconds", "fps", "keyframes", "retrainings", "swaps", "rejected", "stages_ms"}


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """The generated scene at 10 frames a second, each frame numbered along its lower edge."""
    path = tmp_path / "clip.mp4"
    scene = Demo.parse("demo://?width=384&height=224&fps=10&cuts=0").scene()
    with VideoWriter(path, 10) as writer:
        for number in range(FRAMES):
            image = scene.frame(number)[0].copy()
            image[192:] = numbered(number, 384, 64)[:32]
            writer.write(Frame(image, pts=number, time_base=Fraction(1, 10), sequence=number, arrived_at=0.0))
    return path


async def test_every_frame_is_in_the_output_and_the_twin_is_retrained(clip: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    one_round = ("-s", "adaptation.cool_down=100", "-s", "method.area=11520")
    async with livesal(
        "run", str(clip), "-o", str(output), "--view", "source", "--json", *QUICK, *one_round
    ) as command:
        code, said, problems = await command.ended()
    assert (code, problems) == (0, "")
    *lines, summary = [json.loads(line) for line in said.splitlines()]
    assert summary.keys() == _KEYS
    assert summary["frames"] == len(lines) == FRAMES
    assert summary["keyframes"] >= 3
    assert summary["retrainings"] == summary["swaps"] + summary["rejected"] == 1
    assert {"p50", "p95", "p99"} == summary["stages_ms"]["total"].keys()
    written = await asyncio.to_thread(_numbers, output)
    assert [number for _, number in written] == list(range(FRAMES))
    assert [time for time, _ in written] == pytest.approx([number / 10 for number in range(FRAMES)], abs=1e-3)


async def test_a_missing_file_is_one_line_and_exit_code_three(tmp_path: Path) -> None:
    missing = tmp_path / "missing.mp4"
    async with livesal("run", str(missing)) as command:
        assert await command.ended() == (3, "", f"error: {missing}: there is no such file or folder\n")


def _numbers(path: Path) -> list[tuple[float, int]]:
    """Return the time and the number of every frame of a video."""
    with av.open(str(path)) as container:
        return [(frame.time, _number(frame.to_ndarray(format="rgb24"))) for frame in container.decode(video=0)]


def _number(image: np.ndarray) -> int:
    strip = np.concatenate([image[192:224], image[192:224]])
    return read_number(strip)
